"""A partner with two customers, a signed warehouse webhook, an X12 mailbox, mappings and keys, made through the commands people use."""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select
from standardwebhooks import Webhook

from app.core.events import Event
from app.core.models import EventRow
from app.core.services import Shell
from app.core.tables import TenantRow
from app.ingest.commands.attribution import WantedRule, set_rules
from app.ingest.commands.mappings import draft_mapping, publish_mapping
from app.ingest.commands.sources import create_source
from app.ingest.schemas import NewMapping, NewSource, NewVerification, Secret
from tenants.commands.customers import create_customer
from tenants.commands.keys import create_key
from tenants.principal import Principal
from tenants.roles import BUILT_IN
from tenants.schemas import NewCustomer, NewKey

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
CUTOFF = '[{type: "order.cutoff_missed", occurred_at: .at, account: .account, refs: {order: .order}, data: {}}]'
STATUS = """.set.shipment as $s | [$s.stops[].statuses[] | select(.occurred_at != null) | {
  type: "shipment.milestone_recorded", occurred_at, account: $s.parties.SF.name, refs: {shipment: $s.shipment},
  data: {status_code: .code, reason_code: .reason}}]"""
Settle = Callable[[UUID], Awaitable[None]]


def missed(order: str = "ORD-1", account: str = "ACME-01", at: str = "2026-11-23T17:05:00+01:00") -> bytes:
    """A warehouse's message that an order missed the cutoff."""
    return f'{{"order": "{order}", "account": "{account}", "at": "{at}"}}'.encode()


class Desk:
    """One tenant with everything around it; `post` and `get` speak HTTP as its people and systems do."""

    def __init__(self, shell: Shell, tenant: UUID, client: httpx.AsyncClient, settle: Settle) -> None:
        self.shell, self.tenant, self.client, self._settle = shell, tenant, client, settle
        self.customers: dict[str, UUID] = {}
        self.keys: dict[str, str] = {}
        self.path = ""

    async def furnish(self) -> "Desk":
        async with self.shell.unit_of_work(self.tenant, actor="system:test") as uow:
            for slug, account in (("acme", "ACME-01"), ("boreal", "00602679321")):
                self.customers[slug] = (await create_customer(uow, NewCustomer(slug=slug, name=slug.title()))).id
                await set_rules(uow, self.shell, self.customers[slug], [WantedRule(f'event.account == "{account}"')])
            verify = NewVerification(secret=Secret(SECRET))
            wms = await create_source(uow, self.shell, NewSource(name="wms", kind="webhook", mapping="cutoff", verify=verify))
            await create_source(uow, self.shell, NewSource(name="edi", kind="x12", mapping="status-214"))
            await create_source(uow, self.shell, NewSource(name="events", kind="cloudevents"))
            self.path = f"/v1/in/{wms.token}"
        for name, program in (("cutoff", CUTOFF), ("status-214", STATUS)):
            await self.publish(name, program)
        self.keys["admin"] = await self.key("partner", "partner_admin")
        self.keys["edi"] = await self.key("source", "source_key", source="edi")
        self.keys["wms"] = await self.key("source", "source_key", source="wms")
        self.keys["events"] = await self.key("source", "source_key", source="events")
        return self

    async def publish(self, name: str, program: str) -> None:
        async with self.shell.unit_of_work(self.tenant, actor="user:admin") as uow:
            draft = await draft_mapping(uow, self.shell, NewMapping(name=name, content=program))
            await uow.session.flush()
            await publish_mapping(uow, draft)

    async def key(self, scope: str, role: str, **more: Any) -> str:
        maker = Principal(self.tenant, "user:admin", "partner", BUILT_IN["partner_admin"].permissions | {"signals.create"})
        async with self.shell.unit_of_work(self.tenant, actor="system:test") as uow:
            _, key = await create_key(uow, NewKey(name=role, scope=scope, roles=[role], **more), maker=maker)  # type: ignore[arg-type]
            return key.text

    # -- speaking HTTP

    async def post(self, path: str, *, key: str | None = "admin", **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if key:
            headers["authorization"] = f"Bearer {self.keys[key]}"
        return await self.client.post(path, headers=headers, **more)

    async def get(self, path: str, *, key: str = "admin") -> httpx.Response:
        return await self.client.get(path, headers={"authorization": f"Bearer {self.keys[key]}"})

    async def hook(
        self, raw: bytes, message: str = "msg_1", *, secret: str = SECRET, at: datetime | None = None, path: str | None = None, **more: str
    ) -> httpx.Response:
        """A webhook signed as the reference library signs it, to the source's public address."""
        when = at or datetime.now(UTC)
        signature = Webhook(secret).sign(message, when, raw.decode())
        stamp = str(int(when.timestamp()))
        headers = {
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": signature,
            "content-type": "application/json",
            **more,
        }
        return await self.client.post(path or self.path, content=raw, headers=headers)

    async def edi(self, raw: bytes, **headers: str) -> httpx.Response:
        return await self.post("/v1/edi", key="edi", content=raw, headers=headers)

    async def event(self, event: dict[str, Any], *, key: str = "events") -> httpx.Response:
        return await self.post("/v1/events", key=key, json=event, headers={"content-type": "application/cloudevents+json"})

    async def settle(self) -> None:
        """Do all ready work, as a worker would."""
        await self._settle(self.tenant)

    async def receipt(self, answer: httpx.Response) -> dict[str, Any]:
        """What the status address of a receipt says after all work is done."""
        await self.settle()
        body = answer.json()
        found = await self.get((body.get("receipt") or body)["status_url"])
        assert found.status_code == 200, found.text
        return dict(found.json())

    # -- looking behind the wall

    async def count(self, model: type[TenantRow]) -> int:
        async with self.shell.read(self.tenant) as uow:
            return int(await uow.session.scalar(select(func.count()).select_from(model)) or 0)

    async def events(self, *types: str) -> list[Event]:
        async with self.shell.read(self.tenant) as uow:
            rows = (await uow.execute(select(EventRow).order_by(EventRow.id))).scalars().all()
        read = [Event.read(r.tenant_id, r.recorded_at, r.envelope) for r in rows]
        return [e for e in read if not types or e.type in types]
