"""Who reads a page, and how their partner appears: looked up once in five seconds, outside the reader's own scope.

A customer's scope doesn't reach the partner's brand, nor the row of somebody who acts for it, so both are read by the system.
"""

import time
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from app.core.services import Shell
from branding import queries as brands
from branding.schemas import Brand
from tenants.models import Customer, User
from tenants.principal import Principal

K = TypeVar("K")
V = TypeVar("V")
SECONDS = 5.0
MOST = 20_000


@dataclass(frozen=True)
class Look:
    """How a tenant appears now; `version` 0 and no brand before it has published one.

    `has_wordmark` says that the logo is wide enough to hold the name; a mark alone gets the name beside it.
    """

    brand: Brand | None = None
    has_logo: bool = False
    has_wordmark: bool = False
    version: int = 0


@dataclass(frozen=True)
class Reader:
    """Whoever reads: the person, what they may do, and the language and zone they read in.

    `acting_for` names the customer a partner's person acts for at the moment, "" for none.
    """

    principal: Principal
    name: str
    email: str
    locale: str
    zone: str
    customer: str = ""
    acting_for: str = ""

    def may(self, permission: str) -> bool:
        """Whether this permission is held."""
        return permission in self.principal.permissions

    @property
    def called(self) -> str:
        """The name people see, else the address."""
        return self.name or self.email

    @property
    def initials(self) -> str:
        """Two letters that stand for the person where there is no room for the name."""
        parts = self.called.replace("@", " ").replace(".", " ").split()
        return "".join(p[0] for p in parts[:2]).upper() or "–"


@dataclass
class Lookups:
    """What was looked up lately, by tenant or person."""

    looks: dict[UUID, tuple[float, Look]] = field(default_factory=dict)
    people: dict[tuple[UUID, UUID | None], tuple[float, Reader]] = field(default_factory=dict)


async def look_of(shell: Shell, tenant_id: UUID) -> Look:
    """Return how this tenant appears."""
    kept = _lookups(shell).looks
    until, look = kept.get(tenant_id, (0.0, Look()))
    if time.monotonic() < until:
        return look
    async with shell.read(tenant_id, actor="system:brand") as uow:
        shown = await brands.shown(uow)
    logo = shown.logo
    look = Look(shown.brand, logo is not None, logo is not None and logo.width >= 2 * logo.height, shown.version)
    _keep(kept, tenant_id, look)
    return look


def forget_look(shell: Shell, tenant_id: UUID) -> None:
    """Read this tenant's brand anew the next time: somebody changed it here."""
    _lookups(shell).looks.pop(tenant_id, None)


def forget_people(shell: Shell) -> None:
    """Read everybody's name, language and zone anew: somebody changed theirs here."""
    _lookups(shell).people.clear()


async def reader_of(shell: Shell, principal: Principal, look: Look) -> Reader:
    """Return the person behind a session."""
    kept, who = _lookups(shell).people, (principal.user_id or principal.tenant, principal.customer_id)
    until, reader = kept.get(who, (0.0, None))
    if reader is not None and time.monotonic() < until:
        return reader if reader.principal == principal else _with(reader, principal)
    async with shell.read(principal.tenant, actor="system:portal") as uow:
        user = await uow.find(User, principal.user_id) if principal.user_id else None
        customer = await uow.find(Customer, principal.customer_id) if principal.customer_id else None
    voice = look.brand.voice if look.brand else None
    acts = customer.name if customer and principal.acting_for else ""
    made = Reader(
        principal, name=user.name if user else "", email=user.email if user else principal.actor,
        locale=(user.locale if user else None) or (customer.locale if customer else None) or (voice.locale if voice else "en"),
        zone=(user.zone if user else None) or (customer.zone if customer else None) or (voice.zone if voice else "UTC"),
        customer=customer.name if customer else "", acting_for=acts,
    )  # fmt: skip
    _keep(kept, who, made)
    return made


def _with(reader: Reader, principal: Principal) -> Reader:
    return Reader(principal, reader.name, reader.email, reader.locale, reader.zone, reader.customer, reader.acting_for)


def _lookups(shell: Shell) -> Lookups:
    found: Lookups = shell.extras.setdefault("portal.lookups", Lookups())
    return found


def _keep(kept: dict[K, tuple[float, V]], key: K, value: V) -> None:
    if len(kept) >= MOST:
        kept.clear()
    kept[key] = (time.monotonic() + SECONDS, value)
