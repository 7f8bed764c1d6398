"""Runs on the real database: definitions written in a line, cases made by hand, a peer that keeps a ledger."""
