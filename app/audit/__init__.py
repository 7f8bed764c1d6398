"""Audit: evidence of who did what, when, with what before and after.

Hears every event, after its transaction, and links it into a hash chain: one chain for each customer and one for the
partner, so that what is shown to one customer betrays nothing of another. Heads are anchored in a file outside the
database; `verify` compares log, chains and anchors. Says audit.verified.
"""
