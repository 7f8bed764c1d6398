"""Ownership inside a tenant: configuration is the partner's own or one customer's, and a customer's work sees only its own and the shared.

A run for customer A can't use, name or learn of what is B's: every look-up of configuration goes through `usable_by`.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_


def usable_by(model: Any, customer_id: UUID | None) -> ColumnElement[bool]:
    """Return the condition that a row of `model` (with a customer_id) may be used for this customer: its own or the partner's.

    Without a customer only the partner's own qualify.
    """
    shared: ColumnElement[bool] = model.customer_id.is_(None)
    return shared if customer_id is None else or_(shared, model.customer_id == customer_id)


def owned_first(model: Any) -> ColumnElement[Any]:
    """Return the order in which candidates of one name are taken: the customer's own before the partner's shared one."""
    order: ColumnElement[Any] = model.customer_id.asc().nulls_last()
    return order
