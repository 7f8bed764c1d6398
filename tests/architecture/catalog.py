"""What must be true of every table, read from the database's own catalog; each rule is a function that lists its violations."""

import re
from collections.abc import Awaitable, Callable

import asyncpg

from app.core.migrate import SCHEMAS

PLATFORM = {
    "core.signing_key", "core.tenant_table_option", "core.partner", "core.tenant", "core.domain_lookup", "core.key_lookup", "core.token_lookup",
    "core.platform_key", "core.platform_log", "core.dispatcher_lease", "core.work", "core.alembic_version",
}  # fmt: skip
RUNTIME = ("detour_app", "detour_customer", "detour_batch", "detour_dispatch", "detour_ops")

Rule = Callable[[asyncpg.Connection], Awaitable[list[str]]]

_TABLES = """
select n.nspname || '.' || c.relname as name, c.oid, c.relrowsecurity as rls, c.relforcerowsecurity as forced, c.relispartition as part, c.relkind::text as kind
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname = any($1)"""


async def _tables(c: asyncpg.Connection) -> list[asyncpg.Record]:
    return [t for t in await c.fetch(_TABLES, list(SCHEMAS)) if t["name"] not in PLATFORM]


async def every_table_is_of_a_class(c: asyncpg.Connection) -> list[str]:
    """A table is a tenant table, declared by core.tenant_table, or on the closed list of the platform's."""
    declared = {r["name"].replace('"', "") for r in await c.fetch("select name from core.tenant_table_option")}
    return [t["name"] for t in await _tables(c) if not t["part"] and t["name"] not in declared]


async def row_security_is_forced(c: asyncpg.Connection) -> list[str]:
    """Row-level security is on and binds the owner too, on partitions as well."""
    return [t["name"] for t in await _tables(c) if not (t["rls"] and t["forced"])]


async def every_role_is_walled(c: asyncpg.Connection) -> list[str]:
    """Each role has its restrictive policy on every table: app and customer one tenant, batch a set, the owner is loud."""
    wanted = {"tenant": {"detour_app", "detour_customer"}, "tenants": {"detour_batch"}, "owner_loud": {"detour_owner"}}
    rows = await c.fetch("select schemaname || '.' || tablename as name, policyname, permissive, roles, qual, with_check from pg_policies")
    found = {(r["name"], r["policyname"]): r for r in rows}
    wrong = []
    for table in await _tables(c):
        for policy, roles in wanted.items():
            p = found.get((table["name"], policy))
            if (
                p is None
                or p["permissive"] != "RESTRICTIVE"
                or set(p["roles"]) != roles
                or "tenant_id" not in p["qual"]
                or p["qual"] != p["with_check"]
            ):
                wrong.append(f"{table['name']}: {policy}")
            elif "SELECT core.ctx_tenant" not in p["qual"]:
                wrong.append(f"{table['name']}: {policy} is evaluated a row, not once a statement")
    return wrong


async def customers_are_walled(c: asyncpg.Connection) -> list[str]:
    """What the customer role may read has a customer_id and the policy that compares it."""
    rows = await c.fetch(
        "select distinct table_schema || '.' || table_name as name from information_schema.role_table_grants where grantee = 'detour_customer' and table_schema = any($1)",
        list(SCHEMAS),
    )
    policies = {
        r["name"]
        for r in await c.fetch(
            "select schemaname || '.' || tablename as name from pg_policies where policyname = 'customer' and permissive = 'RESTRICTIVE' and qual like '%customer_id%ctx_customer%'"
        )
    }
    return [r["name"] for r in rows if r["name"] not in policies]


# An inverted index has no first column; one whose every key is computed from the tenant leads with it all the same.
_OF_THE_TENANT = re.compile(r"USING gin \(canonical\.grams\(tenant_id, kind, keys\)\)")


async def keys_lead_with_the_tenant(c: asyncpg.Connection) -> list[str]:
    """Primary keys are (tenant_id, id), and every index starts with tenant_id, or computes its keys from it."""
    rows = await c.fetch(
        """select n.nspname || '.' || t.relname as name, i.relname as index, x.indisprimary as pk, pg_get_indexdef(i.oid) as definition,
                  (select array_agg(coalesce(a.attname, '') order by k.ord) from unnest(x.indkey) with ordinality k (num, ord)
                   left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.num)::text[] as cols
           from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = t.relnamespace
           where n.nspname = any($1)""",
        list(SCHEMAS),
    )
    wrong = [
        f"{r['name']}.{r['index']}: {r['cols']}"
        for r in rows
        if r["name"] not in PLATFORM and r["cols"][0] != "tenant_id" and not _OF_THE_TENANT.search(r["definition"])
    ]
    wrong += [
        f"{r['name']}.{r['index']}: {r['cols']}" for r in rows if r["name"] not in PLATFORM and r["pk"] and r["cols"] != ["tenant_id", "id"]
    ]
    keyed = {r["name"] for r in rows if r["pk"]}
    return wrong + [f"{t['name']}: no primary key" for t in await _tables(c) if t["name"] not in keyed]


async def references_stay_inside_a_tenant(c: asyncpg.Connection) -> list[str]:
    """A foreign key carries tenant_id on both sides, and none points to an append-only table."""
    rows = await c.fetch(
        """select conname, conrelid::regclass::text as name, confrelid::regclass::text as target,
             (select array_agg(a.attname order by k.ord) from unnest(conkey) with ordinality k (num, ord) join pg_attribute a on a.attrelid = conrelid and a.attnum = k.num)::text[] as cols,
             (select array_agg(a.attname order by k.ord) from unnest(confkey) with ordinality k (num, ord) join pg_attribute a on a.attrelid = confrelid and a.attnum = k.num)::text[] as target_cols
           from pg_constraint where contype = 'f' and connamespace = any(select oid from pg_namespace where nspname = any($1))""",
        list(SCHEMAS),
    )
    append_only = {r["name"] for r in await c.fetch("select name from core.tenant_table_option where append_only")}
    wrong = []
    for r in rows:
        if r["name"].replace('"', "") in PLATFORM:
            continue
        if r["cols"][0] != "tenant_id" or r["target_cols"][0] != "tenant_id":
            wrong.append(f"{r['name']}.{r['conname']}: {r['cols']} -> {r['target']} {r['target_cols']}")
        if r["target"] in append_only:
            wrong.append(f"{r['name']}.{r['conname']} points to append-only {r['target']}")
    return wrong


async def no_grant_is_too_wide(c: asyncpg.Connection) -> list[str]:
    """No grants on partitions, none to PUBLIC, no TRUNCATE, REFERENCES or TRIGGER, no update of append-only tables, no look at signing keys."""
    rows = await c.fetch(
        "select grantee, table_schema || '.' || table_name as name, privilege_type as what from information_schema.role_table_grants where table_schema = any($1)",
        list(SCHEMAS),
    )
    parts = {t["name"] for t in await _tables(c) if t["part"]}
    append_only = {r["name"] for r in await c.fetch("select name from core.tenant_table_option where append_only")}
    wrong = []
    for r in rows:
        if r["grantee"] in ("detour_owner", "postgres"):
            continue
        here = f"{r['grantee']}: {r['what']} on {r['name']}"
        if r["grantee"] == "PUBLIC" or r["what"] in ("TRUNCATE", "REFERENCES", "TRIGGER"):
            wrong.append(here)
        if r["name"] in parts and r["grantee"] != "detour_backup":
            wrong.append(here)
        if r["name"] in append_only and r["what"] in ("UPDATE", "DELETE"):
            wrong.append(here)
        if r["name"] == "core.signing_key":
            wrong.append(here)
    return wrong


async def functions_are_closed(c: asyncpg.Connection) -> list[str]:
    """No function is PUBLIC's; a SECURITY DEFINER function pins its search_path; look-ups across tenants belong to the look-up role."""
    rows = await c.fetch(
        """select p.oid::regprocedure::text as name, p.prosecdef as definer, coalesce(array_to_string(p.proconfig, ','), '') as config, p.proname as short,
             pg_get_userbyid(p.proowner) as owner, exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as public
           from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any($1)""",
        list(SCHEMAS),
    )
    wrong = [f"{r['name']} is callable by PUBLIC" for r in rows if r["public"]]
    wrong += [
        f"{r['name']} is a definer without a pinned search_path"
        for r in rows
        if r["definer"] and "search_path=pg_catalog, pg_temp" not in r["config"]
    ]
    across = ("find_tenant_by_host", "find_key", "find_token", "find_platform_key", "find_whole", "find_within")
    return wrong + [f"{r['name']} belongs to {r['owner']}" for r in rows if r["short"] in across and r["owner"] != "detour_lookup"]


async def look_ups_see_little(c: asyncpg.Connection) -> list[str]:
    """The look-up role reads the tables of the closed list, passes the wall of one of them for reading, and its functions are for the two roles that ask."""
    readable = {"core.domain_lookup", "core.tenant", "core.key_lookup", "core.token_lookup", "core.platform_key", "canonical.search_entry"}
    granted = await c.fetch(
        "select distinct table_schema || '.' || table_name as name, privilege_type as what from information_schema.column_privileges where grantee = 'detour_lookup'"
    )
    wrong = [f"{g['what']} on {g['name']}" for g in granted if g["name"] not in readable or g["what"] != "SELECT"]
    policies = await c.fetch("select schemaname || '.' || tablename as name, cmd from pg_policies where 'detour_lookup' = any(roles)")
    wrong += [f"policy on {p['name']} for {p['cmd']}" for p in policies if (p["name"], p["cmd"]) != ("canonical.search_entry", "SELECT")]
    callers = await c.fetch(
        """select p.oid::regprocedure::text as name, pg_get_userbyid(a.grantee) as who from pg_proc p, aclexplode(p.proacl) a
           where pg_get_userbyid(p.proowner) = 'detour_lookup' and a.grantee <> p.proowner"""
    )
    return wrong + [f"{f['name']} for {f['who']}" for f in callers if f["who"] not in ("detour_app", "detour_customer")]


async def roles_have_no_way_up(c: asyncpg.Connection) -> list[str]:
    """No runtime role is superuser, passes row security, or is a member of another."""
    rows = await c.fetch("select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname like 'detour%'")
    wrong = [r["rolname"] for r in rows if r["rolsuper"] or r["rolcreaterole"] or (r["rolbypassrls"] and r["rolname"] != "detour_backup")]
    members = await c.fetch(
        "select m.rolname as member, g.rolname as of, inherit_option from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid where m.rolname like 'detour%'"
    )
    return wrong + [
        f"{r['member']} in {r['of']}"
        for r in members
        if (r["member"], r["of"], r["inherit_option"]) != ("detour_owner", "detour_lookup", False)
    ]


async def types_suit_the_wall(c: asyncpg.Connection) -> list[str]:
    """Money is bigint, moments have zones, statuses are text: no float, numeric, enum, varchar or zoneless timestamp."""
    rows = await c.fetch(
        "select table_schema || '.' || table_name || '.' || column_name as name, data_type from information_schema.columns where table_schema = any($1)",
        list(SCHEMAS),
    )
    refused = {
        "real",
        "double precision",
        "numeric",
        "USER-DEFINED",
        "character varying",
        "character",
        "timestamp without time zone",
        "money",
    }
    return [
        f"{r['name']}: {r['data_type']}" for r in rows if r["data_type"] in refused and not r["name"].startswith("core.alembic_version")
    ]


async def append_only_tables_are_partitioned(c: asyncpg.Connection) -> list[str]:
    """An append-only table is partitioned by its id, has room ahead, and its last partition is bounded so that the next one fits."""
    wrong = []
    for r in await c.fetch("select name from core.tenant_table_option where append_only"):
        bounds = await c.fetch(
            "select pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::text::regclass",
            r["name"],
        )
        strategy = await c.fetchval("select pg_get_partkeydef($1::text::regclass)", r["name"])
        if strategy != "RANGE (id)" or len(bounds) < 5 or any("MAXVALUE" in b["bound"] or b["bound"] == "DEFAULT" for b in bounds):
            wrong.append(f"{r['name']}: {strategy}, {len(bounds)} partitions")
    return wrong


async def nothing_materialised(c: asyncpg.Connection) -> list[str]:
    """No materialised views (they have no row security), and views run with their caller's rights."""
    rows = await c.fetch(
        "select n.nspname || '.' || c.relname as name, c.relkind::text as kind, c.reloptions from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = any($1) and c.relkind in ('m', 'v')",
        list(SCHEMAS),
    )
    return [r["name"] for r in rows if r["kind"] == "m" or "security_invoker=true" not in (r["reloptions"] or [])]


RULES: tuple[Rule, ...] = (
    every_table_is_of_a_class, row_security_is_forced, every_role_is_walled, customers_are_walled, keys_lead_with_the_tenant, references_stay_inside_a_tenant,
    no_grant_is_too_wide, functions_are_closed, look_ups_see_little, roles_have_no_way_up, types_suit_the_wall, append_only_tables_are_partitioned, nothing_materialised,
)  # fmt: skip
