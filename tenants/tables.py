"""What the tables of this room share: references that stay inside a tenant, and the index every customer's scope reads by."""

from sqlalchemy import ForeignKeyConstraint, Index


def of_customer() -> ForeignKeyConstraint:
    """The row belongs to a customer of the same tenant, or to none."""
    return ForeignKeyConstraint(["tenant_id", "customer_id"], ["tenants.customer.tenant_id", "tenants.customer.id"])


def of_user() -> ForeignKeyConstraint:
    """The row belongs to a person of the same tenant."""
    return ForeignKeyConstraint(["tenant_id", "user_id"], ["tenants.user.tenant_id", "tenants.user.id"])


def scoped(table: str) -> Index:
    """The index that `core.tenant_table` makes for a table with customers."""
    return Index(f"{table}_tenant_id_customer_id_id_idx", "tenant_id", "customer_id", "id")
