"""CloudEvents over HTTP: three modes, the same event twice, and each wrong thing named."""

import gzip
from typing import Any

import orjson
import pytest

from app.canonical.models import Order
from app.ingest.models import Signal
from tests.integration.ingest.desk import Desk

pytestmark = pytest.mark.feature("M7")


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    data = {"account": "ACME-01", "refs": {"order": f"ORD-{number}"}, "data": {"value_minor": 4_520_000, "currency": "EUR"}}
    base = {"specversion": "1.0", "id": f"e-{number}", "source": "/shop", "type": "acme.order.recorded.v1", "time": "2026-11-23T10:00:00Z"}
    return {**base, "data": data, **more}


class TestOneEvent:
    @pytest.mark.feature("M1", "M15")
    async def test_becomes_one_stored_canonical_event_with_a_receipt(self, desk: Desk) -> None:
        answer = await desk.event(event())
        assert answer.status_code == 202
        assert answer.json() == {"id": answer.json()["id"], "status_url": f"/v1/signals/{answer.json()['id']}"}
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["items"], receipt["events"], receipt["customer_id"]) == (
            "mapped",
            1,
            1,
            str(desk.customers["acme"]),
        )
        assert await desk.count(Order) == 1

    async def test_sent_twice_keeps_its_id_and_has_one_effect(self, desk: Desk) -> None:
        first, second = await desk.event(event()), await desk.event(event())
        assert second.status_code == 200
        assert second.json() == {**first.json(), "duplicate": True}
        await desk.settle()
        assert await desk.count(Signal) == 1
        assert len(await desk.events("order.recorded")) == 1

    async def test_in_binary_mode_is_the_same_event(self, desk: Desk) -> None:
        one = event()
        data = orjson.dumps(one.pop("data"))
        headers = {f"ce-{name}": value for name, value in one.items()} | {"content-type": "application/json"}
        answer = await desk.post("/v1/events", key="events", content=data, headers=headers)
        assert answer.status_code == 202
        assert (await desk.receipt(answer))["events"] == 1

    async def test_under_a_used_id_with_other_content_is_a_conflict(self, desk: Desk) -> None:
        first = await desk.event(event())
        other = await desk.event(event(time="2026-11-23T11:00:00Z"))
        assert other.status_code == 409
        assert other.json()["type"].endswith("/used-sender-id")
        assert other.json()["receipt"] == first.json()["id"]

    async def test_may_come_compressed(self, desk: Desk) -> None:
        headers = {"content-type": "application/cloudevents+json", "content-encoding": "gzip"}
        answer = await desk.post("/v1/events", key="events", content=gzip.compress(orjson.dumps(event())), headers=headers)
        assert answer.status_code == 202

    async def test_is_kept_byte_for_byte(self, desk: Desk) -> None:
        raw = orjson.dumps(event(), option=orjson.OPT_INDENT_2) + b"\n"
        answer = await desk.post("/v1/events", key="events", content=raw, headers={"content-type": "application/cloudevents+json"})
        kept = await desk.get(answer.json()["status_url"] + "/raw")
        assert kept.content == raw
        assert kept.headers["content-disposition"].startswith("attachment")

    async def test_is_accepted_without_redis(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        async def gone(*_: object, **__: object) -> None:
            raise ConnectionError("redis is away")

        monkeypatch.setattr(
            desk.shell.doorbell, "_redis", type("Dead", (), {"pipeline": lambda *_, **__: (_ for _ in ()).throw(OSError())})()
        )
        assert (await desk.event(event())).status_code == 202
        await desk.settle()
        assert await desk.count(Order) == 1


class TestBatch:
    async def test_answers_each_event_in_its_place(self, desk: Desk) -> None:
        await desk.event(event(1))
        batch = [event(1), event(2), event(3, type=""), event(4)]
        answer = await desk.post("/v1/events", key="events", json=batch, headers={"content-type": "application/cloudevents-batch+json"})
        body = answer.json()
        assert answer.status_code == 202
        # The lone event was sent in another form than the batch item: other bytes under one id is a conflict, told in its place.
        assert [item["status"] for item in body["items"]][1:] == [202, 422, 202]
        assert body["items"][2]["problem"]["errors"][0]["pointer"] == "/2/type"
        await desk.settle()
        assert await desk.count(Order) == 3

    async def test_sent_twice_names_every_duplicate(self, desk: Desk) -> None:
        headers = {"content-type": "application/cloudevents-batch+json"}
        raw = orjson.dumps([event(n) for n in range(150)])
        first = await desk.post("/v1/events", key="events", content=raw, headers=headers)
        again = await desk.post("/v1/events", key="events", content=raw, headers=headers)
        assert (first.status_code, first.json()["accepted"]) == (202, 150)
        assert (again.status_code, again.json()["duplicates"], again.json()["accepted"]) == (200, 150, 0)
        assert [i["receipt"]["id"] for i in again.json()["items"]] == [i["receipt"]["id"] for i in first.json()["items"]]
        await desk.settle()
        assert await desk.count(Order) == 150

    async def test_of_nothing_is_accepted_as_nothing(self, desk: Desk) -> None:
        answer = await desk.post("/v1/events", key="events", content=b"[]", headers={"content-type": "application/cloudevents-batch+json"})
        assert (answer.status_code, answer.json()["items"]) == (200, [])

    async def test_of_more_than_a_thousand_is_refused(self, desk: Desk) -> None:
        raw = orjson.dumps([event(n) for n in range(1001)])
        answer = await desk.post("/v1/events", key="events", content=raw, headers={"content-type": "application/cloudevents-batch+json"})
        assert answer.status_code == 413
        assert await desk.count(Signal) == 0


class TestBadInput:
    @pytest.mark.parametrize(
        ("content_type", "raw", "status"),
        [
            ("application/cloudevents+json", b"", 400), ("application/cloudevents+json", b"{", 400), ("application/cloudevents+json", b"[]", 422),
            ("application/cloudevents+json", b'{"specversion":"1.0","specversion":"1.0"}', 400), ("application/json", b"{}", 415),
            ("application/cloudevents+json", b'{"id":"\\u0000"}', 422), ("application/cloudevents+json", b'{"a":' * 40 + b"1" + b"}" * 40, 400),
            ("application/cloudevents+json", b'"' + b"x" * (1024 * 1024) + b'"', 413), ("application/cloudevents-batch+json", b"{}", 400),
            ("text/plain", b"hello", 415),
        ],
    )  # fmt: skip
    async def test_gets_its_own_problem_and_stores_nothing(self, desk: Desk, content_type: str, raw: bytes, status: int) -> None:
        answer = await desk.post("/v1/events", key="events", content=raw, headers={"content-type": content_type})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert await desk.count(Signal) == 0

    async def test_in_a_field_is_named_with_its_remedy(self, desk: Desk) -> None:
        answer = await desk.event(event(time="yesterday", id=""))
        assert answer.status_code == 422
        assert {e["pointer"] for e in answer.json()["errors"]} == {"/time", "/id"}

    async def test_from_a_bomb_ends_at_its_limit(self, desk: Desk) -> None:
        headers = {"content-type": "application/cloudevents+json", "content-encoding": "gzip"}
        answer = await desk.post("/v1/events", key="events", content=gzip.compress(b" " * 30_000_000), headers=headers)
        assert answer.status_code == 413

    async def test_in_an_unknown_encoding_is_refused(self, desk: Desk) -> None:
        headers = {"content-type": "application/cloudevents+json", "content-encoding": "br"}
        assert (await desk.post("/v1/events", key="events", content=b"x", headers=headers)).status_code == 415


class TestAddresses:
    @pytest.mark.parametrize(
        ("method", "path", "key"),
        [
            ("POST", "/v1/events?source=%00", "events"), ("POST", "/v1/edi?source=a%20b", "edi"), ("POST", "/v1/in/%00", "wms"), ("POST", "/v1/in/%ED%A0%80", "wms"),
            ("GET", "/v1/signals?source=%00", "admin"), ("GET", "/v1/signals?status=odd", "admin"), ("GET", "/v1/signals?cursor=%00", "admin"),
            ("GET", "/v1/signals?limit=0", "admin"), ("GET", "/v1/signals?limit=x", "admin"), ("GET", "/v1/parked?reason=odd", "admin"),
            ("GET", "/v1/mappings?name=%00", "admin"), ("GET", "/v1/signals/not-an-id", "admin"), ("GET", "/v1/signals?unknown=1", "admin"),
        ],
    )  # fmt: skip
    async def test_that_make_no_sense_get_a_problem_below_500(self, desk: Desk, method: str, path: str, key: str) -> None:
        headers = {"authorization": f"Bearer {desk.keys[key]}", "content-type": "application/cloudevents+json"}
        content = orjson.dumps(event()) if method == "POST" else None
        answer = await desk.client.request(method, path, headers=headers, content=content)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


class TestKeys:
    async def test_without_the_permission_are_refused(self, desk: Desk) -> None:
        answer = await desk.event(event(), key="admin")
        assert answer.status_code == 403

    async def test_of_a_source_feed_only_that_source(self, desk: Desk) -> None:
        headers = {"content-type": "application/cloudevents+json"}
        assert (await desk.post("/v1/events?source=wms", key="events", json=event(), headers=headers)).status_code == 404
        assert (await desk.event(event(), key="wms")).status_code == 422

    async def test_are_needed(self, desk: Desk) -> None:
        answer = await desk.post("/v1/events", key=None, json=event(), headers={"content-type": "application/cloudevents+json"})
        assert answer.status_code == 401
