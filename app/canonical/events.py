"""The canonical event: what a mapping makes of a raw message, checked against `event_types.yaml`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from app.canonical.milestones import MILESTONES
from app.canonical.taxonomy import read_data
from app.core.errors import FieldError, Invalid

REF_KINDS = ("order", "shipment", "tracking", "pro", "bol", "po", "container", "awb", "sscc", "promise", "document", "sku")
# What tells one shipment of a customer from another, best first; the other kinds may stand on several shipments.
IDENTITY = ("shipment", "tracking", "pro")

MOST_DEPTH = 16

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
RefValue = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^\S([^\x00-\x1f]*\S)?$")]


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place as a message names it; `code` is the sender's own (a site, a UN/LOCODE)."""

    name: str = ""
    code: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order line."""

    sku: Text
    quantity: Count
    description: str = ""
    regulated: bool = False


class Stop(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stop of the planned journey; two that follow each other make a leg."""

    location: Location
    kind: Literal["pickup", "transfer", "delivery"] = "transfer"
    planned_at: Moment | None = None


class Party(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who takes part: shipper, consignee, carrier, broker."""

    role: Text
    name: str = ""
    code: str = ""
    location: Location | None = None


FIELD_TYPES: dict[str, Any] = {
    "string": Text,
    "int": Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)],
    "bool": bool,
    "double": float,
    "currency": Currency,
    "timestamp": Moment,
    "location": Location,
    "lines": Annotated[list[Line], msgspec.Meta(max_length=1000)],
    "stops": Annotated[list[Stop], msgspec.Meta(max_length=100)],
    "parties": Annotated[list[Party], msgspec.Meta(max_length=50)],
}


class EventType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One type a mapping may say; `internal` ones only we say."""

    title: str
    needs: tuple[str, ...]
    data: dict[str, str]
    internal: bool = False


class CanonicalEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the world in our words. `occurred_at` is UTC; `data` holds values checked by the event type."""

    type: str
    occurred_at: datetime
    account: str | None = None
    refs: dict[str, str]
    data: dict[str, Any]


@cache
def event_types() -> dict[str, EventType]:
    """The built-in event types by name."""
    raw = read_data("event_types.yaml")
    return {name: msgspec.convert(entry, EventType, strict=False) for name, entry in raw.items()}


def parse_event(value: object, pointer: str = "") -> CanonicalEvent:
    """Check one mapped value and make the event of it; raises Invalid naming every wrong field by JSON Pointer."""
    found = _Findings(pointer)
    if not isinstance(value, dict):
        raise Invalid(_REFUSED, errors=[FieldError(pointer, "An event is an object.", _SHAPE)])
    for name in sorted(str(key) for key in value.keys() - {"type", "occurred_at", "account", "refs", "data"}):
        found.add(f"/{_escape(name)}", "This field is not part of an event.", _SHAPE)
    kind = found.convert("/type", value.get("type"), Text)
    occurred_at = found.convert("/occurred_at", value.get("occurred_at"), Moment)
    account = found.convert("/account", value.get("account"), RefValue | None)
    refs = _refs(value.get("refs", {}), found)
    data = _data(kind, value.get("data", {}), refs, found)
    found.refuse()
    return CanonicalEvent(type=kind, occurred_at=occurred_at.astimezone(UTC), account=account, refs=refs, data=data)


_REFUSED = "The mapped value is not a canonical event."
_SHAPE = "Use type, occurred_at, account, refs and data."


def _refs(raw: object, found: "_Findings") -> dict[str, str]:
    if not isinstance(raw, dict):
        found.add("/refs", "References are an object of kind and value.")
        return {}
    given = {kind: value for kind, value in raw.items() if value is not None}
    for kind in sorted(str(key) for key in given.keys() - set(REF_KINDS)):
        found.add(f"/refs/{_escape(kind)}", "This kind of reference is not known.", f"Use one of {', '.join(REF_KINDS)}.")
    return {kind: found.convert(f"/refs/{kind}", value, RefValue) for kind, value in given.items() if kind in REF_KINDS}


def _data(kind: str | None, raw: object, refs: dict[str, str], found: "_Findings") -> dict[str, Any]:
    known = event_types().get(kind or "")
    if known is None or known.internal:
        if kind is not None:
            said = ", ".join(name for name, entry in event_types().items() if not entry.internal)
            found.add("/type", "This event type is not known.", f"Use one of {said}.")
        return {}
    if not refs.keys() & set(known.needs):
        found.add("/refs", f"{kind} needs a reference of kind {' or '.join(known.needs)}.")
    if not isinstance(raw, dict):
        found.add("/data", "Data is an object.")
        return {}
    for pointer, detail in unkeepable(raw):
        found.add(f"/data{pointer}", detail)
    return _fields(known, {name: value for name, value in raw.items() if value is not None}, found)


def _fields(known: EventType, given: dict[str, Any], found: "_Findings") -> dict[str, Any]:
    data = {
        name: found.convert(f"/data/{_escape(name)}", value, FIELD_TYPES[known.data[name]]) if name in known.data else value
        for name, value in given.items()
    }
    if data.get("milestone") is not None and data["milestone"] not in MILESTONES:
        found.add("/data/milestone", "This milestone is not known.", f"Use one of {', '.join(sorted(MILESTONES))}.")
    return data


def unkeepable(value: object, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """What no database column can hold: NUL and lone surrogates in text, numbers beyond 64 bits, not a number, trees too deep."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            yield pointer, "This text holds a character that can't be kept."
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if not -(2**63) <= value < 2**63:
            yield pointer, "This number is too large to be kept."
    elif depth >= MOST_DEPTH:
        yield pointer, f"This is nested deeper than {MOST_DEPTH} levels."
    else:
        named = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, inner in named:
            yield from unkeepable(name, pointer, depth)
            yield from unkeepable(inner, f"{pointer}/{_escape(str(name))}", depth + 1)


class _Findings:
    """Collects what is wrong, so that a sender reads all of it at once."""

    def __init__(self, pointer: str) -> None:
        self.pointer, self.errors = pointer, list[FieldError]()

    def add(self, pointer: str, detail: str, remedy: str = "") -> None:
        self.errors.append(FieldError(self.pointer + pointer, detail, remedy))

    def convert(self, pointer: str, value: object, wanted: Any) -> Any:
        """The value in its type, or None and one more finding."""
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            detail, _, path = str(error).partition(" - at ")
            self.add(pointer + _pointer(path), f"{detail}.")
            return None

    def refuse(self) -> None:
        if self.errors:
            raise Invalid(_REFUSED, errors=self.errors)


def _pointer(path: str) -> str:
    """msgspec's path (`$[0].sku`) as a JSON Pointer (`/0/sku`)."""
    return "".join(f"/{index or name}" for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path))


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
