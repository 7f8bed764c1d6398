"""X12 envelopes, read tolerantly: what can be understood is understood, what is wrong becomes a finding.

Nearly half of the interchanges met in the wild carry a wrong count, a control number that differs or a missing trailer,
and most of them mean well. So only what makes reading impossible raises (no ISA, delimiters that can't be told apart,
a limit); everything else is attached where it was seen, in a sentence a person can act on, and the 997 says it too.
"""

from collections.abc import Iterator

from app.ingest.sources.x12_envelope import Finding, Group, Interchange, TransactionSet
from app.ingest.sources.x12_syntax import Delimiters, Segment, segments, text_of


def interchanges(raw: bytes) -> Iterator[Interchange]:
    """Yield the interchanges of `raw` one after the other, each complete with its findings; raise only what x12_syntax raises."""
    reader = _Reader()
    for segment, marks in segments(text_of(raw)):
        done = reader.take(segment, marks)
        if done is not None:
            yield done
    last = reader.end()
    if last is not None:
        yield last


class _Reader:
    """The envelope as a state: which interchange, group and set are open, and which control numbers were seen."""

    def __init__(self) -> None:
        self.interchange: Interchange | None = None
        self.group: Group | None = None
        self.set: TransactionSet | None = None
        self.closed_by_trailer = False
        self.is_astray = False
        self.interchange_numbers: set[tuple[str, str]] = set()
        self.group_numbers: set[str] = set()
        self.set_numbers: set[str] = set()

    def take(self, segment: Segment, marks: Delimiters) -> Interchange | None:
        if segment.id == "ISA":
            done = self.end()
            self._open_interchange(segment, marks)
            return done
        handler = {"GS": self._open_group, "GE": self._close_group, "ST": self._open_set, "SE": self._close_set, "IEA": self._close}
        handler.get(segment.id, self._inside)(segment)
        return None

    def end(self) -> Interchange | None:
        """Close whatever is still open and hand over the interchange."""
        done = self.interchange
        if done is not None and not self.closed_by_trailer:
            self._end_group(None)
            done.findings.append(Finding("trailer_missing", "IEA is missing; is the end of the document cut off?", segment="IEA"))
        self.interchange = self.group = self.set = None
        return done

    def _open_interchange(self, segment: Segment, marks: Delimiters) -> None:
        self.interchange, self.closed_by_trailer = Interchange(segment, marks), False
        self.group_numbers.clear()
        key = (self.interchange.sender, self.interchange.control)
        if key in self.interchange_numbers:
            self._note(Finding("control_repeated", f"ISA13 {key[1]} appears again in this document.", "note", "ISA", segment.position, 13))
        self.interchange_numbers.add(key)

    def _open_group(self, segment: Segment) -> None:
        self._end_group(None)
        self.group = Group(segment)
        self.set_numbers.clear()
        if segment.get(6) in self.group_numbers:
            detail = f"GS06 {segment.get(6)} appears again in this interchange."
            self.group.findings.append(Finding("control_repeated", detail, "note", "GS", segment.position, 6))
        self.group_numbers.add(segment.get(6))
        if self.interchange is not None:
            self.interchange.groups.append(self.group)

    def _open_set(self, segment: Segment) -> None:
        self._end_set(None)
        self.is_astray = False
        if self.group is None:
            self._stray(segment, "ST stands outside a functional group.")
            self._open_group(Segment(segment.position, ("GS",)))
        self.set = TransactionSet(segment.get(1), segment.get(2), [segment])
        if self.set.control in self.set_numbers:
            self.set.findings.append(Finding("control_repeated", f"ST02 {self.set.control} appears again.", "note", "ST", 1, 2))
        self.set_numbers.add(self.set.control)
        if self.group is not None:
            self.group.sets.append(self.set)

    def _inside(self, segment: Segment) -> None:
        if self.set is not None:
            self.set.segments.append(segment)
        elif segment.id not in ("TA1", "ISB", "ISE"):
            self._stray(segment, f"{segment.id[:3] or 'An empty segment'} stands outside a transaction set, and so may what follows.")

    def _close_set(self, segment: Segment) -> None:
        if self.set is None:
            self._stray(segment, "SE has no ST before it; the transaction set can't be read.")
            return
        self.set.segments.append(segment)
        self._end_set(segment)

    def _end_set(self, trailer: Segment | None) -> None:
        closing, self.set = self.set, None
        if closing is not None:
            closing.findings += list(_set_findings(closing, trailer))

    def _close_group(self, segment: Segment) -> None:
        if self.group is None:
            self._stray(segment, "GE has no GS before it.")
            return
        self._end_group(segment)

    def _end_group(self, trailer: Segment | None) -> None:
        self._end_set(None)
        closing, self.group = self.group, None
        if closing is not None:
            closing.declared = _number(trailer.get(1)) if trailer else None
            closing.findings += list(_group_findings(closing, trailer))

    def _close(self, segment: Segment) -> None:
        self._end_group(None)
        if self.interchange is not None:
            self.interchange.findings += list(_interchange_findings(self.interchange, segment))
            self.closed_by_trailer = True

    def _stray(self, segment: Segment, detail: str) -> None:
        # One finding for a run of lost segments: a broken ST would otherwise yield one for each of its fifty thousand followers.
        if self.is_astray and segment.id not in ("ST", "SE", "GE"):
            return
        self.is_astray = True
        finding = Finding("stray_segment", detail, "error", segment.id[:3], segment.position)
        (self.group.findings.append if self.group is not None else self._note)(finding)

    def _note(self, finding: Finding) -> None:
        if self.interchange is not None:
            self.interchange.findings.append(finding)


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None


def _set_findings(item: TransactionSet, trailer: Segment | None) -> Iterator[Finding]:
    if trailer is None:
        detail = f"SE is missing after set {item.control}; is the end of the document cut off?"
        yield Finding("trailer_missing", detail, "fatal", "SE", acknowledgment="2")
        return
    position = actual = len(item.segments)
    if _number(trailer.get(1)) != actual:
        detail = f"SE01 says {trailer.get(1) or 'nothing'}, actual {actual}"
        yield Finding("segment_count", detail, "error", "SE", position, 1, "4")
    if trailer.get(2) != item.control:
        detail = f"SE02 says {trailer.get(2) or 'nothing'}, ST02 says {item.control or 'nothing'}"
        yield Finding("control_mismatch", detail, "error", "SE", position, 2, "3")


def _group_findings(group: Group, trailer: Segment | None) -> Iterator[Finding]:
    if trailer is None:
        yield Finding("trailer_missing", f"GE is missing after group {group.control}.", segment="GE", acknowledgment="3")
        return
    if group.declared != len(group.sets):
        detail = f"GE01 says {trailer.get(1) or 'nothing'}, actual {len(group.sets)}"
        yield Finding("set_count", detail, "error", "GE", trailer.position, 1, "5")
    if _number(trailer.get(2)) != _number(group.control) or _number(group.control) is None:
        detail = f"GE02 says {trailer.get(2) or 'nothing'}, GS06 says {group.control or 'nothing'}"
        yield Finding("control_mismatch", detail, "error", "GE", trailer.position, 2, "4")


def _interchange_findings(item: Interchange, trailer: Segment) -> Iterator[Finding]:
    if _number(trailer.get(1)) != len(item.groups):
        detail = f"IEA01 says {trailer.get(1) or 'nothing'}, actual {len(item.groups)}"
        yield Finding("group_count", detail, "error", "IEA", trailer.position, 1)
    if trailer.get(2) != item.control:
        detail = f"IEA02 says {trailer.get(2) or 'nothing'}, ISA13 says {item.control or 'nothing'}"
        yield Finding("control_mismatch", detail, "error", "IEA", trailer.position, 2)
