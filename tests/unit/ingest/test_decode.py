"""A stored signal becomes items: one a transaction set, one for anything else, each with what its mapping gets or why it can't be read."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.core.errors import Invalid
from app.core.parsing import parse_json
from app.ingest.arrival import Arrival, kept_headers
from app.ingest.decode import Stored, canonical, items
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M1")
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def stored(kind: str, raw: bytes, content_type: str = "application/json", **more: object) -> Stored:
    given = {"source": "wms", "headers": {}, "received_at": NOW, "zone": ZoneInfo("UTC"), "id": UUID(int=7), **more}
    return Stored(kind=kind, raw=raw, content_type=content_type, **given)  # type: ignore[arg-type]


class TestItems:
    def test_of_a_webhook_are_its_json_or_its_form(self) -> None:
        assert [i.value for i in items(stored("webhook", b'{"a": [1]}'), parse_json)] == [{"a": [1]}]
        form = stored("webhook", b"status=late&order=ORD%2D1&empty=", "application/x-www-form-urlencoded; charset=utf-8")
        assert [i.value for i in items(form, parse_json)] == [{"status": "late", "order": "ORD-1", "empty": ""}]

    def test_of_an_x12_document_are_its_sets_in_order_with_the_sources_zone(self) -> None:
        raw = interchange(transaction_set("0001"), transaction_set("0002", "B10*R*S*C", "LX*1", "AT7*AF*NS***20190702*1625*LT"))
        first, second = items(stored("x12", raw, zone=ZoneInfo("America/Toronto")), parse_json)
        assert (first.index, first.label, second.index, second.label) == (0, "214 0001", 1, "214 0002")
        assert second.value["set"]["shipment"]["stops"][0]["statuses"][0]["occurred_at"] == "2019-07-02T16:25:00-04:00"

    def test_of_a_broken_set_carry_their_problem_beside_good_neighbours(self) -> None:
        raw = interchange(transaction_set("0001", "LX*1"), transaction_set("0002"))
        first, second = items(stored("x12", raw), parse_json)
        assert first.problem is not None and first.problem.reason == "unreadable"
        assert second.problem is None

    @pytest.mark.parametrize(("kind", "raw"), [("webhook", b"<xml/>"), ("x12", b"UNB+"), ("cloudevents", b"{}"), ("webhook", b"\xff")])
    def test_that_cannot_be_read_say_why_and_what_to_do(self, kind: str, raw: bytes) -> None:
        (item,) = items(stored(kind, raw, "application/cloudevents+json" if kind == "cloudevents" else "text/plain"), parse_json)
        assert item.problem is not None and item.problem.reason == "unreadable"
        assert item.problem.detail and item.problem.remedy

    def test_of_an_interchange_without_sets_say_so(self) -> None:
        (item,) = items(stored("x12", interchange()), parse_json)
        assert item.problem is not None and "no transaction set" in item.problem.detail

    def test_of_the_same_set_share_a_key_across_sources_but_not_across_owners(self) -> None:
        raw = interchange(transaction_set())
        keys = [
            items(stored("x12", raw, **more), parse_json)[0].key
            for more in ({}, {"source": "other", "id": UUID(int=8)}, {"customer_id": UUID(int=1)})
        ]
        assert keys[0] == keys[1] != keys[2]

    def test_of_two_webhooks_never_share_a_key(self) -> None:
        one, two = (items(stored("webhook", b"{}", id=UUID(int=n)), parse_json)[0].key for n in (1, 2))
        assert one != two


class TestCanonical:
    def test_takes_a_cloudevent_as_it_is_without_its_senders_namespace_and_version(self) -> None:
        data = {"account": "A", "refs": {"order": "1"}, "data": {"currency": "EUR"}}
        event = {"type": "acme.order.recorded.v1", "time": "2026-11-23T10:00:00Z", "data": data}
        assert canonical(event, NOW) == [
            {
                "type": "order.recorded",
                "occurred_at": "2026-11-23T10:00:00Z",
                "account": "A",
                "refs": {"order": "1"},
                "data": {"currency": "EUR"},
            }
        ]

    def test_dates_an_event_without_a_time_by_its_arrival(self) -> None:
        (event,) = canonical({"type": "order.recorded", "data": None}, NOW)
        assert event == {"type": "order.recorded", "occurred_at": NOW.isoformat(), "refs": {}, "data": {}}


class TestArrival:
    def arrival(self, **more: object) -> Arrival:
        given = {"source": "wms", "kind": "webhook", "actor": "source:wms", "raw": b"x", "content_type": "", **more}
        return Arrival(tenant_id=UUID(int=1), **given)  # type: ignore[arg-type]

    def test_is_known_by_its_senders_id_or_by_what_it_says(self) -> None:
        assert self.arrival(sender_id="1", raw=b"a").key == self.arrival(sender_id="1", raw=b"b").key
        assert self.arrival(raw=b"a").key != self.arrival(raw=b"b").key

    @pytest.mark.parametrize("sender_id", ["x" * 701, "a\nb", "a\x00b"])
    def test_refuses_an_id_that_cannot_be_kept(self, sender_id: str) -> None:
        with pytest.raises(Invalid):
            self.arrival(sender_id=sender_id)

    def test_keeps_no_header_that_authenticates(self) -> None:
        sent = {"authorization": "Bearer x", "cookie": "s=1", "webhook-signature": "v1,x", "ce-id": "1", "user-agent": "u" * 3000}
        assert kept_headers(sent) == {"ce-id": "1", "user-agent": "u" * 2000}
