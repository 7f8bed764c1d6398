"""The story on the terminal: each outcome as it is checked, and the table at the end."""

import json
from collections.abc import Iterable
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from simulator.story.book import Book, Check
from simulator.story.doors import Door

STEPS = {
    0: "The stage",
    1: "The warehouse's webhook",
    2: "The carrier's X12 214",
    3: "Duplicates and forgeries",
    4: "The policy decides",
    5: "Three systems asked at once",
    6: "A reroute before its time",
    7: "The document, wrong, then right",
    8: "Proposed and approved",
    9: "The customer answers",
    10: "Carrier, ERP, desk and CRM",
    11: "Re-checked and closed",
    12: "Counts, chain and marks",
    13: "Told again with faults",
}


class Screen:
    """Prints a line for every check as it is written; `quiet` prints nothing (for --json)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(quiet=quiet, highlight=False)

    def line(self, check: Check) -> None:
        """One outcome as it comes."""
        mark = "[green]✓[/]" if check.held else "[bold red]✗[/]"
        detail = f"\n      [red]{_plain(check.detail)}[/]" if check.detail else ""
        self._console.print(f"{mark} [dim]{check.partner:<11}[/] {check.step:>2}  {_plain(check.promise)}{detail}")

    def say(self, text: str) -> None:
        """A line that is no check."""
        self._console.print(text, soft_wrap=True)

    def table(self, book: Book) -> None:
        """Every step, how much it promised and what did not hold."""
        table = Table("#", "step", *(partner for partner in _partners(book.checks)), title="The story")
        for step, title in STEPS.items():
            cells = [_cell([c for c in book.checks if c.step == step and c.partner == partner]) for partner in _partners(book.checks)]
            if any(cells):
                table.add_row(str(step), title, *cells)
        self._console.print(table)
        for check in book.checks:
            if not check.held:
                self.line(check)
        held = sum(check.held for check in book.checks)
        self._console.print(f"[bold]{held} of {len(book.checks)} promised outcomes held.[/]")

    def addresses(self, doors: Iterable[Door], base_url: str, simulator: str) -> None:
        """Where each partner's people come in, with a link for each that signs in once."""
        port = urlsplit(base_url).port
        for door in doors:
            self.say(f"\n[bold]{door.cast.brand}[/] http://{door.cast.host}:{port}")
            for who, email, link in door.people:
                self.say(f"  {who:<20} {email:<30} {link}")
        self.say(f"\nEach link signs in once, within 15 minutes; ask for more at /sign-in. All mail: {simulator}/mail")


def as_json(book: Book) -> str:
    """The same for machines."""
    fields = ("partner", "step", "promise", "held", "detail")
    return json.dumps({"held": book.held, "checks": [{name: getattr(c, name) for name in fields} for c in book.checks]}, indent=1)


def _partners(checks: Iterable[Check]) -> list[str]:
    return sorted({check.partner for check in checks})


def _cell(checks: list[Check]) -> str:
    if not checks:
        return ""
    held = sum(check.held for check in checks)
    return f"[green]{held}/{len(checks)}[/]" if held == len(checks) else f"[bold red]{held}/{len(checks)}[/]"


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
