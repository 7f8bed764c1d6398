"""CloudEvents 1.0 in: structured, binary and batched content modes of the HTTP binding become one shape.

Format: CloudEvents specification 1.0.2, JSON event format, HTTP protocol binding. Whatever the mode, a mapping gets the
event in the JSON format: required `id`, `source`, `specversion`, `type`, optional `time`, `subject`, `datacontenttype`,
`dataschema`, extensions beside them, and `data` (any JSON) or `data_base64` (bytes that are no JSON).
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote

from app.core.errors import FieldError, Invalid

Mode = Literal["structured", "binary", "batch"]
Json = dict[str, Any]
Parse = Callable[[bytes], Any]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_REQUIRED = ("specversion", "id", "source", "type")
_TEXT = (*_REQUIRED, "time", "subject", "datacontenttype", "dataschema")
_NAME = re.compile(r"[a-z0-9]{1,64}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_LONGEST = 2_000
_LONGEST_NAME = 300
_SIMPLE = (str, bool, int)


class NotCloudEvent(Invalid):
    """This is not a CloudEvents 1.0 event; see the fields named below."""

    status = 422


class UnsupportedContent(Invalid):
    """Send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers with any content type."""

    status = 415


def mode_of(content_type: str, headers: Mapping[str, str]) -> Mode:
    """Tell the content mode from the media type and the ce- headers (names lower-case); raise UnsupportedContent."""
    media = media_type(content_type)
    if media == BATCH:
        return "batch"
    if media == STRUCTURED:
        return "structured"
    if media.startswith("application/cloudevents") or "ce-specversion" not in headers:
        raise UnsupportedContent()
    return "binary"


def media_type(content_type: str) -> str:
    """Return the media type without parameters, lower-case."""
    return content_type.partition(";")[0].strip().lower()


def from_document(value: object, pointer: str = "") -> Json:
    """Check one event in the JSON format and return it without its null members; raise NotCloudEvent naming every fault."""
    if not isinstance(value, dict):
        raise NotCloudEvent(errors=[FieldError(pointer or "/", "An event is a JSON object.")])
    event = {name: member for name, member in value.items() if member is not None or name == "data"}
    errors = [*_attribute_errors(event), *_data_errors(event)]
    if errors:
        raise NotCloudEvent(errors=[FieldError(pointer + e.pointer, e.detail, e.remedy) for e in errors])
    return event


def from_request(headers: Mapping[str, str], content_type: str, body: bytes, parse: Parse) -> Json:
    """Turn a binary mode request into the JSON format: JSON content through `parse`, text as text, all else as base64."""
    event: Json = {name[3:]: unquote(text) for name, text in headers.items() if name.startswith("ce-")}
    media = media_type(content_type)
    if content_type:
        event["datacontenttype"] = content_type
    if body and (media == "application/json" or media.endswith("+json") or not media):
        event["data"] = parse(body)
    elif body and media.startswith(("text/", "application/xml")):
        event["data"] = _text(body)
    elif body:
        event["data_base64"] = base64.b64encode(body).decode()
    return from_document(event)


def data_of(event: Json, parse: Parse) -> Any:
    """Return the event's payload: `data`, or the JSON inside `data_base64`; None when there is neither."""
    if "data_base64" in event:
        raw = base64.b64decode(event["data_base64"])
        return parse(raw) if _is_json(event) else None
    return event.get("data")


def _is_json(event: Json) -> bool:
    media = media_type(event.get("datacontenttype", "application/json"))
    return media == "application/json" or media.endswith("+json")


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotCloudEvent(errors=[FieldError("/data", "This text is not UTF-8.")]) from error


def _attribute_errors(event: Json) -> list[FieldError]:
    errors = [FieldError(f"/{name}", "This attribute is required.") for name in _REQUIRED if name not in event]
    for name, value in event.items():
        if name not in ("data", "data_base64"):
            errors += _member_errors(name, value)
    if event.get("specversion", "1.0") != "1.0":
        errors.append(FieldError("/specversion", "Only version 1.0 is understood.", "Send specversion 1.0."))
    return errors


def _member_errors(name: str, value: object) -> list[FieldError]:
    if not _NAME.fullmatch(name):
        return [FieldError(f"/{name[:64]}", "An attribute's name is made of a-z and 0-9.")]
    if name in _TEXT and (not isinstance(value, str) or not value.strip()):
        return [FieldError(f"/{name}", "This attribute is text and not empty.")]
    if not isinstance(value, _SIMPLE) or len(str(value)) > _LONGEST:
        return [FieldError(f"/{name}", f"An extension is text (at most {_LONGEST:,} characters), a whole number or a boolean.")]
    if name == "source" and any(c.isspace() for c in str(value)):
        return [FieldError("/source", "A source is a URI reference: no blanks in it.")]
    if name in ("id", "source") and len(str(value)) > _LONGEST_NAME:
        return [FieldError(f"/{name}", f"This attribute has at most {_LONGEST_NAME} characters.")]
    if name == "time" and not is_rfc3339(str(value)):
        return [FieldError("/time", "This is no RFC 3339 time with a zone.", "Write it like 2026-11-23T17:05:00+01:00.")]
    return []


def is_rfc3339(value: str) -> bool:
    """Tell whether `value` is a date and time with a zone that exists in the calendar."""
    if not _RFC3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True


def _data_errors(event: Json) -> list[FieldError]:
    if "data_base64" not in event:
        return []
    if event.get("data") is not None:
        return [FieldError("/data_base64", "Send data or data_base64, not both.")]
    try:
        base64.b64decode(event["data_base64"], validate=True)
    except (binascii.Error, ValueError, TypeError):
        return [FieldError("/data_base64", "This is not base64 (RFC 4648).")]
    return []
