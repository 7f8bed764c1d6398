"""Mappings without deployment: drafted with errors by line, tried on stored messages, compared over past ones, published by version."""

import pytest

from tests.integration.ingest.desk import CUTOFF, Desk, missed

pytestmark = pytest.mark.feature("M2")


class TestMapping:
    async def test_is_drafted_tried_on_a_stored_signal_and_published_as_a_version(self, desk: Desk) -> None:
        first = (await desk.receipt(await desk.hook(missed())))["id"]
        better = CUTOFF.replace("data: {}", 'data: {currency: "EUR"}')
        tried = await desk.post("/v1/mappings/try", json={"content": better, "signal_id": first})
        assert tried.status_code == 200, tried.text
        assert tried.json()[0]["events"][0]["data"] == {"currency": "EUR"}
        drafted = (await desk.post("/v1/mappings", json={"name": "cutoff", "content": better})).json()
        assert (drafted["version"], drafted["status"]) == (2, "draft")
        before = await desk.receipt(await desk.hook(missed("ORD-2"), "m2"))
        published = await desk.post(f"/v1/mappings/{drafted['id']}/publish")
        assert published.json()["status"] == "published"
        after = await desk.receipt(await desk.hook(missed("ORD-3"), "m3"))
        assert (before["mapping_version"], after["mapping_version"]) == (1, 2)
        listed = (await desk.get("/v1/mappings?name=cutoff")).json()["items"]
        assert [(m["version"], m["status"]) for m in listed] == [(2, "published"), (1, "retired")]

    async def test_is_compared_over_past_signals_before_it_is_published(self, desk: Desk) -> None:
        for number in range(3):
            await desk.hook(missed(f"ORD-{number}"), f"m{number}")
        await desk.settle()
        other = f'if .order == "ORD-1" then [] else {CUTOFF} end'
        diffed = (await desk.post("/v1/mappings/diff", json={"name": "cutoff", "content": other})).json()
        assert diffed["compared"] == 3
        (different,) = diffed["different"]
        assert different["after"]["events"] == []
        assert different["before"]["events"][0]["refs"] == {"order": "ORD-1"}

    async def test_is_tried_on_a_typed_payload_with_its_faults_named(self, desk: Desk) -> None:
        answer = await desk.post("/v1/mappings/try", json={"content": '[{type: "order.unheard_of"}]', "payload": {}})
        (tried,) = answer.json()
        assert "/0/type" in tried["problem"]

    async def test_that_does_not_compile_is_refused_with_its_place(self, desk: Desk) -> None:
        answer = await desk.post("/v1/mappings", json={"name": "broken", "content": "[.a |\n | .b]"})
        assert answer.status_code == 400
        assert answer.json()["line"] >= 1

    async def test_sees_only_the_variables_that_are_documented(self, desk: Desk) -> None:
        good = await desk.post("/v1/mappings", json={"name": "mine", "content": "[$source, $received_at, $headers] | []"})
        bad = await desk.post("/v1/mappings", json={"name": "mine", "content": "[$secret]"})
        assert (good.status_code, bad.status_code) == (201, 400)

    async def test_published_once_is_not_published_again(self, desk: Desk) -> None:
        (published,) = (await desk.get("/v1/mappings?name=cutoff")).json()["items"]
        assert (await desk.post(f"/v1/mappings/{published['id']}/publish")).status_code == 409

    async def test_of_a_foreign_signal_or_customer_is_not_found(self, desk: Desk) -> None:
        ghost = "01900000-0000-7000-8000-000000000000"
        tried = await desk.post("/v1/mappings/try", json={"content": CUTOFF, "signal_id": ghost})
        drafted = await desk.post("/v1/mappings", json={"name": "theirs", "content": CUTOFF, "customer_id": ghost})
        assert (tried.status_code, drafted.status_code) == (404, 404)


class TestOwnMapping:
    async def test_of_a_customer_is_used_for_its_own_source_before_the_partners(self, desk: Desk) -> None:
        acme = str(desk.customers["acme"])
        source = {"name": "acme-wms", "kind": "webhook", "mapping": "cutoff", "customer_id": acme, "verify": {"scheme": "key"}}
        assert (await desk.post("/v1/sources", json=source)).status_code == 201
        own = CUTOFF.replace(".order", '"OWN"')
        drafted = (await desk.post("/v1/mappings", json={"name": "cutoff", "content": own, "customer_id": acme})).json()
        await desk.post(f"/v1/mappings/{drafted['id']}/publish")
        desk.keys["acme-wms"] = await desk.key("source", "source_key", source="acme-wms")
        theirs = await desk.receipt(await desk.post("/v1/in/acme-wms", key="acme-wms", content=missed(account="anything")))
        shared = await desk.receipt(await desk.hook(missed("ORD-9")))
        assert (theirs["status"], theirs["customer_id"]) == ("mapped", acme)
        orders = [e.data["refs"]["order"] for e in await desk.events("order.cutoff_missed")]
        assert sorted(orders) == ["ORD-9", "OWN"]
        assert shared["status"] == "mapped"
