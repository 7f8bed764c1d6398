"""What must stand in a document, as data, and a document's fields checked against it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Literal

import msgspec

from app.canonical.taxonomy import read_data
from app.core.errors import FieldError

_UN = re.compile(r"^UN\s?(\d{4})$", re.IGNORECASE)
_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ./_-]{2,59}$")


class Wrong(FieldError, frozen=True, omit_defaults=True):
    """What is wrong with one field, also for readers of another language: `code` says how, with the value and what was expected."""

    code: str = ""
    value: str = ""
    expected: str = ""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field: `equals` names a fact it must match where that fact is known, `future` a date that has not passed."""

    label: str
    kind: Literal["text", "date", "un_number", "code"] = "text"
    equals: str | None = None
    future: bool = False
    optional: bool = False


class DocumentType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of document; at least one field of `one_of` must be filled in."""

    title: str
    fields: dict[str, Field]
    one_of: tuple[str, ...] = ()


@cache
def document_types() -> dict[str, DocumentType]:
    """The kinds of document that can be required."""
    raw = read_data("document_types.yaml")
    return {kind: msgspec.convert(entry, DocumentType, strict=False) for kind, entry in raw.items()}


def findings(wanted: DocumentType, fields: Mapping[str, str], known: Mapping[str, object], today: date) -> list[Wrong]:
    """What is missing or wrong, by field; nothing for a document that can be verified. `known` are facts to compare with."""
    found = [problem for name, field in wanted.fields.items() for problem in _check(name, field, fields.get(name, ""), known, today)]
    if wanted.one_of and not any(fields.get(name) for name in wanted.one_of):
        labels = " or ".join(wanted.fields[name].label for name in wanted.one_of)
        found.append(Wrong(f"/{wanted.one_of[0]}", f"{labels} is missing.", "Fill in one of them.", "one_missing"))
    return found


def valid_until(wanted: DocumentType, fields: Mapping[str, str]) -> date | None:
    """Until when a document holds: its date field that must lie in the future."""
    dates = [as_date(fields.get(name, "")) for name, field in wanted.fields.items() if field.future]
    return min((found for found in dates if found is not None), default=None)


def as_date(text: str) -> date | None:
    """A date written as 2027-03-31 or 31.03.2027; others can be read in two ways and are not guessed."""
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text.strip())
    try:
        return date(int(german[3]), int(german[2]), int(german[1])) if german else date.fromisoformat(text.strip())
    except ValueError:
        return None


def _check(name: str, field: Field, value: str, known: Mapping[str, object], today: date) -> Iterator[Wrong]:
    if not value:
        if not field.optional:
            yield Wrong(f"/{name}", f"{field.label} is missing.", f"Add a line “{field.label}: …”.", "missing", expected=field.label)
        return
    if not _has_form(field, value):
        yield Wrong(f"/{name}", f"{field.label} can't be read: {value[:80]}.", _FORMS[field.kind], f"unreadable_{field.kind}", value[:80])
        return
    expected = known.get(field.equals or "")
    if expected is not None and _same(field, value) != _same(field, str(expected)):
        detail, remedy = f"{field.label} is {value[:80]}, expected {expected}.", "Send the document that belongs to this order."
        yield Wrong(f"/{name}", detail, remedy, "differs", value[:80], str(expected))
    passed = as_date(value) if field.future else None
    if passed is not None and passed < today:
        detail = f"{field.label} was {passed.isoformat()}, which has passed."
        yield Wrong(f"/{name}", detail, "Send a document that is still valid.", "passed", passed.isoformat())


_FORMS = {
    "text": "Write it as text.",
    "date": "Write it as 2027-03-31.",
    "un_number": "Write UN and four digits, as UN1993.",
    "code": "Write 3 to 60 letters, digits and dashes.",
}


def _has_form(field: Field, value: str) -> bool:
    if field.kind == "date":
        return as_date(value) is not None
    if field.kind == "un_number":
        return _UN.match(value) is not None
    return field.kind == "text" or _CODE.match(value) is not None


def _same(field: Field, value: str) -> str:
    """What counts when two ways of writing the same thing are compared."""
    number = _UN.match(value) if field.kind == "un_number" else None
    return number[1] if number else " ".join(value.split()).lower()
