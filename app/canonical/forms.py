"""A form's fields from what was uploaded: a JSON object, lines of text (`Label: value`), or a PDF that holds text or form fields.

The type is told by the content, never by the name or by what the sender says. A picture can't be read and is refused as such.
"""

import re
from typing import Any, NamedTuple

from app.canonical import pdf
from app.core.errors import FieldError, Invalid
from app.core.parsing import parse_json

MOST_BYTES = 25 << 20
MOST_FIELDS = 200
MOST_TEXT = 1 << 20
_LINE = re.compile(r"([^:：]{2,60})[:：] *(\S.{0,499})")
_ALIASES = {"order": "order_number", "order_no": "order_number", "certificate": "certificate_number", "certificate_no": "certificate_number",
            "un": "un_number", "un_no": "un_number", "un_code": "un_number", "expiry_date": "valid_until", "expires": "valid_until",
            "proper_shipping_name": "substance", "hs": "hs_code"}  # fmt: skip


class UnknownForm(Invalid):
    """This file can't be read as a form; send JSON, plain text or a PDF that holds text."""

    status = 415
    title = "Unsupported media type"


class UnreadableForm(Invalid):
    """Nothing in this file reads as a field and its value."""


class Form(NamedTuple):
    """What the content turned out to be, and its fields by plain lower-case names."""

    media_type: str
    fields: dict[str, str]


def media_type(content: bytes) -> str:
    """The type by content; raises UnknownForm for what can't be a form."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnknownForm() from None
    if "\x00" in text or not text.strip():
        raise UnknownForm(errors=[FieldError("", "The file is empty or not text.", "Send JSON, plain text or a PDF that holds text.")])
    return "application/json" if text.lstrip().startswith("{") else "text/plain"


def read(content: bytes) -> Form:
    """The fields of an upload; raises UnknownForm or UnreadableForm."""
    kind = media_type(content)
    fields = (
        _json(content)
        if kind == "application/json"
        else _lines(pdf.text(content) if kind == "application/pdf" else content.decode("utf-8-sig"))
    )
    if kind == "application/pdf":
        fields |= {_name(label): value for label, value in pdf.form_fields(content).items() if value}
    if not fields:
        raise UnreadableForm(
            errors=[FieldError("", "No line reads as “Label: value”.", "Write one field a line, such as “Order number: ORD-7731”.")]
        )
    return Form(kind, fields)


def _json(content: bytes) -> dict[str, str]:
    value = parse_json(content)
    inner = value.get("fields", value) if isinstance(value, dict) else {}
    return {_name(name): _text(v) for name, v in list(inner.items())[:MOST_FIELDS] if isinstance(v, (str, int, float)) and _text(v)}


def _lines(text: str) -> dict[str, str]:
    found = [_LINE.fullmatch(line.strip()) for line in text[:MOST_TEXT].splitlines() if len(line) < 1000]
    pairs = [(_name(match[1]), match[2].strip()) for match in found if match]
    return dict(reversed(pairs[:MOST_FIELDS]))  # of two lines with one label the first counts


def _name(label: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return _ALIASES.get(name, name)


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:500]
