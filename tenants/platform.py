"""Across the wall: partners, environments and the platform's own keys. Every crossing names its reason and is logged."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from app.core.errors import Conflict, NotFound
from app.core.ids import new_id
from app.core.paging import Page, decode_cursor, encode_cursor, next_cursor
from app.core.services import Boundary, Shell
from app.core.uow import UnitOfWork
from tenants import keys
from tenants.keys import Key
from tenants.manifest import PartnerEntry
from tenants.schemas import EnvironmentView, PartnerView

T = TypeVar("T")
_PARTNER = "id, slug, name, type, event_namespace, status"


class NamespaceFixed(Conflict):
    """A partner's event namespace stays what it was: others have subscribed to its events."""


class PartnerExists(Conflict):
    """There is a partner with this slug or event namespace already."""


class EnvironmentExists(Conflict):
    """This partner has this environment already."""


async def find_environment(shell: Shell, partner: str, environment: str) -> UUID | None:
    """Return the tenant that is this partner's environment."""
    rows = await shell.boundary.look_up("select core.find_tenant($1, $2) as tenant_id", partner, environment)
    found: UUID | None = rows[0]["tenant_id"]
    return found


async def compare_partner(connection: Any, entry: PartnerEntry) -> dict[str, list[Any]] | None:
    """Return what of the partner differs from `entry`, before and after; None when there is no such partner. Raises NamespaceFixed."""
    row = await connection.fetchrow(f"select {_PARTNER} from core.partner where slug = $1", entry.slug)
    if row is None:
        return None
    if row["event_namespace"] != entry.event_namespace:
        raise NamespaceFixed()
    return {name: [row[name], getattr(entry, name)] for name in ("name", "type") if row[name] != getattr(entry, name)}


async def update_partner(connection: Any, entry: PartnerEntry) -> None:
    """Give the partner the name and type that `entry` says."""
    await connection.execute("update core.partner set name = $2, type = $3 where slug = $1", entry.slug, entry.name, entry.type)


async def insert_partner(connection: Any, entry: PartnerEntry) -> None:
    """Create the partner; raises PartnerExists, also for another's namespace."""
    made = await connection.fetchval(
        "insert into core.partner (id, slug, name, type, event_namespace) values ($1, $2, $3, $4, $5) on conflict do nothing returning id",
        new_id(), entry.slug, entry.name, entry.type, entry.event_namespace,
    )  # fmt: skip
    if made is None:
        raise PartnerExists()


async def create_environment(connection: Any, partner: str, environment: str) -> UUID:
    """Create one more environment of a partner and return the tenant; raises NotFound (partner), EnvironmentExists."""
    partner_id = await connection.fetchval("select id from core.partner where slug = $1", partner)
    if partner_id is None:
        raise NotFound()
    tenant_id = new_id()
    made = await connection.fetchval(
        "insert into core.tenant (id, partner_id, environment) values ($1, $2, $3) on conflict (partner_id, environment) do nothing returning id",
        tenant_id, partner_id, environment,
    )  # fmt: skip
    if made is None:
        raise EnvironmentExists()
    return tenant_id


async def create_partner(connection: Any, entry: PartnerEntry, environment: str) -> UUID:
    """Create a partner with its first environment and return the tenant; raises PartnerExists."""
    await insert_partner(connection, entry)
    return await create_environment(connection, entry.slug, environment)


async def announce(shell: Shell, uow: UnitOfWork, partner: str, environment: str) -> None:
    """Make it the first entry of the new environment's log, and give it its address on the platform's domain. Says environment.created."""
    welcome = cast("Callable[[UnitOfWork], Awaitable[object]] | None", shell.extras.get("welcome"))
    if welcome is not None:
        await welcome(uow)
    uow.publish("environment.created", subject=f"tenant:{uow.tenant_id}", data={"partner": partner, "environment": environment})


async def take_back(connection: Any, tenant_id: UUID) -> None:
    """Remove an environment that nothing was ever written into, and its partner when it was the only one."""
    partner_id = await connection.fetchval("delete from core.tenant where id = $1 returning partner_id", tenant_id)
    await connection.execute(
        "delete from core.partner p where id = $1 and not exists (select from core.tenant t where t.partner_id = p.id)", partner_id
    )


async def create_platform_key(boundary: Boundary, name: str, *, prefix: str = keys.PREFIX, actor: str = "system:cli") -> Key:
    """Make a key of the platform's operator; whoever can do this already holds the database."""
    key = keys.make("platform", prefix=prefix)
    async with boundary.platform(actor=actor, reason=f"platform key for {name}") as connection:
        await connection.execute(
            "insert into core.platform_key (id, public_id, secret_hash, name) values ($1, $2, $3, $4)",
            new_id(),
            key.public_id,
            key.hash,
            name,
        )
    return key


async def partners(connection: Any, *, cursor: str | None = None, limit: int = 50) -> Page[PartnerView]:
    """Partners by slug, a page at a time."""
    after = decode_cursor(cursor, (str,))[0] if cursor else ""
    rows: Sequence[Any] = await connection.fetch(
        f"select {_PARTNER} from core.partner where slug > $1 order by slug limit $2", after, limit + 1
    )
    return _page([PartnerView(**row) for row in rows], limit, lambda last: (last.slug,))


async def environments(connection: Any, *, cursor: str | None = None, limit: int = 50) -> Page[EnvironmentView]:
    """Environments by their partner's slug, a page at a time."""
    after = decode_cursor(cursor, (str, str)) if cursor else ("", "")
    rows = await connection.fetch(
        """select t.id, t.environment, t.status, p.slug as partner from core.tenant t join core.partner p on p.id = t.partner_id
        where p.slug >= $1 and (p.slug, t.environment) > ($1, $2) order by p.slug, t.environment limit $3""",
        *after, limit + 1,
    )  # fmt: skip
    return _page([EnvironmentView(**row) for row in rows], limit, lambda last: (last.partner, last.environment))


def _page(found: list[T], limit: int, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    more = encode_cursor(key(found[limit - 1])) if len(found) > limit else None
    next_cursor.set(more)
    return Page(found[:limit], more)


async def partner(connection: Any, slug: str) -> PartnerView:
    return PartnerView(**await connection.fetchrow(f"select {_PARTNER} from core.partner where slug = $1", slug))
