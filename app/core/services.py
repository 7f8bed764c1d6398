"""The Shell: what code that meets the outside works with, built once at the start of a process and passed down."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from app.core.uow import Finishable

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.clock import Clock
    from app.core.context import Context
    from app.core.doorbell import Doorbell
    from app.core.egress import Egress
    from app.core.gate import Gate
    from app.core.sandbox import Sandbox
    from app.core.secrets import Vault
    from app.core.settings import Settings
    from app.core.uow import UnitOfWork


class Boundary(Protocol):
    """The only door to a session (tenants/boundary.py)."""

    def unit_of_work(
        self, context: Context, *, cause: str | None = None, trace: str | None = None, read_only: bool = False, now: datetime | None = None
    ) -> AbstractAsyncContextManager[UnitOfWork]: ...

    async def open(
        self, context: Context, *, cause: str | None = None, trace: str | None = None, read_only: bool = False
    ) -> UnitOfWork: ...

    async def call(self, context: Context, query: str, *args: Any, timeout: float | None = None) -> list[Any]: ...

    async def batch(self, context: Context, query: str, *args: Any) -> list[Any]: ...

    async def look_up(self, query: str, *args: Any) -> list[Any]: ...

    async def dispatch(self, query: str, *args: Any) -> list[Any]: ...

    async def follow_clock(self) -> None: ...

    def platform(self, *, actor: str, reason: str, tenant_id: UUID | None = None) -> AbstractAsyncContextManager[Any]: ...


@dataclass(frozen=True)
class WorkItem(Finishable):
    """One leased row of core.work."""

    id: UUID
    tenant_id: UUID
    kind: str
    subject: UUID
    subjects: tuple[UUID, ...]
    token: UUID
    version: int
    tries: int


class Shell:
    """Ports to everything outside the pure heart. Tests build it with the same real parts.

    A plain class, so that the web framework injects it as it is instead of looking into it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        boundary: Boundary,
        sandbox: Sandbox,
        egress: Egress,
        vault: Vault,
        gate: Gate[Shell],
        doorbell: Doorbell,
        log: Any,
        extras: dict[str, Any] | None = None,
    ) -> None:
        self.settings, self.clock, self.boundary = settings, clock, boundary
        self.sandbox, self.egress, self.vault, self.gate, self.doorbell, self.log = sandbox, egress, vault, gate, doorbell, log
        self.extras = extras or {}

    def but(self, **changed: Any) -> Shell:
        """The same shell with some ports exchanged."""
        return Shell(**{**self.__dict__, **changed})

    def unit_of_work(
        self,
        tenant_id: UUID,
        *,
        actor: str,
        customer: UUID | None = None,
        case: UUID | None = None,
        cause: str | None = None,
        trace: str | None = None,
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction for `actor` in one tenant, perhaps narrowed to a customer or a case; commits when left without an error."""
        return self.boundary.unit_of_work(_one(tenant_id, actor, customer, case), cause=cause, trace=trace)

    def read(
        self, tenant_id: UUID, *, actor: str = "system:reader", customer: UUID | None = None, case: UUID | None = None
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a read-only transaction."""
        return self.boundary.unit_of_work(_one(tenant_id, actor, customer, case), read_only=True)


def _one(tenant_id: UUID, actor: str, customer: UUID | None, case: UUID | None) -> Context:
    from app.core.context import Context

    return Context.one(tenant_id, actor=actor, customer=customer, case=case)
