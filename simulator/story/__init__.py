"""The main story, played against a running instance through what everybody can use: API, mail, links, and the outside world's ledger.

Twelve steps a partner, each with promised outcomes that are checked as they come; a thirteenth tells it again with the carrier
down and processes killed. `python -m simulator.story --help`.
"""
