"""What changes tenants: customers, people and their roles, keys, and who is signed in."""
