"""Connectors: the way out to the systems of partners and their customers, asked for by capability and never by vendor.

Hears nothing; does what workflows and people ask, and the work `call` (asking a system what became of an unanswered call).
Says connection.created/changed/disabled/enabled/rotated/tested, call.started/succeeded/failed/unknown, breaker.opened/closed, access.denied.
"""
