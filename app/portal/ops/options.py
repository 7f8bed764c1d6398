"""What can be proposed on a case: options a system offered, and capabilities with the fields they need."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from app.connectors.capabilities import Capability, capabilities, capability
from app.connectors.schemas import CallView
from app.core.errors import FieldError, Invalid
from app.portal.forms import Form

# What an answer with options is an answer to, the capability that takes one of them, and what it is taken for.
TAKEN_BY: Final[Mapping[str, tuple[str, str]]] = {"carrier.expedite_options": ("carrier.amend", "shipment")}
PREFIX: Final = "p."


class OptionGone(Invalid):
    """This option isn't among those the system offered any more; choose another."""

    status = 422


class Option(msgspec.Struct, frozen=True):
    """One option a system offered: what it is, when it arrives, what it costs, and when it was offered."""

    key: str
    id: str
    label: str
    eta: str
    cost_minor: int | None
    currency: str | None
    offered_at: datetime
    capability: str
    params: dict[str, Any]


def offered(calls: Iterable[CallView]) -> list[Option]:
    """The options of the latest answer of each kind, the cheapest first."""
    latest: dict[str, CallView] = {}
    for call in calls:
        if call.capability in TAKEN_BY and call.status == "done" and isinstance(call.response, list):
            latest.setdefault(f"{call.capability}|{sorted(call.params.items())}", call)
    found = [made for call in latest.values() for each in call.response if (made := _option(call, each))]
    return sorted(found, key=lambda option: (option.cost_minor is None, option.cost_minor or 0, option.id))


def _option(call: CallView, told: Any) -> Option | None:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        return None
    takes, subject = TAKEN_BY[call.capability]
    cost, currency = told.get("cost_minor"), told.get("currency")
    params = {subject: call.params.get(subject), "option_id": told["id"], "amount_minor": cost, "currency": currency}
    return Option(
        f"{call.id}:{told['id']}", told["id"], str(told.get("service") or told["id"]), str(told.get("eta") or ""), cost if isinstance(cost, int) else None,
        currency if isinstance(currency, str) else None, call.finished_at or call.started_at, takes, {k: v for k, v in params.items() if v is not None},
    )  # fmt: skip


def chosen(options: Sequence[Option], key: str) -> Option:
    """The option of this key; raises OptionGone."""
    found = next((option for option in options if option.key == key), None)
    if found is None:
        raise OptionGone(errors=[FieldError("/choice", "isn't offered any more", "Choose one of the options shown.")])
    return found


def effects() -> list[Capability]:
    """The capabilities that change something elsewhere, by name."""
    return [each for _, each in sorted(capabilities().items()) if each.effect]


def looks() -> list[Capability]:
    """The capabilities that only look, by name."""
    return [each for _, each in sorted(capabilities().items()) if not each.effect]


class FieldOf(msgspec.Struct, frozen=True):
    """One field of a capability's parameters, as a form has it."""

    name: str
    label: str
    kind: str
    required: bool
    choices: list[tuple[str, str]]


def fields_of(wanted: Capability) -> list[FieldOf]:
    """The form of a capability's parameters."""
    needed = wanted.params.get("required", [])
    return [_field(name, schema, name in needed) for name, schema in wanted.params.get("properties", {}).items()]


def _field(name: str, schema: Mapping[str, Any], needed: bool) -> FieldOf:
    kind = "number" if schema.get("type") == "integer" else "text"
    label = "Amount in the currency's smallest unit" if name == "amount_minor" else name.replace("_", " ").capitalize()
    return FieldOf(PREFIX + name, label, kind, needed, [(each, each) for each in schema.get("enum", [])])


def params_of(name: str, form: Form) -> dict[str, Any]:
    """The parameters a form brings for a capability, whole numbers as numbers; what is empty is left out."""
    made: dict[str, Any] = {}
    for field in fields_of(capability(name)):
        text = form.value(field.name).strip()
        if text:
            made[field.name.removeprefix(PREFIX)] = int(text) if field.kind == "number" and text.lstrip("-").isdigit() else text
    return made


def evidence(calls: Iterable[CallView], since: datetime) -> list[CallView]:
    """The looks at a source that can prove an end: answered, without an effect, after the case was last opened."""
    return [call for call in calls if call.status == "done" and not call.has_effect and call.started_at >= since]


def known_params(wanted: Capability, subjects: Mapping[str, str | UUID | None]) -> dict[str, Any]:
    """The parameters a look at a source needs, from what the case is about; empty where something needed isn't known."""
    known = {name: str(subjects[name]) for name in wanted.params.get("properties", {}) if subjects.get(name)}
    return known if set(wanted.params.get("required", [])) <= known.keys() else {}
