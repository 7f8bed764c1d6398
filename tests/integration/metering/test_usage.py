"""Usage: equal to the ledger of events whatever crashes, and shown per customer, day and meter."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text as sql

from app.core.events import Event
from app.core.services import Shell
from app.metering import commands
from tests.integration.tenants.conftest import make_customer, make_key

pytestmark = pytest.mark.feature("M185")


async def say(shell: Shell, tenant: UUID, kind: str, times: int, customer: UUID | None = None, **data: Any) -> None:
    for _ in range(times):
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            uow.publish(kind, customer_id=customer, data=data)


async def usage(
    client: httpx.AsyncClient, shell: Shell, tenant: UUID, headers: dict[str, str] | None = None, **params: Any
) -> dict[str, Any]:
    if headers is None:
        _, key = await make_key(shell, tenant, roles=["partner_admin"])
        headers = {"authorization": f"Bearer {key.text}"}
    answer = await client.get("/v1/usage", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def totals(view: dict[str, Any]) -> dict[str, int]:
    return {total["meter"]: total["quantity"] for total in view["totals"]}


class TestUsage:
    async def test_equals_the_ledger_of_events(self, client, shell: Shell, tenant: UUID, settle: Any) -> None:
        customer = await make_customer(shell, tenant)
        await say(shell, tenant, "signal.accepted", 7, customer)
        await say(shell, tenant, "case.opened", 3, customer)
        await say(shell, tenant, "case.resolved", 2, customer, touched=False)
        await settle(tenant)
        assert totals(await usage(client, shell, tenant)) == {
            "signals_accepted": 7, "cases_opened": 3, "cases_resolved": 2, "cases_resolved_without_touch": 2,
        }  # fmt: skip

    async def test_counts_an_event_once_however_often_it_is_delivered(self, client, shell: Shell, tenant: UUID, settle: Any) -> None:
        await say(shell, tenant, "case.opened", 4)
        await settle(tenant)
        async with shell.read(tenant) as uow:
            rows = (await uow.session.execute(sql("select recorded_at, envelope from core.event"))).all()
        events = [Event.read(tenant, row.recorded_at, row.envelope) for row in rows]
        for _ in range(3):
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                await commands.record(uow, [*events, *events])
        assert totals(await usage(client, shell, tenant)) == {"cases_opened": 4}

    async def test_loses_and_doubles_nothing_when_the_counting_crashes_half_way(
        self, client, shell: Shell, tenant: UUID, settle: Any
    ) -> None:
        """The rows of a batch and its delivery commit together: a crash before that leaves both to the next worker."""
        await say(shell, tenant, "case.opened", 5)

        class Crash(Exception):
            pass

        async with shell.read(tenant) as uow:
            rows = (await uow.session.execute(sql("select recorded_at, envelope from core.event"))).all()
        with pytest.raises(Crash):
            async with shell.unit_of_work(tenant, actor="system:test") as uow:
                await commands.record(uow, [Event.read(tenant, row.recorded_at, row.envelope) for row in rows])
                raise Crash
        assert totals(await usage(client, shell, tenant)) == {}
        await settle(tenant)
        assert totals(await usage(client, shell, tenant)) == {"cases_opened": 5}

    async def test_is_kept_apart_by_customer_and_day(self, client, shell: Shell, tenant: UUID, settle: Any) -> None:
        one, two = await make_customer(shell, tenant, "one"), await make_customer(shell, tenant, "two")
        await say(shell, tenant, "case.opened", 2, one)
        await say(shell, tenant, "case.opened", 1, two)
        await say(shell, tenant, "case.opened", 1)
        await settle(tenant)
        items = (await usage(client, shell, tenant, meter="cases_opened"))["items"]
        assert {item["customer_id"]: item["quantity"] for item in items} == {str(one): 2, str(two): 1, None: 1}
        assert {item["day"] for item in items} == {shell.clock.now().date().isoformat()}
        assert totals(await usage(client, shell, tenant, since="2026-01-01", until="2026-01-31")) == {}

    @pytest.mark.feature("M210")
    async def test_shows_a_customer_its_own_only(self, client, shell: Shell, tenant: UUID, settle: Any) -> None:
        mine, yours = await make_customer(shell, tenant, "mine"), await make_customer(shell, tenant, "yours")
        await say(shell, tenant, "case.opened", 2, mine)
        await say(shell, tenant, "case.opened", 3, yours)
        await settle(tenant)
        _, key = await make_key(shell, tenant, roles=["customer_admin"], scope="customer", customer_id=mine)
        headers = {"authorization": f"Bearer {key.text}"}
        assert totals(await usage(client, shell, tenant, headers)) == {"cases_opened": 2}
        assert (await usage(client, shell, tenant, headers, customer_id=str(yours)))["items"] == []

    async def test_refuses_a_span_that_is_too_long_or_backwards(self, client, shell: Shell, tenant: UUID) -> None:
        _, key = await make_key(shell, tenant, roles=["analyst"])
        headers = {"authorization": f"Bearer {key.text}"}
        for since, until in (("2026-01-01", "2026-12-31"), ("2026-02-01", "2026-01-01")):
            answer = await client.get("/v1/usage", params={"since": since, "until": until}, headers=headers)
            assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "since"
