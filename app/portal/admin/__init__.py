"""The console: what a partner sets up and keeps in order."""
