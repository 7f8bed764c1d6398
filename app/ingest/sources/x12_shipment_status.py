"""The 214, a carrier's shipment status, as data: references, parties, and per stop its statuses with time and place.

Code tables are per element: AT7-01 is 1650 (status), AT7-02 1651 (reason), AT7-03 1652 (appointment), AT7-04 1651 again;
`AG` is an estimate in 1650 and "consignee related" in 1651. So the decoded form keeps the elements apart and explains
none of them; what a code means is data of the canonical model.
"""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any

from app.ingest.sources import x12_times
from app.ingest.sources.x12_envelope import Finding, TransactionSet
from app.ingest.sources.x12_syntax import Segment

SET_ID = "214"
_AT7_REFERENCES = ("1650", "1651", "1652", "1651", "373", "337", "623")
_AT7_CODES = (1, 2, 3, 4, 7)

Json = dict[str, Any]


def decode(item: TransactionSet, assumed_zone: tzinfo = UTC) -> Json:
    """Return the `shipment` object documented in edi_x12; never raises, what is missing is "" or null."""
    decoder = _Decoder(assumed_zone)
    for segment in item.segments:
        decoder.take(segment)
    return decoder.shipment


class _Decoder:
    """Walks the segments and remembers the loop it is in: the party of N1, the stop of LX, the status of AT7."""

    def __init__(self, assumed_zone: tzinfo) -> None:
        self.zone = assumed_zone
        self.shipment: Json = {"reference": "", "shipment": "", "scac": "", "refs": {}, "parties": {}, "stops": []}
        self.party: Json | None = None
        self.stop: Json | None = None
        self.status: Json | None = None
        self.takers = {
            "B10": self._header, "L11": self._reference, "N1": self._party, "N2": self._party_name, "N3": self._street,
            "N4": self._town, "LX": self._stop, "AT7": self._status, "MS1": self._place, "MS2": self._equipment, "AT8": self._weight,
        }  # fmt: skip

    def take(self, segment: Segment) -> None:
        taker = self.takers.get(segment.id)
        if taker is not None:
            taker(segment)

    def _header(self, s: Segment) -> None:
        self.shipment |= {"reference": s.get(1), "shipment": s.get(2), "scac": s.get(3)}

    def _reference(self, s: Segment) -> None:
        refs = self.stop["refs"] if self.stop is not None else self.shipment["refs"]
        if s.get(1):
            refs.setdefault(s.get(2), []).append(s.get(1))

    def _party(self, s: Segment) -> None:
        self.party = {"code": s.get(1), "name": s.get(2), "id_qualifier": s.get(3), "id": s.get(4), "address": []}
        self.party |= {"city": "", "region": "", "postal_code": "", "country": ""}
        self.shipment["parties"].setdefault(s.get(1), self.party)

    def _party_name(self, s: Segment) -> None:
        if self.party is not None:
            self.party["name"] = " ".join(filter(None, (self.party["name"], s.get(1), s.get(2))))

    def _street(self, s: Segment) -> None:
        if self.party is not None:
            self.party["address"] += [line for line in (s.get(1), s.get(2)) if line]

    def _town(self, s: Segment) -> None:
        if self.party is not None:
            self.party |= {"city": s.get(1), "region": s.get(2), "postal_code": s.get(3), "country": s.get(4)}

    def _stop(self, s: Segment) -> None:
        self.party, self.status = None, None
        self.stop = {"number": s.get(1), "refs": {}, "weight": None, "statuses": []}
        self.shipment["stops"].append(self.stop)

    def _status(self, s: Segment) -> None:
        if self.stop is None:
            self._stop(Segment(s.position, ("LX", "")))
        self.status = {"code": s.get(1), "reason": s.get(2), "appointment": s.get(3), "appointment_reason": s.get(4)}
        self.status |= self._when(s) | {"location": None, "equipment": None}
        if self.stop is not None:
            self.stop["statuses"].append(self.status)

    def _when(self, s: Segment) -> Json:
        day, clock, code = x12_times.date_of(s.get(5)), x12_times.time_of(s.get(6)), s.get(7)
        when = x12_times.moment(day, clock, code, self.zone) if day else None
        return {
            "date": day.isoformat() if day else None,
            "time": clock.isoformat() if clock else None,
            "zone": code or None,
            "occurred_at": when.at.isoformat() if when else None,
            "zone_known": bool(when and when.zone_known),
        }

    def _place(self, s: Segment) -> None:
        if self.status is not None:
            place = {"city": s.get(1), "region": s.get(2), "country": s.get(3)}
            self.status["location"] = place | {"longitude": s.get(4) or None, "latitude": s.get(5) or None}

    def _equipment(self, s: Segment) -> None:
        if self.status is not None:
            self.status["equipment"] = {"scac": s.get(1), "number": s.get(2)}

    def _weight(self, s: Segment) -> None:
        if self.stop is not None and self.stop["weight"] is None:
            self.stop["weight"] = {"qualifier": s.get(1), "unit": s.get(2), "value": s.get(3), "pieces": s.get(4)}


def findings(item: TransactionSet) -> Iterator[Finding]:
    """Say what a carrier must mend in this 214; without B10 or with no usable status at all it is refused."""
    if not any(s.id == "B10" for s in item.segments):
        yield Finding("segment_missing", "B10 is missing: whose status is this?", "fatal", "B10", 2, acknowledgment="3")
    statuses = [(position, s) for position, s in enumerate(item.segments, 1) if s.id == "AT7"]
    broken = 0
    for position, segment in statuses:
        broken += not _is_usable(segment)
        yield from _status_findings(position, segment)
    if statuses and broken == len(statuses):
        yield Finding("no_usable_status", "No AT7 of this set can be used.", "fatal", acknowledgment="5")


def _is_usable(s: Segment) -> bool:
    return bool(s.get(1) or s.get(3)) and x12_times.date_of(s.get(5)) is not None


def _status_findings(position: int, s: Segment) -> Iterator[Finding]:
    def bad(element: int, detail: str, acknowledgment: str) -> Finding:
        reference = _AT7_REFERENCES[element - 1]
        return Finding("element", detail, "error", "AT7", position, element, acknowledgment, reference, s.get(element), "LX")

    if not s.get(1) and not s.get(3):
        yield bad(1, "AT7 has neither a status (AT7-01) nor an appointment (AT7-03).", "2")
    for element in _AT7_CODES:
        if s.get(element) and len(s.get(element)) != 2:
            detail = f"AT7-{element:02} {s.get(element)[:20]!r} is no code of two characters."
            yield bad(element, detail, "4" if len(s.get(element)) < 2 else "5")
    if x12_times.date_of(s.get(5)) is None:
        yield bad(5, f"AT7-05 {s.get(5)[:20]!r} is no date CCYYMMDD.", "8" if s.get(5) else "2")
    if s.get(6) and x12_times.time_of(s.get(6)) is None:
        yield bad(6, f"AT7-06 {s.get(6)[:20]!r} is no time HHMM.", "9")
