"""The gate: asked where an effect leaves the house (a connector call, a notice), whoever or whatever wants it.

The port lives here so that the rooms that act can ask; the answer comes from policies and approvals and is injected at the top.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from app.core.errors import NotAllowed


class GateRefused(NotAllowed):
    """A rule holds this action back."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason, extra={k: v for k, v in (("rule", verdict.rule), ("remedy", verdict.remedy)) if v})
        self.verdict = verdict


class GateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to leave: `capability` is a capability's name or `notice:<template>`; `effect_key` names this one effect."""

    tenant_id: UUID
    customer_id: UUID | None
    case_id: UUID | None
    capability: str
    params: dict[str, Any]
    effect_key: str
    actor: str


class Verdict(msgspec.Struct, frozen=True):
    """Whether it may leave, and if not: why, by which rule, and what would change that."""

    allowed: bool
    reason: str = ""
    rule: str | None = None
    remedy: str | None = None


ShellT = TypeVar("ShellT", contravariant=True)


class Gate(Protocol[ShellT]):
    """Judges one effect now; a refusal is a verdict, never an exception. Asked again for every attempt."""

    async def verdict(self, shell: ShellT, request: GateRequest) -> Verdict: ...


class OpenGate:
    """Lets everything pass: for parts that are tested without policies."""

    async def verdict(self, shell: object, request: GateRequest) -> Verdict:
        """Always yes."""
        return Verdict(allowed=True)
