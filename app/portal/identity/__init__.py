"""Signing in and out, sessions, and acting for a customer."""
