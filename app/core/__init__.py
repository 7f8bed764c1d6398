"""Core: what every room stands on.

Settings, clock, ids, errors, events, the outbox of work, the database engine, the sandbox, the egress,
parsing limits, secrets and telemetry. Knows nothing of logistics and nothing of any tenant's content.
"""
