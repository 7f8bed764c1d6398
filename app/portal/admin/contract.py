"""A customer's contract between its stored form (tenants/sla.py) and the fields people fill in: a number and a unit, hours, holidays."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.cases import calendars, sla
from app.core.errors import Fault, FieldError, Invalid
from app.portal.forms import Form
from tenants.sla import problems

UNITS: Mapping[str, str] = {"minutes": "minutes", "hours": "hours", "days": "working days", "weeks": "working weeks"}
_WRITTEN = {"minutes": "PT{}M", "hours": "PT{}H", "days": "P{}D", "weeks": "P{}W"}
_READ = (
    ("weeks", re.compile(r"P(\d+)W")),
    ("days", re.compile(r"P(\d+)D")),
    ("hours", re.compile(r"PT(\d+)H")),
    ("minutes", re.compile(r"PT(\d+)M")),
)
_MIXED = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
TARGETS = ("first_response", "resolution")


class ContractInvalid(Invalid):
    """This contract can't be kept as it is described."""

    status = 422


def fields_of(contract: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what the form's fields show for a stored contract."""
    if not contract:
        return {}
    calendar = contract.get("calendar") or {}
    holidays = calendar.get("holidays") or []
    shown = {"sla.calendar.zone": calendar.get("zone") or "", "sla.calendar.hours": calendar.get("hours") or ""}
    shown["sla.calendar.holidays"] = ", ".join(holidays if isinstance(holidays, list) else [holidays])
    for name in TARGETS:
        if name in contract:
            shown[f"sla.{name}"], shown[f"sla.{name}_unit"] = amount_of(str(contract[name]))
    return shown


def contract_of(form: Form) -> dict[str, Any] | None:
    """Return the contract that the form describes, None when it promises nothing; raises ContractInvalid naming each field."""
    errors: list[FieldError] = []
    made: dict[str, Any] = {}
    for name in TARGETS:
        written = _duration(form.value(f"sla.{name}").strip(), form.value(f"sla.{name}_unit", "hours"), f"/sla/{name}", errors)
        made |= {name: written} if written else {}
    calendar = _calendar(form)
    if not made and not errors:
        return None
    made |= {"calendar": calendar} if calendar else {}
    errors += problems(made)
    if errors:
        raise ContractInvalid(errors=errors)
    return made


def amount_of(duration: str) -> tuple[str, str]:
    """Return an ISO 8601 duration as a number and the unit it is best read in."""
    for unit, form in _READ:
        if found := form.fullmatch(duration):
            return found[1], unit
    mixed = _MIXED.fullmatch(duration)
    hours, minutes, seconds = (int(part or 0) for part in mixed.groups()) if mixed else (0, 0, 0)
    return str(hours * 60 + minutes - (-seconds // 60)), "minutes"


def said(duration: str) -> str:
    """Return a duration in words."""
    amount, unit = amount_of(duration)
    word = UNITS[unit]
    return f"{amount} {word.removesuffix('s') if amount == '1' else word}"


def promised(contract: Mapping[str, Any] | None, now: datetime) -> dict[str, datetime]:
    """Return when a case opened now would be due; nothing for what isn't promised or can't be reckoned."""
    due: dict[str, datetime] = {}
    for name in TARGETS:
        if contract and name in contract:
            try:
                due[name] = sla.due_at(now, str(contract[name]), calendars.parse(contract.get("calendar")))
            except Fault:
                continue
    return due


def _duration(amount: str, unit: str, pointer: str, errors: list[FieldError]) -> str:
    if not amount:
        return ""
    if not amount.isdigit() or not 0 < int(amount) <= 9999:
        errors.append(FieldError(pointer, f"{amount[:40]!r} is not a whole number.", "Write a number such as 30 and choose its unit."))
        return ""
    return _WRITTEN.get(unit, "PT{}H").format(int(amount))


def _calendar(form: Form) -> dict[str, Any]:
    made: dict[str, Any] = {name: form.value(f"sla.calendar.{name}").strip() for name in ("zone", "hours")}
    holidays = [part.strip() for part in re.split(r"[,\s]+", form.value("sla.calendar.holidays")) if part.strip()]
    made["holidays"] = holidays[0] if len(holidays) == 1 else holidays
    return {name: value for name, value in made.items() if value}
