"""From a stored signal to its items: the documents inside it that are mapped, attributed, parked and replayed one by one.

An X12 document has an item a transaction set; everything else is one item. Pure: raw bytes and settings in, plain data out.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from app.core.errors import Fault
from app.ingest import dedup
from app.ingest.sources import cloudevents, edi_x12

Reason = Literal["unreadable", "unmapped", "unattributed", "refused"]
Parse = Callable[[bytes], Any]
_FORM = "application/x-www-form-urlencoded"


class Problem(msgspec.Struct, frozen=True):
    """Why an item needs a person, and what that person can do before it is replayed."""

    reason: Reason
    detail: str
    remedy: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A signal as it was stored, with what its source is set to."""

    id: UUID
    source: str
    kind: str
    content_type: str
    headers: dict[str, str]
    raw: bytes
    received_at: datetime
    trace: str | None = None
    customer_id: UUID | None = None
    mapping: str | None = None
    zone: tzinfo
    is_strict: bool = False


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One document of a signal: what its mapping gets, or why it can't be read. `key` makes its effect happen once."""

    signal_id: UUID
    index: int
    label: str
    key: bytes
    value: Any = None
    problem: Problem | None = None


def items(signal: Stored, parse: Parse) -> list[Item]:
    """Return the items of `signal`; one that can't be read carries its problem, and so does a signal that can't be read at all."""
    reader = {"x12": _x12, "cloudevents": _cloudevent}.get(signal.kind, _webhook)
    try:
        return reader(signal, parse)
    except Fault as fault:
        detail = "; ".join([fault.detail, *(f"{e.pointer}: {e.detail}" for e in fault.errors)])
        remedy = "Ask the sender to send it again in the format of this source, or correct the source."
        return [_single(signal, problem=Problem("unreadable", detail[:2000], remedy))]


def _single(signal: Stored, value: Any = None, problem: Problem | None = None) -> Item:
    key = dedup.item_key(signal.source, signal.id.bytes)
    return Item(signal_id=signal.id, index=0, label=signal.kind, key=key, value=value, problem=problem)


def _x12(signal: Stored, parse: Parse) -> list[Item]:
    found = edi_x12.read(signal.raw, strict=signal.is_strict)
    made = [_set(signal, index, one) for index, one in enumerate(edi_x12.items(found))]
    return made or [
        _single(signal, problem=Problem("unreadable", "This interchange holds no transaction set.", "Ask the sender what was meant."))
    ]


def _set(signal: Stored, index: int, one: edi_x12.Item) -> Item:
    # Content is compared inside one owner: the same set from another customer's mailbox is another customer's message.
    key = dedup.item_key(str(signal.customer_id or ""), edi_x12.content_hash(one))
    problem = None
    if one.set.is_refused:
        detail = "; ".join(f.detail for f in one.findings if f.severity != "note")
        problem = Problem("unreadable", detail[:2000], "The 997 told the sender; ask for a corrected set.")
    value = edi_x12.mapping_input(one, signal.zone) if problem is None else None
    return Item(signal_id=signal.id, index=index, label=one.label[:200], key=key, value=value, problem=problem)


def _cloudevent(signal: Stored, parse: Parse) -> list[Item]:
    if cloudevents.media_type(signal.content_type).startswith("application/cloudevents"):
        event = cloudevents.from_document(parse(signal.raw))
    else:
        event = cloudevents.from_request(signal.headers, signal.content_type, signal.raw, parse)
    if "data_base64" in event:
        event = {name: member for name, member in event.items() if name != "data_base64"} | {"data": cloudevents.data_of(event, parse)}
    return [_single(signal, event)]


def _webhook(signal: Stored, parse: Parse) -> list[Item]:
    if cloudevents.media_type(signal.content_type) == _FORM:
        fields = parse_qsl(signal.raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
        return [_single(signal, dict(fields))]
    return [_single(signal, parse(signal.raw))]


def canonical(event: dict[str, Any], received_at: datetime) -> list[Any]:
    """Read a CloudEvent that is canonical already: its type, `time`, and {account, refs, data} as its data.

    A namespace before the type and a version after it ("acme.order.recorded.v1") are the sender's own and cut off.
    """
    data = event.get("data")
    given = data if isinstance(data, dict) else {}
    name = ".".join(str(event["type"]).removesuffix(".v1").split(".")[-2:])
    when = event.get("time") or received_at.isoformat()
    one = {"type": name, "occurred_at": when, "account": given.get("account"), "refs": given.get("refs", {}), "data": given.get("data", {})}
    return [{field: member for field, member in one.items() if member is not None}]
