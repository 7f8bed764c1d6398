"""A small world for cases: a customer with a contract, people with roles, and the decisions that policies would have made."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import select

from app.canonical import documents
from app.canonical.commands import record
from app.canonical.events import parse_event
from app.cases import queries
from app.cases.models import Case, CaseClock
from app.cases.timeline import Entry
from app.core.context import Context
from app.core.events import Event
from app.core.ids import new_id
from app.core.models import EventRow
from app.core.services import Shell
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork
from app.policies.commands import publish, save
from tenants.commands.customers import create_customer
from tenants.models import Membership, User
from tenants.schemas import NewCustomer
from tests.services import Database
from worker.serve import serve

CONTRACT = {
    "first_response": "PT30M",
    "resolution": "PT8H",
    "calendar": {"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00", "holidays": "DE-BE"},
}
ROUND_THE_CLOCK = {"first_response": "PT30M", "resolution": "PT8H"}


Row = TypeVar("Row", bound=TenantRow)


class World:
    """One tenant's customer and people, and the shell to act with."""

    def __init__(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        self.shell, self.tenant, self.customer = shell, tenant, customer

    @classmethod
    async def make(cls, shell: Shell, tenant: UUID, *, sla: dict[str, Any] | None = None, slug: str = "acme") -> "World":
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            row = await create_customer(uow, NewCustomer(slug=slug, name=slug.title(), sla=sla if sla is not None else ROUND_THE_CLOCK))
        return cls(shell, tenant, row.id)

    def act(
        self, actor: str = "system:test", *, now: datetime | None = None, customer: UUID | None = None, case: UUID | None = None
    ) -> Any:
        """A transaction for `actor`, at `now` where the story needs another time."""
        return self.shell.boundary.unit_of_work(Context.one(self.tenant, actor=actor, customer=customer, case=case), now=now)

    def look(self, *, customer: UUID | None = None, case: UUID | None = None) -> Any:
        return self.shell.read(self.tenant, customer=customer, case=case)

    async def person(self, role: str, *, customer: UUID | None = None) -> str:
        """A user with a role; returns the actor."""
        async with self.act() as uow:
            user = uow.add(User(email=f"{uow.new_id()}@example.test", name=role, customer_id=customer, status="active", created_at=uow.now))
            await uow.session.flush()
            member = uow.add(Membership(user_id=user.id, role=role, customer_id=customer, created_at=uow.now))
            uow.publish("user.created", of=user, also=[member])
        return f"user:{user.id}"

    async def order(self, number: str = "ORD-7731", *, regulated: bool = False, shipment: str | None = None) -> UUID:
        """An order, perhaps with its shipment, recorded as from a mapped message."""
        refs = {"order": number} | ({"shipment": shipment} if shipment else {})
        told = {"type": "order.recorded", "occurred_at": datetime.now(UTC).isoformat(), "refs": refs, "data": {"regulated": regulated}}
        async with self.act() as uow:
            recorded = await record(uow, parse_event(told), signal_id=None, customer_id=self.customer)
        assert recorded.order_id is not None
        return recorded.order_id

    async def policy(self, content: str) -> None:
        """A policy of the partner, in force."""
        async with self.act() as uow:
            await publish(uow, await save(uow, self.shell.sandbox, content, customer_id=None))

    async def certificate(self, order: UUID, number: str) -> None:
        """The order's compliance certificate, uploaded and verified."""
        form = {"order_number": number, "certificate_number": "C-1", "valid_until": "2031-01-01", "substance": "Vaccine"}
        async with self.act() as uow:
            paper = await documents.require(uow, kind="compliance_certificate", customer_id=self.customer, order_id=order)
            await uow.session.flush()
            verified = await documents.upload(uow, paper.id, orjson.dumps(form))
        assert verified.status == "verified", verified.findings

    async def call(self, database: Database, case: Case, **changes: Any) -> UUID:
        """A recorded call of the case, as a connector would have left it."""
        row = {
            "tenant_id": self.tenant, "id": new_id(), "customer_id": self.customer, "case_id": case.id, "connection_id": new_id(), "connection_version": 1,
            "connector": "sim-wms", "operation": "order_status", "capability": "wms.order_status", "has_effect": False, "effect_key": str(new_id()),
            "params_hash": "", "params": "{}", "actor": "run:1", "status": "done", "attempts": 1, "mediation": "{}", "started_at": datetime.now(UTC),
        }  # fmt: skip
        row |= changes
        connection = await database.superuser()
        try:
            # The connection it went through isn't what is looked at here.
            await connection.execute("set session_replication_role = replica")
            marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            await connection.execute(f"insert into connectors.call ({', '.join(row)}) values ({marks})", *row.values())
        finally:
            await connection.close()
        return row["id"]

    async def quoted(self, database: Database, case: Case, *options: tuple[str, int], shipment: str = "SHP-1") -> None:
        """The carrier's recorded answer to what the case's workflow asked: options and their prices in euro cents."""
        offered = [{"id": option, "cost_minor": minor, "currency": "EUR"} for option, minor in options]
        params, response = (orjson.dumps(value).decode() for value in ({"shipment": shipment}, offered))
        await self.call(database, case, capability="carrier.expedite_options", params=params, response=response)

    async def opened(self, *, now: datetime | None = None, **changes: Any) -> Case:
        """The case a decision opens (or joins)."""
        async with self.act(now=now) as uow:
            event = decide(uow, self.customer, **changes)
        async with self.look() as uow:
            query = select(Case).where(Case.group_key == event.data["group_key"]).order_by(Case.id.desc()).limit(1)
            return kept(uow, (await uow.execute(query)).scalar_one())

    async def case(self, case_id: UUID) -> Case:
        async with self.look() as uow:
            return kept(uow, await uow.get(Case, case_id))

    async def rows(self, model: type[Row], **equal: Any) -> list[Row]:
        """Rows of a table, in the order they were made."""
        async with self.look() as uow:
            return [kept(uow, row) for row in (await uow.execute(select(model).filter_by(**equal).order_by(model.id))).scalars()]

    async def told(self, *types: str) -> list[Event]:
        """Events of these types so far, in order."""
        async with self.look() as uow:
            rows = (await uow.execute(select(EventRow).where(EventRow.type.in_(types)).order_by(EventRow.id))).scalars()
            return [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows]

    async def timeline(self, case_id: UUID) -> list[Entry]:
        async with self.look() as uow:
            return (await queries.timeline(uow, case_id, cursor=None, limit=200)).items

    async def timeline_of(self, case_id: UUID, *, customer: UUID | None = None) -> list[Entry]:
        """The case's timeline when all that happened has been noted."""
        await self.work_off()
        async with self.look(customer=customer) as uow:
            return (await queries.timeline(uow, case_id, cursor=None, limit=200)).items

    async def told_of(self, case_id: UUID) -> list[Event]:
        """Everything said of one case, in order."""
        async with self.look() as uow:
            rows = (await uow.execute(select(EventRow).where(EventRow.key == f"case:{case_id}").order_by(EventRow.id))).scalars()
            return [Event.read(row.tenant_id, row.recorded_at, row.envelope) for row in rows]

    async def clocks(self, case_id: UUID) -> list[CaseClock]:
        return await self.rows(CaseClock, case_id=case_id)

    async def milestone(self, shipment: str, milestone: str) -> None:
        """A carrier's report about a shipment."""
        told = {
            "type": "shipment.milestone_recorded", "occurred_at": datetime.now(UTC).isoformat(), "refs": {"shipment": shipment},
            "data": {"milestone": milestone},
        }  # fmt: skip
        async with self.act() as uow:
            await record(uow, parse_event(told), signal_id=None, customer_id=self.customer)

    async def work_off(self) -> None:
        """Lets the worker do all that is due by now."""
        for _ in range(20):
            await self.shell.boundary.dispatch("select core.wake_due()")
            if not await serve(self.shell, self.tenant) and not await self._is_due():
                return

    async def _is_due(self) -> bool:
        found = await self.shell.boundary.dispatch(
            "select 1 from core.work where tenant_id = $1 and parked_at is null and due <= clock_timestamp() limit 1", self.tenant
        )
        return bool(found)


def kept(uow: UnitOfWork, row: Row) -> Row:
    """A row that can be read after its transaction."""
    uow.session.expunge(row)
    return row


def decide(uow: UnitOfWork, customer: UUID, **changes: Any) -> Event:
    """The event decision.made as the policy room says it."""
    data = decision(**changes)
    return uow.publish("decision.made", data=data, customer_id=customer, key=f"decision:{uow.new_id()}")


def decision(
    *, order: str = "ORD-7731", level: str = "P2", score: int = 450, provisional: bool = True, missing: list[str] | None = None,
    inputs: list[dict[str, Any]] | None = None, minor: int | None = 4520000, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "policy": "cutoff-missed", "version": 1,
        "exception": {"type": "cutoff.missed", "reason": "past_cutoff", "responsible": "warehouse"},
        "group_key": f"cutoff.missed|order:{order}|promise:ship",
        "priority": {"level": level, "score": score, "provisional": provisional},
        "money_at_risk": {"minor": minor, "currency": "EUR"} if minor is not None else None,
        "title": f"Order {order} missed the warehouse cutoff", "workflow": None,
        "inputs": inputs if inputs is not None else [{"name": "order.value_minor", "value": minor, "source": "order:1"}],
        "missing": missing if missing is not None else ["customer.tier"], "subjects": {}, "signal_id": None, "event_id": None, **more,
    }  # fmt: skip


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)
