"""The permissions: what a role may combine. A route names exactly one; a name says the room's noun and what is done to it."""

_NAMES = """
partners.read partners.write
customers.read customers.write
users.read users.write
keys.read keys.write
identity.read identity.write
consent.read consent.ask consent.decide
brand.read brand.write
connections.read connections.write
templates.read templates.write
sources.read sources.write
policies.read policies.write policies.publish policies.simulate
workflows.read workflows.write workflows.publish
mappings.read mappings.write mappings.publish
signals.create signals.read signals.replay
model.read
documents.write
cases.read cases.comment cases.work cases.propose
runs.read runs.work
approvals.read approvals.decide
offers.read offers.make offers.answer
notices.read
usage.read
audit.read audit.verify
provisioning.write
"""

PERMISSIONS = frozenset(_NAMES.split())

# What somebody confined to one customer may ever hold, whatever role they were given: nothing here can touch what
# the partner shares between customers.
_CUSTOMERS = """
customers.read users.read users.write keys.read keys.write identity.read identity.write
consent.read consent.decide connections.read templates.read sources.read
signals.create signals.read model.read documents.write cases.read cases.comment runs.read approvals.read offers.read offers.answer
notices.read usage.read audit.read
"""
CUSTOMER_PERMISSIONS = frozenset(_CUSTOMERS.split())

# What somebody of the partner may hold who serves only some customers: they work inside one customer's rows, so what
# is shared between customers can neither be read nor changed.
CONFINED_PERMISSIONS = (CUSTOMER_PERMISSIONS - {"consent.decide", "identity.write"}) | {"cases.work", "cases.propose"}

# Only the platform's own operators create partners; no role inside a tenant can be made to hold this.
PLATFORM_PERMISSIONS = frozenset({"partners.write"})
