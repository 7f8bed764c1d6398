"""`python -m app.cli` is `detour`."""

from app.cli import main

main()
