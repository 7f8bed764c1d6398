"""The ways in: one module a protocol, each turning what a sender sent into plain data, tolerantly and within limits.

Nothing here touches the database, the network or a clock.
"""
