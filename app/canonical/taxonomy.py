"""What can go wrong: exception types × reasons × responsible parties, and X12's status codes told in these words.

All of it is data (`exception_types.yaml`, `reasons.yaml`, `x12_status.yaml`); this file only loads it once and answers questions about it.
"""

from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

Responsible = Literal["shipper", "consignee", "carrier", "warehouse", "broker", "authority", "supplier", "partner", "nobody", "unknown"]
Level = Literal["P1", "P2", "P3", "P4"]


class DefaultSla(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ISO 8601 durations from opening to the first response and to the end, counted on the customer's calendar."""

    first_response: str
    resolution: str


class ExceptionType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of exception: words a customer reads, and what its case gets while no policy says otherwise."""

    code: str
    title: str
    description: str
    priority: Level
    sla: DefaultSla
    responsible: Responsible
    reasons: tuple[str, ...]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it happened and who usually answers for it; `delivery_failure` marks those of a failed delivery attempt."""

    code: str
    title: str
    responsible: Responsible
    delivery_failure: bool


class StatusCode(msgspec.Struct, frozen=True):
    """X12 element 1650: which milestone it reports and which exception type it means by itself."""

    milestone: str
    meaning: str
    exception: str | None = None
    is_vague: bool = False


class ReasonCode(msgspec.Struct, frozen=True):
    """X12 element 1651: our reason, and the exception type that fits when the status is vague."""

    reason: str | None
    meaning: str
    exception: str | None = None


class AppointmentCode(msgspec.Struct, frozen=True):
    """X12 element 1652: what the date of the segment stands for."""

    kind: str
    meaning: str


class Classification(msgspec.Struct, frozen=True):
    """What a carrier's status and reason say in our words; `exception` is None for a routine scan."""

    milestone: str | None
    exception: str | None
    reason: str | None
    responsible: Responsible | None


class Taxonomy(msgspec.Struct, frozen=True):
    """The whole of it, read once a process."""

    types: dict[str, ExceptionType]
    reasons: dict[str, Reason]
    status_codes: dict[str, StatusCode]
    reason_codes: dict[str, ReasonCode]
    appointment_codes: dict[str, AppointmentCode]

    def responsible_for(self, type_code: str, reason: str | None) -> Responsible:
        """Who answers: the reason's party where it names one, else the type's."""
        party: Responsible = self.reasons[reason].responsible if reason in self.reasons else "unknown"
        return party if party != "unknown" else self.types[type_code].responsible

    def classify(self, status: str | None, reason: str | None) -> Classification:
        """Read a carrier's X12 status (1650) and reason (1651); codes nobody knows are left out, never guessed."""
        known = self.status_codes.get(status or "")
        why = self.reason_codes.get(reason or "")
        if known is None:
            return Classification(None, None, why.reason if why else None, None)
        exception = why.exception if known.is_vague and why and why.exception else known.exception
        if exception is None:
            return Classification(known.milestone, None, None, None)
        ours = (why.reason if why else None) or "not_stated"
        return Classification(known.milestone, exception, ours, self.responsible_for(exception, ours))


def read_data(name: str) -> Any:
    """One data file of this room; the base loader keeps every scalar a string, so no code turns into a number or boolean."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # our own files; strings only


def _types(raw: dict[str, Any]) -> dict[str, ExceptionType]:
    return {code: msgspec.convert({"code": code, **entry}, ExceptionType) for code, entry in raw.items()}


def _reasons(raw: dict[str, Any]) -> dict[str, Reason]:
    return {
        code: msgspec.convert({"code": code, "title": title, "responsible": party, "delivery_failure": group == "delivery_failure"}, Reason)
        for group, entries in raw.items()
        for code, (party, title) in entries.items()
    }


def _codes(raw: dict[str, Any]) -> tuple[dict[str, StatusCode], dict[str, ReasonCode], dict[str, AppointmentCode]]:
    vague = set(raw["vague"])
    return (
        {code: StatusCode(row[0], row[1], row[2] if len(row) > 2 else None, code in vague) for code, row in raw["status"].items()},
        {code: ReasonCode(None if row[0] == "null" else row[0], row[1], *row[2:]) for code, row in raw["reason"].items()},
        {code: AppointmentCode(*row) for code, row in raw["appointment"].items()},
    )


@cache
def taxonomy() -> Taxonomy:
    """The built-in taxonomy."""
    return Taxonomy(_types(read_data("exception_types.yaml")), _reasons(read_data("reasons.yaml")), *_codes(read_data("x12_status.yaml")))
