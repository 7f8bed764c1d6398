"""OpenID Connect: signing in with a provider somebody else runs, as its relying party (code flow with PKCE).

Pure parts (`discovery`, `tokens`, `request`) and the one that asks the provider (`provider`), through the egress alone.
"""
