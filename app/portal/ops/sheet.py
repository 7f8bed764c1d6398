"""A file of cases for a spreadsheet, in which nothing is a formula."""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from babel.numbers import get_currency_precision

from app.cases.schemas import Amount, CaseRow, Stop
from app.portal.ops.wording import CLOCKS, STATUS, Wording
from app.portal.screens import Screen

# A spreadsheet takes a cell that begins with one of these for a formula, whatever stands behind it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
COLUMNS: Final = (
    "Title", "What went wrong", "State", "Priority", "Customer", "Order", "Shipment", "From", "To", "Carrier", "Money at risk", "Currency",
    "Next clock", "Due (UTC)", "Owner", "Next step", "Opened (UTC)",
)  # fmt: skip


def of(rows: Iterable[CaseRow], screen: Screen) -> bytes:
    """The cases as CSV with a byte order mark, by which spreadsheets know that it is UTF-8."""
    w, made = Wording(screen), io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([cell(text) for text in _cells(row, w)])
    return b"\xef\xbb\xbf" + made.getvalue().encode()


def cell(text: str) -> str:
    """A text that stays a text in a spreadsheet."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _cells(row: CaseRow, w: Wording) -> tuple[str, ...]:
    money, clock = row.money_at_risk, row.clock
    return (
        row.title, w.exception(row.type), STATUS[row.status][2], row.priority.level, row.customer or "", row.order or "", row.shipment or "",
        _place(row.origin), _place(row.destination), row.carrier or "", _amount(money) if money else "", money.currency if money else "",
        CLOCKS.get(clock.kind, clock.kind) if clock else "", f"{clock.due_at:%Y-%m-%d %H:%M}" if clock else "", row.owner.name if row.owner else "",
        row.next_step.text if row.next_step else "", f"{row.opened_at:%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _amount(money: Amount) -> str:
    """The bare number, with as many decimals as the currency has."""
    return str(Decimal(money.minor).scaleb(-get_currency_precision(money.currency)))


def _place(stop: Stop | None) -> str:
    return ", ".join(part for part in (stop.city, stop.country) if part) if stop else ""
