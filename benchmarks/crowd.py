"""A crowd of rows, written past the wall by SQL: what a benchmark reads must be there in a minute, not in an hour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from app.core.ids import new_id

CUSTOMERS = 40
TYPES = ("cutoff.missed", "delivery.failed", "shipment.cancelled", "temperature.excursion", "customs.held")
CARRIERS = ("CPCC", "DHLX", "UPSN", "SNLU", "MAEU")


@dataclass
class Crowd:
    """What was written: the tenant's customers, and how many of what. All of it is dated back from one moment, which makes the ids."""

    tenant: UUID
    customers: list[UUID]
    now: datetime
    shipments: int = 0
    open_cases: int = 0
    closed_cases: int = 0


async def settle(connection: asyncpg.Connection, tenant: UUID) -> Crowd:
    """Customers with a contract."""
    ids = [new_id() for _ in range(CUSTOMERS)]
    await connection.execute(
        """insert into tenants.customer (tenant_id, id, customer_id, slug, name, sla)
           select $1, i, i, 'customer-' || n, 'Customer ' || n, '{"first_response": "PT30M", "resolution": "PT8H"}' from unnest($2::uuid[]) with ordinality x (i, n)""",
        tenant, ids,
    )  # fmt: skip
    return Crowd(tenant, ids, datetime.now(UTC))


# An id of a moment, as ours are made: the time in front, a number behind.
_ID = "(lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0') || '7000' || '{kind}' || lpad(to_hex({n}), 12, '0'))::uuid"


async def ship(connection: asyncpg.Connection, crowd: Crowd, number: int) -> None:
    """Shipments of the last year with five references each, one in twenty still on its way, and their entries in the search box."""
    at = f"($3::timestamptz - make_interval(secs => (({number} - n) * 31536000::bigint / {number})))"
    made = f"""select {_ID.format(at="at", kind="8001", n="n")} as id, ($2::uuid[])[1 + n % {CUSTOMERS}] as customer_id, at, n,
        lpad(((n * 7919::bigint) % 10000000000)::text, 10, '0') as pro, 'BOL-' || lpad(n::text, 8, '0') as bol, '1Z' || upper(substr(md5(n::text), 1, 16)) as tracking,
        'PO-2026-' || lpad((n / 3)::text, 7, '0') as po, 'Shipper ' || substr(md5((n % 500)::text), 1, 8) || ' Logistics' as shipper
      from (select n, {at} as at from generate_series(1, {number}) n) x"""
    async with _unindexed(connection, "canonical.shipment", "canonical.search_entry"):
        await connection.execute(
            f"""insert into canonical.shipment (tenant_id, id, customer_id, number, status, carrier, origin, destination, field_times, version, created_at, updated_at)
                select $1, id, customer_id, 'SHP-' || n, case when n > {number} * 0.95 then 'departed' else 'delivered' end, (array['CPCC', 'DHLX', 'UPSN', 'SNLU', 'MAEU'])[1 + n % 5], '{{"city": "Hamburg"}}', '{{"city": "Lyon"}}', '{{}}', 1, at, at from ({made}) x""",
            crowd.tenant, crowd.customers, crowd.now,
        )  # fmt: skip
        await connection.execute(
            f"""insert into canonical.search_entry (tenant_id, id, customer_id, kind, label, names, said, keys)
                select $1, id, customer_id, 'shipment', 'SHP-' || n, '{{shipment,pro,bol,tracking,po,shipper}}', array['SHP-' || n, pro, bol, tracking, po, shipper],
                  lower(concat_ws(E'\\n', 'SHP' || n, pro, replace(bol, '-', ''), tracking, replace(po, '-', ''), replace(shipper, ' ', ''))) from ({made}) x""",
            crowd.tenant, crowd.customers, crowd.now,
        )  # fmt: skip
    crowd.shipments = number


async def open_cases(connection: asyncpg.Connection, crowd: Crowd, live: int, closed: int) -> None:
    """Cases: `live` of the last month that are open, and `closed` of the last year, each with its clocks and facts."""
    async with _unindexed(connection, 'cases."case"', "cases.case_clock", "intelligence.case_fact", "intelligence.act"):
        await _cases(connection, crowd, closed, "8002", 365, is_open=False)
        await _cases(connection, crowd, live, "8003", 30, is_open=True)
    crowd.open_cases, crowd.closed_cases = live, closed


async def _cases(connection: asyncpg.Connection, crowd: Crowd, number: int, kind: str, days: int, *, is_open: bool) -> None:
    if not number:
        return
    at = f"($3::timestamptz - make_interval(secs => (({number} - n) * ({days} * 86400)::bigint / {number})))"
    made = f"""select {_ID.format(at="at", kind=kind, n="n")} as id, ($2::uuid[])[1 + n % {CUSTOMERS}] as customer_id, at, n,
        (array['{"', '".join(TYPES)}'])[1 + n % {len(TYPES)}] as type from (select n, {at} as at from generate_series(1, {number}) n) x"""
    ended = "null, null, null, null" if is_open else "at + interval '5 hours', 'run:1', 'fixed', 'late'"
    status = "open" if is_open else "resolved"
    await connection.execute(
        f"""insert into cases."case" (tenant_id, id, customer_id, status, title, exception_type, priority_level, priority_score, priority_provisional, money_at_risk_minor,
              currency, group_key, decision_id, opened_at, resolved_at, resolved_by, outcome, cause, urgent_at, surfaced_at, carrier, origin_country, destination_country)
            select $1, id, customer_id, '{status}', 'Order ORD-' || n || ' missed the warehouse cutoff', type, 'P' || (1 + n % 4), (n * 37) % 1000, false, n * 100, 'EUR',
              type || '|{kind}|' || n, gen_random_uuid(), at, {ended}, extract(epoch from at)::bigint + (n * 37) % 86400, at, (array['{"', '".join(CARRIERS)}'])[1 + n % 5], 'DE', 'FR'
            from ({made}) x""",
        crowd.tenant, crowd.customers, crowd.now,
    )  # fmt: skip
    stopped = "null" if is_open else "at + interval '5 hours'"
    await connection.execute(
        f"""insert into cases.case_clock (tenant_id, id, customer_id, case_id, kind, round, target, started_at, due_at, warn_at, stopped_at)
            select $1, {_ID.format(at="at", kind=kind, n="n * 2 + (k = 'resolution')::int")}, customer_id, id, k, 0, 'PT8H', at, at + interval '8 hours', at + interval '6 hours', {stopped}
            from ({made}) x, unnest(array['first_response', 'resolution']) k""",
        crowd.tenant, crowd.customers, crowd.now,
    )  # fmt: skip
    await connection.execute(
        f"""insert into intelligence.case_fact (tenant_id, id, customer_id, exception_type, happened_at, opened_at, first_person_at, first_run_at, touches, closed_at, closed_alone)
            select $1, id, customer_id, type, at - interval '9 minutes', at, case when n % 3 = 0 then at + make_interval(mins => n % 240) end, at + interval '1 minute',
              case when n % 3 = 0 then 1 + n % 4 else 0 end, {stopped}, {"null" if is_open else "n % 3 <> 0"} from ({made}) x""",
        crowd.tenant, crowd.customers, crowd.now,
    )  # fmt: skip
    await connection.execute(
        f"""insert into intelligence.act (tenant_id, id, customer_id, case_id, exception_type, case_opened_at, type, hand, is_touch, actor, at)
            select $1, {_ID.format(at="at", kind=kind, n="n * 4 + m")}, customer_id, id, type, at, 'case.commented', 'person', true, 'user:x', at + interval '1 hour'
            from ({made}) x, generate_series(0, n % 4) m where n % 3 = 0""",
        crowd.tenant, crowd.customers, crowd.now,
    )  # fmt: skip


async def partners(connection: asyncpg.Connection, number: int) -> None:
    """Other partners, each with its live environment."""
    ids, tenants = [new_id() for _ in range(number)], [new_id() for _ in range(number)]
    await connection.execute(
        """insert into core.partner (id, slug, name, type, event_namespace) select i, 'b' || lpad(n::text, 6, '0'), 'Partner ' || n, 'msp', 'b' || lpad(n::text, 6, '0')
           from unnest($1::uuid[]) with ordinality x (i, n)""", ids,
    )  # fmt: skip
    await connection.execute(
        "insert into core.tenant (id, partner_id, environment) select t, p, 'live' from unnest($1::uuid[], $2::uuid[]) x (t, p)",
        tenants,
        ids,
    )


@asynccontextmanager
async def _unindexed(connection: asyncpg.Connection, *tables: str) -> AsyncIterator[None]:
    """Write without indexes and checks of foreign keys, then build the indexes at once: hours less at a million rows."""
    await connection.execute("set session_replication_role = replica; set maintenance_work_mem = '256MB'; set synchronous_commit = off")
    dropped = []
    for table in tables:
        found = await connection.fetch(
            """select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made from pg_index i
               where i.indrelid = $1::text::regclass and not exists (select from pg_constraint c where c.conindid = i.indexrelid)""",
            table,
        )  # fmt: skip
        for row in found:
            await connection.execute(f"drop index {row['name']}")
            dropped.append(row["made"])
    yield
    for made in dropped:
        await connection.execute(made)
    for table in tables:
        await connection.execute(f"vacuum (analyze) {table}")
