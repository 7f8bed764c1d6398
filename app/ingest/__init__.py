"""Ingest: the ways in. Every message is kept exactly as received, deduplicated, mapped, attributed and handed on; nothing is dropped.

Hears nothing: it is where things begin. Its work kind `signal` turns accepted signals into canonical events.
Says signal.accepted, signal.mapped, signal.parked, signal.replayed; source.*, mapping.* and attribution.* when they are configured.
"""
