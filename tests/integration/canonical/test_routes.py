"""The model over HTTP: lists, single things, documents in and out, promises; foreign is missing."""

from uuid import uuid4

import pytest

from tests.integration.canonical.test_documents import form
from tests.integration.canonical.test_record import order, scan
from tests.integration.tenants.conftest import make_key

PLACES = ["shipments", "orders", "inventory", "documents", "parties", "locations", "promises"]


@pytest.fixture
async def asks(shell, tenant, client):
    """Ask as somebody with these roles, of the partner or of one customer."""

    async def using(*roles: str, tenant_id=tenant, customer=None):
        scope = {"scope": "customer", "customer_id": customer} if customer else {}
        _, key = await make_key(shell, tenant_id, roles=list(roles), **scope)
        headers = {"authorization": f"Bearer {key.text}"}

        async def ask(method: str, path: str, **more):
            return await client.request(method, path, headers=headers | more.pop("headers", {}), **more)

        return ask

    return using


@pytest.fixture
async def world(tell):
    """One order with its shipment, stock and a promise."""
    stock = {
        "type": "inventory.recorded",
        "occurred_at": "2026-11-02T12:00:00Z",
        "refs": {"sku": "INS-10"},
        "data": {"site": "BER", "on_hand": 3},
    }
    stops = [{"kind": "pickup", "location": {"city": "Berlin"}}, {"kind": "delivery", "location": {"city": "Prague"}}]
    shipment = {
        "type": "shipment.recorded", "occurred_at": "2026-11-02T11:00:00Z", "refs": {"shipment": "SHP-220", "tracking": "1Z9", "order": "ORD-7731"},
        "data": {"stops": stops, "parties": [{"role": "consignee", "name": "Clinic", "location": {"city": "Prague", "country": "CZ"}}]},
    }  # fmt: skip
    told = await tell(
        order(value_minor=5, regulated=True, ship_by="2030-01-01T10:00:00Z", lines=[{"sku": "INS-10", "quantity": 4}]),
        shipment,
        scan(1, "AF"),
        stock,
    )
    return told[0].order_id, told[1].shipment_id


class TestReading:
    @pytest.mark.feature("M58", "M178")
    async def test_everything_is_listed_and_shown(self, asks, world):
        order_id, shipment_id = world
        ask = await asks("operator")
        for place in PLACES:
            answer = await ask("GET", f"/v1/{place}")
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["items"]) == (0 if place == "documents" else 1), place
        shown = (await ask("GET", f"/v1/shipments/{shipment_id}")).json()
        assert shown["number"] == "SHP-220" and shown["status"] == "departed" and shown["order"] == str(order_id)
        assert [leg["destination"]["city"] for leg in shown["legs"]] == ["Prague"]
        assert {ref["value"] for ref in shown["references"]} == {"SHP-220", "1Z9"}
        assert [(report["milestone"], report["status_code"]) for report in shown["milestones"]] == [("departed", "AF")]
        assert [party["name"] for party in shown["parties"]] == ["Clinic"]
        shown = (await ask("GET", f"/v1/orders/{order_id}")).json()
        assert shown["lines"][0]["sku"] == "INS-10" and shown["shipments"] == [str(shipment_id)] and shown["said_at"]["value_minor"]

    @pytest.mark.feature("M58")
    async def test_references_are_found_whole_in_either_case(self, asks, world):
        ask = await asks("operator")
        for path, expected in [
            ("/v1/shipments?reference=shp-220", 1), ("/v1/shipments?reference=1z9", 1), ("/v1/shipments?reference=SHP-22", 0),
            ("/v1/shipments?status=departed", 1), ("/v1/shipments?status=delivered", 0), (f"/v1/shipments?order={world[0]}", 1),
            ("/v1/orders?reference=ord-7731", 1), ("/v1/inventory?sku=ins-10&site=BER", 1), ("/v1/inventory?site=HAM", 0),
            ("/v1/promises?status=kept", 1), ("/v1/locations?country=CZ", 1), ("/v1/parties?role=shipper", 0),
        ]:  # fmt: skip
            assert len((await ask("GET", path)).json()["items"]) == expected, path

    @pytest.mark.feature("M178", "M210")
    async def test_what_is_anothers_is_missing_for_tenants_and_customers(self, asks, world, other_tenant, customer, other_customer):
        order_id, shipment_id = world
        foreign = [await asks("operator", tenant_id=other_tenant), await asks("customer_user", customer=other_customer)]
        for ask in foreign:
            for path in (f"/v1/orders/{order_id}", f"/v1/shipments/{shipment_id}"):
                answer, missing = await ask("GET", path), await ask("GET", f"{path.rpartition('/')[0]}/{uuid4()}")
                assert answer.status_code == 404
                assert {**answer.json(), "instance": "", "trace": ""} == {**missing.json(), "instance": "", "trace": ""}
            assert (await ask("GET", "/v1/orders")).json()["items"] == []
        own = await asks("customer_user", customer=customer)
        assert (await own("GET", f"/v1/orders/{order_id}")).status_code == 200

    @pytest.mark.parametrize(
        "query",
        [
            "reference=%00", "reference=", "reference=" + "x" * 101, "limit=0", "limit=201", "limit=x", "cursor=nonsense", "order=1", "customer=x",
            "status=%00", "unknown=1", "status=a&status=b",
        ],
    )  # fmt: skip
    async def test_a_list_refuses_what_it_cannot_use(self, asks, query):
        answer = await (await asks("operator"))("GET", f"/v1/shipments?{query}")
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_pages_follow_each_other_without_gaps(self, asks, tell):
        await tell(*[order(number=f"O-{n}") for n in range(5)])
        ask = await asks("operator")
        seen, cursor = [], None
        while True:
            page = (await ask("GET", "/v1/orders", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [row["number"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == [f"O-{n}" for n in (4, 3, 2, 1, 0)]

    @pytest.mark.feature("M22", "M58")
    async def test_the_taxonomy_and_the_schemas_are_published(self, asks):
        ask = await asks("operator")
        types = (await ask("GET", "/v1/exception-types")).json()["items"]
        assert len(types) >= 20
        shown = (await ask("GET", "/v1/exception-types/cutoff.missed")).json()
        assert shown["reasons"][0] == {"code": "past_cutoff", "title": "The cutoff time had passed", "responsible": "warehouse"}
        assert (await ask("GET", "/v1/exception-types/nothing.known")).status_code == 404
        assert (await ask("GET", "/v1/schemas/shipment")).json()["$schema"].endswith("2020-12/schema")
        assert {schema["title"] for schema in (await ask("GET", "/v1/schemas")).json()["items"]} >= {"event", "order", "exception"}
        assert (await ask("GET", "/v1/schemas/unknown")).status_code == 404


class TestDocuments:
    @pytest.mark.feature("M31", "M93")
    async def test_required_refused_verified_and_handed_out_as_a_download(self, asks, world, customer):
        order_id, _ = world
        ask = await asks("customer_admin", customer=customer)
        made = await ask("POST", "/v1/documents", json={"kind": "compliance_certificate", "order": str(order_id)})
        assert made.status_code == 201, made.text
        path = f"/v1/documents/{made.json()['id']}"
        assert (await ask("GET", f"{path}/content")).status_code == 404
        wrong = await ask(
            "PUT", f"{path}/content?name=c.json", content=form(order_number="ORD-1"), headers={"content-type": "application/json"}
        )
        assert (wrong.status_code, wrong.json()["status"]) == (200, "refused"), wrong.text
        assert wrong.json()["findings"][0]["pointer"] == "/order_number"
        right = await ask("PUT", f"{path}/content", content=form(), headers={"content-type": "application/pdf"})
        assert (right.status_code, right.json()["status"], right.json()["number"]) == (200, "verified", "CC-2026-118")
        kept = await ask("GET", f"{path}/content")
        assert kept.content == form()
        assert kept.headers["content-disposition"].startswith("attachment") and kept.headers["content-type"] == "application/octet-stream"
        assert (await ask("PUT", f"{path}/content", content=form())).status_code == 409

    async def test_bad_input_gets_its_own_answer(self, asks, world, customer):
        order_id, _ = world
        ask = await asks("customer_admin", customer=customer)
        for body, status, pointer in [
            ({"kind": "poem", "order": str(order_id)}, 400, "/kind"),
            ({"kind": "compliance_certificate"}, 400, "/order"),
            ({"kind": "compliance_certificate", "order": str(uuid4())}, 404, None),
            ({"kind": "compliance_certificate", "order": "x"}, 400, None),
            ({"kind": "compliance_certificate", "order": str(order_id), "extra": 1}, 400, None),
        ]:
            answer = await ask("POST", "/v1/documents", json=body)
            assert answer.status_code == status, answer.text
            assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer
        made = (await ask("POST", "/v1/documents", json={"kind": "compliance_certificate", "order": str(order_id)})).json()
        picture = await ask("PUT", f"/v1/documents/{made['id']}/content", content=b"\x89PNG\xff", headers={"content-type": "image/png"})
        assert picture.status_code == 415
        assert (await ask("POST", f"/v1/documents/{made['id']}/verify")).status_code == 409

    async def test_needs_the_permission(self, asks, world):
        ask = await asks("analyst")
        assert (await ask("POST", "/v1/documents", json={"kind": "compliance_certificate", "order": str(world[0])})).status_code == 403


class TestPromises:
    @pytest.mark.feature("M19")
    async def test_are_made_moved_and_shown(self, asks, world):
        ask = await asks("operator")
        wanted = {
            "name": "linehaul",
            "milestone": "departed",
            "due_at": "2030-01-01T10:00:00Z",
            "grace_minutes": 30,
            "shipment": str(world[1]),
        }
        made = await ask("POST", "/v1/promises", json=wanted)
        assert made.status_code == 201, made.text
        moved = await ask("POST", "/v1/promises", json={**wanted, "due_at": "2030-01-02T10:00:00Z"})
        assert moved.json()["id"] == made.json()["id"]
        shown = (await ask("GET", f"/v1/promises/{made.json()['id']}")).json()
        assert (shown["due_at"], shown["status"]) == ("2030-01-02T10:00:00Z", "open")

    @pytest.mark.parametrize(
        "changes", [{"milestone": "teleported"}, {"due_at": "2030-01-01T10:00:00"}, {"order": str(uuid4())}, {"grace_minutes": -1}]
    )
    async def test_refuse(self, asks, world, changes):
        ask = await asks("operator")
        wanted = {"name": "linehaul", "milestone": "departed", "due_at": "2030-01-01T10:00:00Z", "shipment": str(world[1])}
        assert (await ask("POST", "/v1/promises", json={**wanted, **changes})).status_code in (400, 404)
