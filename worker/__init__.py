"""The worker: runs what nobody waits for. The only importer of dramatiq.

Postgres holds what is due (core.work); a Dramatiq message is a hint that one tenant has something ready, and may be lost,
repeated or forged: it costs an empty poll. Without Redis the dispatcher runs the same function in this process.
"""
