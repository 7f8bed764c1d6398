"""Capabilities: what may be asked of a connected system, with the form of the question and of the answer."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from app.core.errors import Invalid, NotFound
from app.core.json_schema import violations
from app.core.parsing import parse_yaml

_PAGE = Path(__file__).with_name("capabilities.yaml")


class CapabilityUnknown(NotFound):
    """There is no capability of this name; see /v1/capabilities."""


class ParamsInvalid(Invalid):
    """These parameters don't fit the capability."""


class Capability(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`effect`: it changes something elsewhere. `gated`: of high impact. `params` and `response` are JSON Schemas."""

    name: str
    summary: str
    effect: bool
    gated: bool
    params: dict[str, Any]
    response: dict[str, Any]

    def check_params(self, params: dict[str, Any]) -> None:
        """Raise ParamsInvalid naming every field that doesn't fit."""
        wrong = violations(self.params, params, "/params")
        if wrong:
            raise ParamsInvalid(f"{self.name}: {wrong[0].detail} ({wrong[0].pointer})", errors=wrong)

    def complaint(self, response: Any) -> str | None:
        """What about an answer doesn't fit, in one sentence, or None."""
        wrong = violations(self.response, response)
        return f"{wrong[0].detail} ({wrong[0].pointer or 'the whole answer'})" if wrong else None


@cache
def capabilities() -> dict[str, Capability]:
    """All there are, by name."""
    page = parse_yaml(_PAGE.read_bytes())
    return {name: msgspec.convert({"name": name, **entry}, Capability) for name, entry in page.items()}


def capability(name: str) -> Capability:
    """The capability of this name; raises CapabilityUnknown."""
    found = capabilities().get(name)
    if found is None:
        raise CapabilityUnknown()
    return found
