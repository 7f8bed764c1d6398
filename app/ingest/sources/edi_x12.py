"""X12 in: from the bytes of an EDI document to one plain object a transaction set, the input of its jq mapping.

Everything is text unless said otherwise; a value that was not sent is "" (null where a whole object or moment is absent):

    {"envelope": {"sender", "sender_qualifier", "receiver", "receiver_qualifier", "control",
                  "date": "2019-11-03"|null, "time": "18:00:00"|null, "version": "00401", "usage": "P"},
     "group":    {"id": "QM", "sender", "receiver", "control", "date", "time", "version": "004010"},
     "set":      {"id": "214", "control": "000000002",
                  "segments": [["ST", "214", "000000002"], ["B10", …], …],          trailing blanks cut
                  "findings": [{"code": "segment_count", "detail": "SE01 says 41, actual 38", "severity": "error", …}],
                  "shipment": {…}}}                                                 only in a 214, see below

    shipment: {"reference": B10-01, "shipment": B10-02, "scac": B10-03,
               "refs":    {"97": ["4343638098050296"], "PO": […]},                  L11 by qualifier, in order
               "parties": {"SF": {"code", "name", "id", "id_qualifier", "address": [], "city", "region", "postal_code", "country"}},
               "stops":   [{"number": LX01, "refs": {}, "weight": {"qualifier", "unit", "value", "pieces"}|null,
                            "statuses": [{"code": 1650, "reason": 1651, "appointment": 1652, "appointment_reason": 1651,
                                          "date"|null, "time"|null, "zone": 623|null,
                                          "occurred_at": "2019-11-02T16:25:00-07:00"|null, "zone_known": bool,
                                          "location":  {"city", "region", "country", "longitude"|null, "latitude"|null}|null,
                                          "equipment": {"scac", "number"}|null}]}]}

`occurred_at` takes the zone of AT7-07. Where that is absent or `LT` the zone configured for the source is assumed (else UTC)
and `zone_known` is false, so a mapping can say so; no zone is ever guessed from a place.

A document may hold several interchanges. Two sets with the same content are the same message whatever their control numbers
say (`content_hash`): carriers repeat ST02, send one scan twice, and send whole documents again under a new ISA13.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import msgspec

from app.ingest.sources import x12_shipment_status
from app.ingest.sources.x12_envelope import Finding, Group, Interchange, TransactionSet
from app.ingest.sources.x12_reader import interchanges

Json = dict[str, Any]

MEDIA_TYPE = "application/edi-x12"
ACKNOWLEDGMENT_GROUP = "FA"  # 997 and 999: never acknowledged themselves


@dataclass(frozen=True)
class Item:
    """One transaction set of a document with the envelopes around it."""

    interchange: Interchange
    group: Group
    set: TransactionSet

    @property
    def label(self) -> str:
        """What a person calls it: the set's type and its control number."""
        return f"{self.set.id} {self.set.control}"

    @property
    def findings(self) -> list[Finding]:
        return self.set.findings


def read(raw: bytes, *, strict: bool = False) -> list[Interchange]:
    """Return all interchanges of `raw` with the findings of their envelopes and sets.

    `strict` makes every error of a set a reason to refuse it. Raises NotAnInterchange, BadDelimiters, BadSegment (422) or TooLarge (413).
    """
    found = list(interchanges(raw))
    for item in items(found):
        if item.set.id == x12_shipment_status.SET_ID:
            item.set.findings += list(x12_shipment_status.findings(item.set))
        if strict and any(f.severity == "error" for f in item.set.findings):
            item.set.findings.append(Finding("strict", "This sender's sets must be free of errors.", "fatal"))
    return found


def items(documents: list[Interchange]) -> Iterator[Item]:
    """Yield every transaction set in the order it was sent."""
    for interchange in documents:
        for group in interchange.groups:
            for one in group.sets:
                yield Item(interchange, group, one)


def mapping_input(item: Item, assumed_zone: tzinfo = UTC) -> Json:
    """Return the object a mapping gets for `item`, shaped as this module's docstring says."""
    one: Json = {"id": item.set.id, "control": item.set.control, "segments": [list(s.elements) for s in item.set.segments]}
    one["findings"] = msgspec.to_builtins(item.set.findings)
    if item.set.id == x12_shipment_status.SET_ID:
        one["shipment"] = x12_shipment_status.decode(item.set, assumed_zone)
    return {"envelope": _envelope(item.interchange), "group": _group(item.group), "set": one}


def content_hash(item: Item) -> bytes:
    """Return 32 bytes that are equal for sets of the same sender and receiver that say the same, control numbers aside."""
    body = [[e.strip() for e in s.elements] for s in item.set.segments if s.id not in ("ST", "SE")]
    said = [item.interchange.sender, item.interchange.receiver, item.set.id, body]
    return hashlib.sha256(msgspec.json.encode(said)).digest()


def _envelope(item: Interchange) -> Json:
    h = item.header
    return {
        "sender": item.sender, "sender_qualifier": h.get(5), "receiver": item.receiver, "receiver_qualifier": h.get(7),
        "control": item.control, "date": _iso(item.date), "time": _iso(item.time), "version": h.get(12), "usage": h.get(15),
    }  # fmt: skip


def _group(group: Group) -> Json:
    h = group.header
    return {
        "id": group.id, "sender": h.get(2), "receiver": h.get(3), "control": group.control,
        "date": _iso(group.date), "time": _iso(group.time), "version": group.version,
    }  # fmt: skip


def _iso(value: Any) -> str | None:
    return None if value is None else str(value.isoformat())
