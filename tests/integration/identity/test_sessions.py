"""Sessions: one sees one's own and ends them, an administrator ends somebody's, and a right that is taken is gone within five seconds."""

from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from tenants.auth import Cache
from tenants.commands.sign_in import say_started, start_session
from tenants.commands.users import grant_role, revoke_role, set_user_status
from tenants.devices import device_of
from tests.integration.identity.conftest import said
from tests.integration.portal.people import Page, Person
from tests.integration.tenants.conftest import admin, make_customer

pytestmark = pytest.mark.feature("M193", "M121")


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(shell: Shell) -> Time:
    """The five seconds for which a process trusts what it looked up, moved by hand."""
    time = Time()
    shell.extras["tenants.auth"] = Cache(timer=time)
    return time


async def another(shell: Shell, app: Any, of: Person, tenant: UUID, device: str = "Safari on iPhone") -> Person:
    """The same person, signed in once more."""
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        made = await start_session(uow, of.user_id, of.customer_id, of.host, strength="email", device=device)
        say_started(uow, made.session)
    return Person(app, of.host, made.token.text, of.user_id, of.customer_id)


class TestOnesOwnSessions:
    @pytest.mark.parametrize("role", ["operator", "customer_user"])
    async def test_are_listed_and_ended_one_by_one(self, shell, app, tenant, signed_in, role: str) -> None:
        ida = await signed_in(role)
        phone = await another(shell, app, ida, tenant)
        assert "Safari on iPhone" in Page((await ida.get("/settings/sessions")).text).text
        listed = (await ida.client.get("/v1/sessions")).json()["items"]
        assert [(s["device"], s["is_this"]) for s in listed] == [("Safari on iPhone", False), ("", True)]
        assert (await ida.post(f"/settings/sessions/{listed[0]['id']}/end")).status_code == 303
        assert (await phone.client.get("/v1/session")).status_code == 401
        assert (await ida.client.get("/v1/session")).status_code == 200

    async def test_end_everywhere_else_at_once(self, shell, app, tenant, signed_in) -> None:
        ida = await signed_in("operator")
        others = [await another(shell, app, ida, tenant) for _ in range(3)]
        assert (await ida.post("/settings/sessions/end")).status_code == 303
        assert [(await other.client.get("/v1/session")).status_code for other in others] == [401] * 3
        assert len(await said(shell, tenant, "session.ended")) == 3 and (await ida.client.get("/v1/session")).status_code == 200

    async def test_tell_when_they_were_last_used(self, signed_in) -> None:
        ida = await signed_in("operator")
        await ida.client.get("/v1/session")
        assert (await ida.client.get("/v1/sessions")).json()["items"][0]["used_at"] is not None

    async def test_of_others_can_not_be_ended(self, signed_in) -> None:
        ida, kim = await signed_in("operator"), await signed_in("customer_user")
        session_id = (await kim.client.get("/v1/sessions")).json()["items"][0]["id"]
        for path in (f"/v1/sessions/{session_id}/end", f"/settings/sessions/{session_id}/end"):
            answer = await ida.client.post(path, data={"csrf": ida.csrf, "once": "x" * 20}, headers={"x-csrf-token": ida.csrf})
            assert answer.status_code == 404
        assert (await kim.client.get("/v1/session")).status_code == 200


class TestAnAdministrator:
    async def test_ends_somebodys_sessions(self, shell, app, tenant, signed_in) -> None:
        boss, ida = await signed_in("partner_admin"), await signed_in("operator")
        listed = await boss.client.get(f"/v1/users/{ida.user_id}/sessions")
        assert len(listed.json()["items"]) == 1
        ended = await boss.client.post(f"/v1/users/{ida.user_id}/sessions/end", headers={"x-csrf-token": boss.csrf})
        assert ended.status_code == 204 and (await ida.client.get("/v1/session")).status_code == 401

    async def test_of_a_customer_does_not_reach_the_partners_people_nor_another_customers(
        self, shell, app, tenant, host, signed_in
    ) -> None:
        from tests.integration.portal.people import sign_in

        ida, kim = await signed_in("operator"), await signed_in("customer_admin")
        other = await sign_in(shell, app, tenant, host, "customer_user", customer=await make_customer(shell, tenant, "boreal"))
        for user_id in (ida.user_id, other.user_id):
            answer = await kim.client.post(f"/v1/users/{user_id}/sessions/end", headers={"x-csrf-token": kim.csrf})
            assert answer.status_code == 404


class TestARightThatIsTaken:
    async def test_is_gone_within_five_seconds_when_the_user_is_suspended(self, shell: Shell, tenant: UUID, signed_in, time: Time) -> None:
        ida = await signed_in("operator")
        assert (await ida.client.get("/v1/cases")).status_code == 200
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await set_user_status(uow, ida.user_id, "suspended", maker=admin(tenant))
        time.now += 5.0
        assert (await ida.client.get("/v1/cases")).status_code == 401

    async def test_is_gone_within_five_seconds_when_the_role_is_taken(self, shell: Shell, tenant: UUID, signed_in, time: Time) -> None:
        ida = await signed_in("operator")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await grant_role(uow, ida.user_id, "analyst", maker=admin(tenant))
            await uow.session.flush()
            await revoke_role(uow, ida.user_id, "operator", maker=admin(tenant))
        assert (await ida.client.get("/v1/session")).status_code == 200
        time.now += 5.0
        held = (await ida.client.get("/v1/session")).json()["permissions"]
        assert "cases.work" not in held and "usage.read" in held


class TestADevice:
    @pytest.mark.parametrize(
        ("agent", "device"),
        [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 CriOS/140 Safari/604.1", "Chrome on iPhone"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15", "Safari on Mac"),
            ("curl/8.11", ""),
            ("<script>alert(1)</script>", ""),
        ],
    )
    def test_is_told_roughly_and_nothing_else_of_the_header_is_kept(self, agent: str, device: str) -> None:
        assert device_of(agent) == device
