"""A small logistics world to run against: WMS, ERP, CRM, carrier, service desk and a mailbox, for two partners.

It knows nothing of the product: it answers HTTP like the systems a partner's customers own, keeps a ledger of every
call it received in a file of its own, and breaks on demand. `python -m simulator` starts it, `python -m simulator.story`
plays the main story against a running instance, `python -m simulator.feed FILE…` posts files.
"""
