"""Customers to find and measure for, and the way their events are recorded."""

from tests.integration.canonical.conftest import customer, other_customer, tell

__all__ = ["customer", "other_customer", "tell"]
