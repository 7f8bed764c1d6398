"""Tenants: who we serve and the wall between them.

A partner has environments (each a tenant, the unit of isolation); a tenant has customers, users with memberships and
roles, and API keys. A request becomes a `Principal` here; configuration as code is planned and applied here.
Hears nothing. Says environment.created, manifest.applied, customer.created/updated, user.created/updated/suspended/
restored/role_granted/role_revoked, role.created/updated/deleted, key.created/rotated/revoked/superseded_used,
sign_in.requested, session.started/ended, access.denied.
"""
