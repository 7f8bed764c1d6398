"""X12 envelopes as data: interchanges hold groups, groups hold transaction sets, and each holds what is wrong with it."""

from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

import msgspec

from app.ingest.sources import x12_times
from app.ingest.sources.x12_syntax import Delimiters, Segment

Severity = Literal["note", "error", "fatal"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the sender should mend. `fatal` means that the transaction set can't be relied on and is refused.

    `position` counts from ST = 1 inside a transaction set, elsewhere from the first ISA; `acknowledgment` is the code the
    997 gives it (element 718 for sets, 716 for groups, 720 for segments, 723 for elements).
    """

    code: str
    detail: str
    severity: Severity = "error"
    segment: str = ""
    position: int | None = None
    element: int | None = None
    acknowledgment: str = ""
    reference: str = ""
    value: str = ""
    loop: str = ""


@dataclass
class TransactionSet:
    """One document of the interchange, ST to SE: what a mapping gets."""

    id: str
    control: str
    segments: list[Segment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        return any(f.severity == "fatal" for f in self.findings)


@dataclass
class Group:
    """A functional group, GS to GE; `declared` is the number of sets its trailer says it has (None without a readable trailer)."""

    header: Segment
    sets: list[TransactionSet] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    declared: int | None = None

    @property
    def id(self) -> str:
        return self.header.get(1)

    @property
    def control(self) -> str:
        return self.header.get(6)

    @property
    def version(self) -> str:
        return self.header.get(8)

    @property
    def date(self) -> date | None:
        return x12_times.date_of(self.header.get(4))

    @property
    def time(self) -> time | None:
        return x12_times.time_of(self.header.get(5))


@dataclass
class Interchange:
    """One envelope, ISA to IEA, as its sender addressed it."""

    header: Segment
    delimiters: Delimiters
    groups: list[Group] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def sender(self) -> str:
        return self.header.get(6)

    @property
    def receiver(self) -> str:
        return self.header.get(8)

    @property
    def control(self) -> str:
        return self.header.get(13)

    @property
    def date(self) -> date | None:
        return x12_times.date_of(self.header.get(9))

    @property
    def time(self) -> time | None:
        return x12_times.time_of(self.header.get(10))
