"""The 997, a functional acknowledgment: what we say back, set by set, about the interchanges we received.

Format: X12.20, 004010. AK1 names the group, AK2..AK5 each set, AK3 and AK4 the bad segment and element by position,
AK9 the totals. Statuses: A accepted, E accepted with errors noted, R refused, P some of a group refused.
The answer uses the sender's own delimiters, so no value of theirs can need escaping, and its control number comes from the
receipt: the same document sent twice gets the same 997. Acknowledgments (group FA) are never acknowledged.
"""

from collections.abc import Iterator
from datetime import datetime

from app.ingest.sources.edi_x12 import ACKNOWLEDGMENT_GROUP
from app.ingest.sources.x12_envelope import Finding, Group, Interchange, TransactionSet

_SET_CODES = ("1", "2", "3", "4", "5")
_LONGEST_VALUE = 99
_MOST_SEGMENT_NOTES = 100

Lines = Iterator[tuple[str, ...]]


def acknowledge(documents: list[Interchange], *, control: int, now: datetime) -> bytes:
    """Return the 997 interchanges for `documents`, b"" when there is nothing to acknowledge.

    `control` (1..999,999,999) numbers the first answer, the next ones count on; `now` is aware and in UTC.
    """
    written: list[str] = []
    for interchange in documents:
        groups = [g for g in interchange.groups if g.id != ACKNOWLEDGMENT_GROUP]
        if groups:
            written.append(_interchange(interchange, groups, (control + len(written) - 1) % 999_999_999 + 1, now))
    return "".join(written).encode()


def status_of(item: TransactionSet) -> str:
    """Return A, E or R: a fatal finding refuses a set, an error is noted, a note is not worth a code."""
    if item.is_refused:
        return "R"
    return "E" if any(f.severity == "error" for f in item.findings) else "A"


def _interchange(item: Interchange, groups: list[Group], control: int, now: datetime) -> str:
    number = f"{control:09}"
    lines: list[tuple[str, ...]] = [_isa(item, number, now)]
    us, them = groups[0].header.get(3), groups[0].header.get(2)
    lines.append(("GS", ACKNOWLEDGMENT_GROUP, us, them, f"{now:%Y%m%d}", f"{now:%H%M}", str(control), "X", "004010"))
    for index, group in enumerate(groups, 1):
        body = [("ST", "997", f"{index:04}"), *_group(group)]
        lines += [*body, ("SE", str(len(body) + 1), f"{index:04}")]
    lines += [("GE", str(len(groups)), str(control)), ("IEA", "1", number)]
    marks, end = item.delimiters, item.delimiters.terminator
    eol = "" if end in "\r\n" else "\n"
    return "".join(marks.element.join(line) + end + eol for line in lines)


def _isa(item: Interchange, number: str, now: datetime) -> tuple[str, ...]:
    h, marks, blank = item.header, item.delimiters, " " * 10
    them = (h.get(5).ljust(2)[:2], item.sender.ljust(15)[:15])
    us = (h.get(7).ljust(2)[:2], item.receiver.ljust(15)[:15])
    version = h.get(12) if len(h.get(12)) == 5 else "00401"
    when = (f"{now:%y%m%d}", f"{now:%H%M}", marks.repetition or "U", version)
    return ("ISA", "00", blank, "00", blank, *us, *them, *when, number, "0", h.get(15) or "P", marks.component)


def _group(group: Group) -> Lines:
    statuses = [status_of(one) for one in group.sets]
    yield ("AK1", group.id, group.control)
    for one, status in zip(group.sets, statuses, strict=True):
        yield ("AK2", one.id, one.control)
        yield from _segment_notes(one)
        yield ("AK5", status, *_codes(one.findings))
    accepted = sum(status != "R" for status in statuses)
    declared = group.declared if group.declared is not None else len(group.sets)
    yield ("AK9", _group_status(group, statuses), str(declared), str(len(group.sets)), str(accepted), *_group_codes(group))


def _group_status(group: Group, statuses: list[str]) -> str:
    lost = any(f.code == "stray_segment" for f in group.findings)
    if lost or "R" in statuses:
        return "P" if len(statuses) > statuses.count("R") else "R"
    return "E" if group.findings or "E" in statuses else "A"


def _group_codes(group: Group) -> list[str]:
    return sorted({f.acknowledgment for f in group.findings if f.acknowledgment})[:5]


def _codes(findings: list[Finding]) -> list[str]:
    """The set's own codes (element 718); anything noted by segment is code 5, one or more segments in error."""
    own = {f.acknowledgment for f in findings if f.acknowledgment in _SET_CODES and _is_of_the_envelope(f)}
    if any(not _is_of_the_envelope(f) and f.severity != "note" for f in findings):
        own.add("5")
    return sorted(own)[:5]


def _is_of_the_envelope(finding: Finding) -> bool:
    return finding.segment in ("SE", "ST", "")


def _segment_notes(one: TransactionSet) -> Lines:
    noted = [f for f in one.findings if not _is_of_the_envelope(f) and f.severity != "note"][:_MOST_SEGMENT_NOTES]
    last: tuple[str, int | None] | None = None
    for finding in noted:
        here = (finding.segment, finding.position)
        if here != last:
            code = "8" if finding.element else finding.acknowledgment
            yield ("AK3", finding.segment, str(finding.position or ""), finding.loop, code)
        last = here
        if finding.element:
            yield _cut(("AK4", str(finding.element), finding.reference, finding.acknowledgment, finding.value[:_LONGEST_VALUE]))


def _cut(line: tuple[str, ...]) -> tuple[str, ...]:
    """Drop empty elements at the end: X12 forbids trailing separators."""
    while line[-1] == "":
        line = line[:-1]
    return line
