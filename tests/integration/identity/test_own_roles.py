"""A partner's own roles, and roles for single customers: never beyond the maker, and never beyond the customer they are for."""

from typing import Any
from uuid import UUID

import pytest

from app.core.services import Shell
from tenants.commands.roles import RoleInUse, create_role, delete_role
from tenants.commands.users import create_user, grant_role, revoke_role
from tenants.permissions import CONFINED_PERMISSIONS
from tenants.principal import Principal
from tenants.roles import BUILT_IN, RoleExceedsMaker, RoleOutOfScope
from tenants.schemas import NewRole, NewUser
from tests.integration.cases.world import World
from tests.integration.portal.people import Page, Person, sign_in
from tests.integration.tenants.conftest import admin, make_customer

pytestmark = pytest.mark.feature("M121")


@pytest.fixture
async def boreal(shell: Shell, tenant: UUID) -> UUID:
    return await make_customer(shell, tenant, "boreal")


@pytest.fixture
async def confined(shell: Shell, app: Any, tenant: UUID, host: str, customer: UUID, boreal: UUID) -> Person:
    """An operator for two customers, who has a third beside them."""
    person = await sign_in(shell, app, tenant, host, "operator")
    async with shell.unit_of_work(tenant, actor="system:test") as uow:
        for only in (customer, boreal):
            await grant_role(uow, person.user_id, "operator", maker=admin(tenant), customer_id=only)
        await uow.session.flush()
        await revoke_role(uow, person.user_id, "operator", maker=admin(tenant))
    return person


class TestAnOwnRole:
    async def test_lets_somebody_do_what_it_combines_and_nothing_else(self, shell: Shell, app, tenant: UUID, host) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await create_role(
                uow, NewRole(name="night_shift", scope="partner", permissions=["cases.read", "notices.read"]), maker=admin(tenant)
            )
        ida = await sign_in(shell, app, tenant, host, "night_shift")
        assert (await ida.client.get("/v1/cases")).status_code == 200
        assert (await ida.client.get("/v1/policies")).status_code == 403
        assert (await ida.client.get("/v1/session")).json()["permissions"] == ["cases.read", "notices.read"]

    async def test_never_exceeds_whoever_makes_or_gives_it(self, shell: Shell, tenant: UUID, customer: UUID) -> None:
        operator = Principal(tenant, "user:ida", "partner", BUILT_IN["operator"].permissions | {"users.write"})
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            with pytest.raises(RoleExceedsMaker, match=r"policies\.write"):
                await create_role(uow, NewRole(name="boss", scope="partner", permissions=["cases.read", "policies.write"]), maker=operator)
            await create_role(uow, NewRole(name="writer", scope="partner", permissions=["policies.write"]), maker=admin(tenant))
            with pytest.raises(RoleExceedsMaker):
                await create_user(uow, NewUser(email="a@b.example", role="writer"), maker=operator)
            with pytest.raises(RoleOutOfScope):
                await create_user(uow, NewUser(email="a@b.example", role="writer", customer_id=customer), maker=admin(tenant))

    async def test_that_somebody_holds_is_not_deleted_until_it_is_taken_from_them(self, shell: Shell, app, tenant: UUID, host) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            await create_role(uow, NewRole(name="night_shift", scope="partner", permissions=["cases.read"]), maker=admin(tenant))
        ida = await sign_in(shell, app, tenant, host, "night_shift")
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            with pytest.raises(RoleInUse, match="take it from them first"):
                await delete_role(uow, "night_shift")
            await revoke_role(uow, ida.user_id, "night_shift", maker=admin(tenant))
            await uow.session.flush()
            await delete_role(uow, "night_shift")
        assert (await ida.client.get("/v1/cases")).status_code == 403


class TestARoleForSingleCustomers:
    async def test_shows_one_of_them_at_a_time_and_never_another(self, shell, tenant, customer, boreal, confined: Person) -> None:
        third = await make_customer(shell, tenant, "crate")
        cases = {owner: await make_case(shell, tenant, owner) for owner in (customer, boreal, third)}
        assert [c["id"] for c in (await confined.client.get("/v1/cases")).json()["items"]] == [str(cases[customer])]
        chosen = await confined.client.post("/v1/session/focus", json={"customer_id": str(boreal)}, headers={"x-csrf-token": confined.csrf})
        assert chosen.status_code == 204
        assert [c["id"] for c in (await confined.client.get("/v1/cases")).json()["items"]] == [str(cases[boreal])]
        assert [c["id"] for c in (await confined.client.get("/v1/customers")).json()["items"]] == [str(boreal)]
        for foreign in (customer, third):
            assert (await confined.client.get(f"/v1/cases/{cases[foreign]}")).status_code == 404
        refused = await confined.client.post("/v1/session/focus", json={"customer_id": str(third)}, headers={"x-csrf-token": confined.csrf})
        assert refused.status_code == 404

    async def test_lets_one_work_on_its_cases(self, shell, tenant, customer, boreal, confined: Person) -> None:
        mine, other = await make_case(shell, tenant, customer), await make_case(shell, tenant, boreal)
        head = {"x-csrf-token": confined.csrf}
        assert (await confined.client.post(f"/v1/cases/{mine}/acknowledge", json={}, headers=head)).status_code in (200, 201)
        said_it = await confined.client.post(
            f"/v1/cases/{mine}/comment", json={"text": "Called the warehouse.", "visible": True}, headers=head
        )
        assert said_it.status_code in (200, 201), said_it.text
        assert (await confined.client.post(f"/v1/cases/{other}/acknowledge", json={}, headers=head)).status_code == 404

    async def test_opens_the_control_tower_on_that_one_customer(self, shell, tenant, customer, confined: Person) -> None:
        case = await make_case(shell, tenant, customer)
        for path in ("/ops", f"/ops/cases/{case}", "/ops/approvals", "/ops/runs", "/ops/kpis", "/ops/inbox", "/ops/search?q=ORD-1"):
            assert (await confined.get(path)).status_code == 200, path

    async def test_gives_nothing_that_is_shared_between_customers(self, confined: Person) -> None:
        held = set((await confined.client.get("/v1/session")).json()["permissions"])
        assert held <= CONFINED_PERMISSIONS and "cases.work" in held
        for path in ("/v1/policies", "/v1/workflows", "/v1/mappings", "/v1/audit/verify"):
            assert (await confined.client.get(path)).status_code in (403, 404, 405)

    async def test_keeps_its_holder_among_the_partners_people(self, confined: Person) -> None:
        mine = (await confined.client.get("/v1/session")).json()
        assert mine["scope"] == "partner"
        assert (await confined.get("/shipments")).status_code == 404
        page = await confined.get("/settings/sessions")
        assert page.status_code == 200 and "Whom you work for" in page.text and "Boreal" in Page(page.text).text

    async def test_is_all_there_is_when_the_whole_tenant_is_asked_for(self, confined: Person) -> None:
        answer = await confined.client.post("/v1/session/focus", json={"customer_id": None}, headers={"x-csrf-token": confined.csrf})
        assert answer.status_code == 409

    async def test_ends_with_the_role(self, shell, tenant, customer, boreal, confined: Person) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            for only in (customer, boreal):
                await revoke_role(uow, confined.user_id, "operator", maker=admin(tenant), customer_id=only)
        assert (await confined.client.get("/v1/cases")).status_code == 403

    async def test_can_be_the_first_one_of_somebody_who_is_invited(self, shell, tenant, customer, boreal) -> None:
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            new = NewUser(email="temp@northwind.example", role="operator", only_customers=[customer, boreal])
            user = await create_user(uow, new, maker=admin(tenant))
        async with shell.read(tenant) as uow:
            from tenants.queries import user as view

            assert {m.customer_id for m in (await view(uow, user.id)).memberships} == {customer, boreal}


async def make_case(shell: Shell, tenant: UUID, customer: UUID) -> UUID:
    """A case of this customer."""
    return (await World(shell, tenant, customer).opened()).id
