"""Branding: how each partner appears to its people: colours and voice, logo, hosts, and the pages and mail frames that carry them.

Hears nothing. Says brand.published (the version before is retired with it), logo.added, domain.added, domain.verified,
domain.preferred, domain.removed.
"""
