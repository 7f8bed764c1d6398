"""Policies over HTTP and in the manifest: saved with remarks, published one at a time, simulated, retired."""

from uuid import uuid4

import pytest

from app.policies import manifest
from app.policies.manifest import PolicySectionInvalid
from app.policies.queries import gate_rules
from tests.integration.policies.conftest import put_in_force
from tests.integration.tenants.conftest import make_key
from tests.unit.policies.examples import CUTOFF, NOT_PICKED_UP, library


@pytest.fixture
async def asks(shell, tenant, client):
    async def using(*roles: str, tenant_id=tenant, customer=None):
        scope = {"scope": "customer", "customer_id": customer} if customer else {}
        _, key = await make_key(shell, tenant_id, roles=list(roles), **scope)
        headers = {"authorization": f"Bearer {key.text}"}

        async def ask(method: str, path: str, **more):
            return await client.request(method, path, headers=headers, **more)

        return ask

    return using


class TestVersions:
    @pytest.mark.feature("M182")
    async def test_are_drafts_until_published_and_one_is_in_force(self, asks):
        ask = await asks("partner_admin")
        first = (await ask("POST", "/v1/policies", json={"content": library("cutoff-missed")})).json()
        assert (first["name"], first["version"], first["status"]) == ("cutoff-missed", 1, "draft")
        again = (await ask("POST", "/v1/policies", json={"content": library("cutoff-missed")})).json()
        assert again["id"] == first["id"], "the same text is the same version"
        second = (await ask("POST", "/v1/policies", json={"content": library("cutoff-missed") + "# changed\n"})).json()
        path = f"/v1/policies/{first['id']}/versions"
        assert (await ask("POST", f"{path}/1/publish")).json()["status"] == "published"
        assert (await ask("POST", f"{path}/2/publish")).json()["status"] == "published"
        listed = {row["version"]: row for row in (await ask("GET", path)).json()["items"]}
        assert {n: row["status"] for n, row in listed.items()} == {1: "retired", 2: "published"}
        assert listed[1]["content"] is None and (await ask("GET", f"{path}/1")).json()["content"] == library("cutoff-missed")
        assert (await ask("POST", f"{path}/1/publish")).status_code == 409
        assert (await ask("POST", f"{path}/2/retire")).json()["status"] == "retired"
        assert (await ask("POST", f"{path}/2/retire")).status_code == 409
        assert (await ask("GET", f"/v1/policies/{second['id']}")).json()["version"] == 2
        assert len((await ask("GET", "/v1/policies", params={"status": "retired"})).json()["items"]) == 2

    @pytest.mark.feature("M182")
    async def test_remarks_come_with_pointer_line_and_column(self, asks):
        ask = await asks("partner_admin")
        wrong = library("cutoff-missed").replace("when: order.regulated, points", "when: order.regulatd, points")
        answer = await ask("POST", "/v1/policies", json={"content": wrong})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/prioritise/rules/0/when"
        line = next(n for n, text in enumerate(wrong.splitlines(), 1) if "regulatd" in text)
        column = wrong.splitlines()[line - 1].index("order.regulatd") + 1
        assert error["detail"].startswith(f"line {line}, column {column + 5}: undeclared reference to 'order.regulatd'")

    @pytest.mark.parametrize(
        "body", [{}, {"content": ""}, {"content": "[" * 100}, {"content": "a: 1", "more": 1}, {"content": 5}, {"content": "name: x"}]
    )
    async def test_bad_input_is_refused(self, asks, body):
        answer = await (await asks("partner_admin"))("POST", "/v1/policies", json=body)
        assert answer.status_code == 400

    async def test_each_step_has_its_permission(self, asks):
        admin, reader = await asks("partner_admin"), await asks("operator")
        made = (await admin("POST", "/v1/policies", json={"content": library("carrier-status")})).json()
        path = f"/v1/policies/{made['id']}/versions/1"
        assert (await reader("GET", path)).status_code == 200
        assert (await reader("POST", "/v1/policies", json={"content": library("carrier-status")})).status_code == 403
        assert (await reader("POST", f"{path}/publish")).status_code == 403

    @pytest.mark.feature("M178", "M210")
    async def test_what_is_anothers_is_missing(self, asks, other_tenant, customer, other_customer):
        ask = await asks("partner_admin")
        own = (await ask("POST", "/v1/policies", json={"content": library("cutoff-missed"), "customer": str(customer)})).json()
        assert own["customer"] == str(customer)
        stranger, neighbour = await asks("partner_admin", tenant_id=other_tenant), await asks("customer_admin", customer=other_customer)
        assert (await stranger("GET", f"/v1/policies/{own['id']}")).status_code == 404
        assert (await neighbour("GET", f"/v1/policies/{own['id']}")).status_code in (403, 404)
        assert (await stranger("GET", "/v1/policies")).json()["items"] == []
        assert (await ask("POST", "/v1/policies", json={"content": library("cutoff-missed"), "customer": str(uuid4())})).status_code == 404

    async def test_facts_are_listed_with_type_and_meaning(self, asks):
        facts = {one["name"]: one for one in (await (await asks("partner_admin"))("GET", "/v1/policy-facts")).json()["items"]}
        assert facts["order.value_minor"]["type"] == "int" and facts["event.data.status_code"]["type"] == "string"


class TestDecisions:
    @pytest.mark.feature("M205")
    async def test_are_shown_with_their_inputs_and_factors(self, asks, decide, policies, other_tenant, customer, other_customer):
        (decision,) = await decide(CUTOFF)
        path = f"/v1/decisions/{decision.id}"
        shown = (await (await asks("operator"))("GET", path)).json()
        assert shown["priority"]["provisional"] and shown["missing"]
        assert sum(factor["points"] for factor in shown["priority"]["factors"]) == shown["priority"]["score"]
        assert {one["name"] for one in shown["inputs"]} >= {"order.number", "order.value_minor"}
        assert (await (await asks("customer_user", customer=customer))("GET", path)).status_code == 200
        assert (await (await asks("customer_user", customer=other_customer))("GET", path)).status_code == 404
        assert (await (await asks("operator", tenant_id=other_tenant))("GET", path)).status_code == 404


class TestSimulation:
    @pytest.mark.feature("M182", "M205")
    async def test_says_what_a_draft_would_have_decided_and_changes_nothing(self, asks, decide, policies):
        await decide(CUTOFF)
        await decide(NOT_PICKED_UP)
        ask = await asks("partner_admin")
        version = (await ask("GET", f"/v1/policies/{policies[0]}")).json()
        same = await ask("POST", f"/v1/policies/{version['id']}/versions/1/simulate", json={})
        assert same.status_code == 200, same.text
        assert (same.json()["events"], same.json()["opened"], same.json()["differ"]) == (2, 2, 0)
        text = library("cutoff-missed").replace(
            "on: order.cutoff_missed\n", "on: order.cutoff_missed\n    when: order.value_minor > 9900000\n"
        )
        draft = (await ask("POST", "/v1/policies", json={"content": text})).json()
        other = (await ask("POST", f"/v1/policies/{draft['id']}/versions/2/simulate", json={"days": 1})).json()
        assert (other["opened"], other["differ"]) == (1, 1)
        assert (other["differences"][0]["was"], other["differences"][0]["would_be"]) == ("cutoff.missed", None)
        assert (await ask("GET", f"/v1/policies/{draft['id']}")).json()["status"] == "draft"


class TestManifest:
    async def apply(self, shell, tenant, wanted, *, prune=False, customer_id=None):
        async with shell.unit_of_work(tenant, actor="system:test") as uow:
            return [(c.name, c.action) for c in await manifest.reconcile(uow, shell, wanted, customer_id=customer_id, prune=prune)]

    @pytest.mark.feature("M182", "M188")
    async def test_publishes_what_differs_and_prunes_what_is_gone(self, shell, tenant):
        cutoff = {"name": "cutoff-missed", "content": library("cutoff-missed"), "rollout": {"mode": "live"}}
        carrier = {"content": library("carrier-status")}
        assert await self.apply(shell, tenant, [cutoff, carrier]) == [("cutoff-missed", "create"), ("carrier-status", "create")]
        assert await self.apply(shell, tenant, [cutoff, carrier]) == [("cutoff-missed", "unchanged"), ("carrier-status", "unchanged")]
        dearer = {"content": library("cutoff-missed").replace("above_minor: 50000", "above_minor: 90000")}
        assert await self.apply(shell, tenant, [dearer], prune=True) == [("cutoff-missed", "update"), ("carrier-status", "delete")]
        async with shell.read(tenant) as uow:
            rules = await gate_rules(uow, None)
        assert [rule.above_minor for _, rule in rules.limits("carrier.amend")] == [90000]

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [
            ({"content": "name: x"}, "/0/content"),
            ({"content": library("carrier-status"), "name": "other"}, "/0/name"),
            ({"content": library("carrier-status"), "rollout": {"mode": "shadow"}}, "/0"),
            ({"name": "x"}, "/0"),
            ({"content": library("carrier-status").replace("!event.stale", "!event.stal")}, "/0/content/open/0/when"),
        ],
    )
    async def test_names_what_is_wrong_from_the_section_on(self, shell, tenant, item, pointer):
        with pytest.raises(PolicySectionInvalid) as refused:
            await self.apply(shell, tenant, [item])
        assert refused.value.errors[0].pointer == pointer

    @pytest.mark.feature("M210")
    async def test_a_customers_own_stand_apart(self, shell, tenant, customer):
        await put_in_force(shell, tenant, library("cutoff-missed"))
        own = {"content": library("cutoff-missed").replace("above_minor: 50000", "above_minor: 10000")}
        assert await self.apply(shell, tenant, [own], customer_id=customer) == [("cutoff-missed", "create")]
        async with shell.read(tenant) as uow:
            limits = [(await gate_rules(uow, whose)).limits("carrier.amend") for whose in (customer, None)]
        assert [[rule.above_minor for _, rule in found] for found in limits] == [[10000], [50000]]
