"""Tenants: who we serve and the wall between them.

A partner has environments (each a tenant, the unit of isolation); a tenant has customers, users with memberships and
roles, and API keys. A request becomes a `Principal` here; configuration as code is planned and applied here.
Hears nothing. Says partner.created, environment.created, customer.*, user.*, role.*, key.created, key.rotated,
key.revoked, sign_in.requested, session.started, session.ended, access.denied, manifest.applied.
"""
