"""Branding: how each partner appears to its people: colours and voice, logo, hosts, and the pages and mail frames that carry them.

Hears nothing. Says brand.published, brand.retired (with its successor), domain.added, domain.verified, domain.removed.
"""
