"""The default catalog: logistics functions a workflow calls by name, `call: 'approval:1.0.0@default'`.

Here is what each one is called with (a JSON Schema, checked at save for what is literal and again at run time for all), and,
where it waits for a person or another system, which events answer it and what it then gives. What a function does stands in
`effects.py`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from app.core.errors import FieldError
from app.core.json_schema import violations
from app.workflows.expressions import is_expression

TEXT = {"type": "string", "minLength": 1}
DURATION = {"type": "string", "minLength": 2}
ANY_OBJECT = {"type": "object"}
PERSON = {
    "type": "object",
    "required": ["address"],
    "additionalProperties": False,
    "properties": {"address": TEXT, "name": {"type": "string"}, "locale": {"type": "string"}, "zone": {"type": "string"}},
}
# A notice that carries the link by which its reader answers.
NOTICE = {
    "type": "object",
    "required": ["template", "to"],
    "additionalProperties": False,
    "properties": {"template": TEXT, "to": PERSON, "context": ANY_OBJECT, "locale": {"type": "string"}, "link": TEXT},
}


class Function(msgspec.Struct, frozen=True):
    """One function: its arguments, the events that answer it when it waits, and its answer from such an event."""

    name: str
    version: str
    arguments: dict[str, Any]
    wakes_on: tuple[str, ...] = ()
    outcome: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None

    @property
    def title(self) -> str:
        """Its name in a definition."""
        return f"{self.name}:{self.version}@default"


def _arguments(need: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": need, "additionalProperties": False, "properties": properties}


def _approval(about: dict[str, Any], event: dict[str, Any]) -> Any:
    data = event["data"]
    known = {key: data.get(key) for key in ("outcome", "decided_by", "note")}
    return {"approval_id": about["id"], **known, "is_approved": data.get("outcome") == "approved"}


def _offer(about: dict[str, Any], event: dict[str, Any]) -> Any:
    data = event["data"]
    answered = event["type"] == "offer.answered"
    return {
        "offer_id": about["id"], "outcome": "answered" if answered else "expired", "option_id": data.get("option_id"),
        "option": data.get("option"), "by": data.get("by"),
    }  # fmt: skip


def _document(about: dict[str, Any], event: dict[str, Any]) -> Any:
    return {"document_id": about["id"], "kind": about.get("kind"), "status": "verified"}


CATALOG = {
    each.title: each
    for each in (
        Function("capability", "1.0.0", _arguments(["name"], name=TEXT, params=ANY_OBJECT)),
        Function(
            "policy", "1.0.0",
            _arguments(
                [],
                inputs={
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "value"],
                        "additionalProperties": False,
                        "properties": {"name": TEXT, "value": {}, "source": TEXT, "observed_at": TEXT},
                    },
                },
            ),
        ),
        Function(
            "notify", "1.0.0",
            _arguments(
                ["template", "to"], template=TEXT, to={"type": ["object", "array"]}, context=ANY_OBJECT, locale={"type": "string"},
            ),
        ),
        Function(
            "approval", "1.0.0",
            _arguments(
                ["kind"], kind=TEXT, amount_minor={"type": ["integer", "null"]}, currency={"type": ["string", "null"]}, subject=ANY_OBJECT,
                role=TEXT, expires_in=DURATION,
            ),
            ("approval.decided", "approval.expired"), _approval,
        ),
        Function(
            "offer", "1.0.0",
            _arguments(
                ["to", "options"], to=PERSON, options={"type": "array", "minItems": 1, "items": ANY_OBJECT}, default={"type": ["string", "null"]},
                expires_in=DURATION, template=TEXT, context=ANY_OBJECT, locale={"type": "string"},
            ),
            ("offer.answered", "offer.expired"), _offer,
        ),
        Function(
            "document", "1.0.0",
            _arguments(["kind"], action={"enum": ["require", "request"]}, kind=TEXT, notice=NOTICE, expires_in=DURATION),
            ("document.verified",), _document,
        ),
        Function(
            "case", "1.0.0",
            _arguments(
                ["action"], action={"enum": ["comment", "escalate", "resolve"]}, text={"type": "string"}, reason=TEXT, visible={"type": "boolean"},
                outcome=TEXT, cause=TEXT, evidence_call_id=TEXT, note={"type": "string"},
            ),
        ),
    )
}  # fmt: skip


def check_arguments(function: Function, given: dict[str, Any], at: str) -> list[FieldError]:
    """What is wrong with a call as written: missing and unknown names, and literals of the wrong form.

    An expression may stand for anything; what it yields is checked when the step runs.
    """
    properties = function.arguments["properties"]
    literal = {name: value for name, value in given.items() if name not in properties or not _open(value)}
    wanted = [name for name in function.arguments["required"] if name not in given]
    found = [FieldError(pointer=at, detail=f"needs {name}", remedy=f"{function.title} can't run without it") for name in wanted]
    return found + violations({**function.arguments, "required": []}, literal, at)


def _open(value: Any) -> bool:
    """Whether any part of it is known only when the step runs."""
    if isinstance(value, dict):
        return any(_open(item) for item in value.values())
    if isinstance(value, list):
        return any(_open(item) for item in value)
    return is_expression(value)
