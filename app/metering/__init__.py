"""Metering: what each customer uses, counted from events by the meters in meters.yaml.

Hears every event, after its transaction; writes usage records by event id, so counting twice is impossible.
"""
