"""Every noun that an id in an address can name: where its rows stand, and rows of it that belong to somebody."""

import json
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg

from app.canonical.commands import record
from app.canonical.events import parse_event
from app.core.ids import new_id
from app.core.services import Shell
from tenants.access_schemas import GrantAhead
from tenants.commands.consent import grant_ahead
from tenants.commands.external_sign_in import sign_in_as
from tenants.commands.identity_providers import create_provider
from tenants.identity_schemas import NewIdentityProvider
from tenants.oidc.tokens import Person
from tenants.principal import Principal
from tenants.roles import BUILT_IN

OWNER, OTHER = "northwind", "harborline"
CUSTOMER, NEIGHBOUR = "acme-pharma", "boreal-foods"
"""Customers of the owner."""

# Where the rows of each noun stand. A path parameter that is missing here fails the matrices: no route escapes.
TABLES = {
    "case_id": 'cases."case"', "approval_id": "cases.approval", "offer_id": "cases.offer", "run_id": "workflows.workflow_run", "policy_id": "policies.policy",
    "decision_id": "policies.decision", "user_id": "tenants.user", "key_id": "tenants.api_key", "customer_id": "tenants.customer", "connection_id": "connectors.connection",
    "call_id": "connectors.call", "domain_id": "branding.domain", "document_id": "canonical.document", "shipment_id": "canonical.shipment", "order_id": "canonical.order",
    "position_id": "canonical.inventory_position", "party_id": "canonical.party", "location_id": "canonical.location", "promise_id": "canonical.promise",
    "template_id": "notifications.template", "notice_id": "notifications.notice", "signal_id": "ingest.signal", "source_id": "ingest.source", "mapping_id": "ingest.mapping",
    "view_id": "portal.saved_view", "consent_id": "tenants.consent", "session_id": "tenants.session", "provider_id": "tenants.identity_provider",
    "identity_id": "tenants.external_identity",
    "parked_id": "ingest.parked_signal", "entry_id": "cases.inbox", "work_id": "core.work",
    "workflow_id": "workflows.workflow_definition", "message_id": "cases.held_message", "handover_id": "cases.handover", "event_id": "core.event",
}  # fmt: skip
# What a customer may own beside its partner.
OWNED = ("policies.policy", "notifications.template", "ingest.source", "ingest.mapping", "ingest.signal")
_HAS_CUSTOMER = """select exists (select from information_schema.columns
    where table_schema || '.' || table_name = $1 and column_name = 'customer_id')"""


@dataclass
class Rows:
    """Ids of the owner's rows by parameter, all of them and those of one customer; the tenants and customers by name."""

    tenants: dict[str, UUID] = field(default_factory=dict)
    customers: dict[tuple[str, str], UUID] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    of_customer: dict[str, list[str]] = field(default_factory=dict)


async def furnish(shell: Shell, superuser: asyncpg.Connection) -> Rows:
    """Give every noun rows after the story, and find them."""
    rows = Rows()
    await find_tenants(rows, superuser)
    tenant, customer = rows.tenants[OWNER], rows.customers[(OWNER, CUSTOMER)]
    await _tell_the_rest(shell, tenant, customer)
    await _sign_somebody_in(shell, tenant, customer)
    await _end_a_shift(superuser, tenant)
    for table in OWNED:
        await _copy_for(superuser, table, tenant, customer)
    await find(rows, superuser)
    return rows


async def find_tenants(rows: Rows, superuser: asyncpg.Connection) -> None:
    """Look the tenants and customers up."""
    found = await superuser.fetch("select p.slug, t.id from core.partner p join core.tenant t on t.partner_id = p.id")
    rows.tenants = {each["slug"]: each["id"] for each in found}
    for slug, tenant in rows.tenants.items():
        for each in await superuser.fetch("select slug, id from tenants.customer where tenant_id = $1", tenant):
            rows.customers[(slug, each["slug"])] = each["id"]


async def find(rows: Rows, superuser: asyncpg.Connection) -> None:
    """Look up to three rows of each noun up: anybody's of the owner, and its first customer's."""
    tenant, customer = rows.tenants[OWNER], rows.customers[(OWNER, CUSTOMER)]
    for name, table in TABLES.items():
        found = await superuser.fetch(f"select id from {table} where tenant_id = $1 order by id limit 3", tenant)
        rows.ids[name] = [str(each["id"]) for each in found]
        if await superuser.fetchval(_HAS_CUSTOMER, table.replace('"', "")):
            query = f"select id from {table} where tenant_id = $1 and customer_id = $2 order by id limit 3"
            rows.of_customer[name] = [str(each["id"]) for each in await superuser.fetch(query, tenant, customer)]


async def _tell_the_rest(shell: Shell, tenant: UUID, customer: UUID) -> None:
    """Nouns the story has no use for: a stock position, a party, a location."""
    place = {"name": "Dock 4", "city": "Bremen", "country": "DE"}
    told = (
        {"type": "inventory.recorded", "refs": {"sku": "SKU-1"}, "data": {"site": "BRE-1", "on_hand": 7}},
        {
            "type": "shipment.recorded",
            "refs": {"shipment": "SHP-MATRIX"},
            "data": {"origin": place, "parties": [{"role": "consignee", "name": "A hospital", "location": place}]},
        },
    )
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        for event in told:
            await record(uow, parse_event({**event, "occurred_at": "2026-11-23T12:00:00Z"}), signal_id=uuid4(), customer_id=customer)


async def _sign_somebody_in(shell: Shell, tenant: UUID, customer: UUID) -> None:
    """A customer's own identity provider, somebody who signed in with it, and its consent that the partner acts for it."""
    maker = Principal(tenant, "system:test", "partner", BUILT_IN["partner_admin"].permissions)
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        wanted = NewIdentityProvider(
            name="Matrix account", issuer="https://login.matrix.example", client_id="portal", customer_id=customer, domains=["matrix.example"],
            creates_users=True, default_role="customer_user",
        )  # fmt: skip
        provider = await create_provider(uow, shell, wanted, maker=maker)
        person = Person(subject="matrix", email="somebody@matrix.example", is_email_verified=True)
        made = await sign_in_as(uow, provider.id, person, host="matrix.localhost", device="", next="")
    decider = Principal(tenant, f"user:{made.session.user_id}", "customer", frozenset(), customer_id=customer, user_id=made.session.user_id)
    async with shell.unit_of_work(tenant, actor=decider.actor, customer=customer) as uow:
        await grant_ahead(uow, GrantAhead(reason="So that there is one"), decider=decider)


async def _end_a_shift(superuser: asyncpg.Connection, tenant: UUID) -> None:
    """A message that was taken back, and a shift one of the partner's people handed over to another, about no case of the story."""
    people = await superuser.fetch("select id from tenants.user where tenant_id = $1 and customer_id is null order by id limit 2", tenant)
    one, other = people[0]["id"], people[-1]["id"]
    handover = (
        "insert into cases.handover (tenant_id, id, from_user, to_user, case_ids, note, made_at) values ($1, $2, $3, $4, '{}', '', now())"
    )
    await superuser.execute(handover, tenant, new_id(), one, other)
    message = """insert into cases.held_message (tenant_id, id, status, audience, template, subject, text, case_ids, readers, made_by, made_at,
        leaves_at, undone_by, undone_at) values ($1, $2, 'undone', 'customer', 'message', 'Matrix', 'x', '{}', '[]', $3, now(), now(), $3, now())"""
    await superuser.execute(message, tenant, new_id(), f"user:{one}")


async def _copy_for(superuser: asyncpg.Connection, table: str, tenant: UUID, customer: UUID) -> None:
    """A customer's own one of what the partner has: the same row under another id and owner."""
    row = await superuser.fetchrow(f"select to_jsonb(t) as row from {table} t where tenant_id = $1 order by id limit 1", tenant)
    mine = {
        "id": str(new_id()),
        "customer_id": str(customer),
        **({"token": uuid4().hex, "name": "acme-own"} if table == "ingest.source" else {}),
    }
    fresh = await superuser.fetchval("select $1::jsonb || $2::jsonb", row["row"], json.dumps(mine))
    await superuser.execute(f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)", fresh)
