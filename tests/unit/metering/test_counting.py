"""Counting: meters are data, and an event counts once on each."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest

from app.core.events import Event
from app.core.ids import new_id, time_of
from app.metering import meters
from app.metering.counting import count, usage_id

pytestmark = pytest.mark.feature("M185")
CUSTOMER = UUID(int=5)


def event(kind: str, *, at: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC), **data: Any) -> Event:
    return Event(
        id=new_id(), type=kind, tenant_id=UUID(int=1), customer_id=CUSTOMER, subject="case:1", occurred_at=at, recorded_at=at,
        actor="system:test", cause=None, trace=None, data=data,
    )  # fmt: skip


def counted(happened: Event) -> dict[str, int]:
    return {usage.meter: usage.quantity for usage in count(meters.shipped(), happened)}


class TestShippedMeters:
    @pytest.mark.parametrize(
        ("kind", "meter"),
        [
            ("signal.accepted", "signals_accepted"),
            ("shipment.milestone_recorded", "events_recorded"),
            ("case.opened", "cases_opened"),
            ("run.started", "runs_started"),
            ("notice.delivered", "notices_delivered"),
        ],
    )
    def test_count_one_for_each(self, kind: str, meter: str) -> None:
        assert counted(event(kind)) == {meter: 1}

    def test_count_a_case_that_nobody_touched_on_both_meters(self) -> None:
        assert counted(event("case.resolved", touched=False)) == {"cases_resolved": 1, "cases_resolved_without_touch": 1}
        assert counted(event("case.resolved", touched=True)) == {"cases_resolved": 1}

    def test_count_only_calls_with_an_effect_as_effects(self) -> None:
        assert counted(event("call.succeeded", effect=True)) == {"calls_made": 1, "effects_made": 1}
        assert counted(event("call.succeeded", effect=False)) == {"calls_made": 1}

    def test_leave_what_no_meter_hears_uncounted(self) -> None:
        assert counted(event("customer.updated")) == {}


class TestCount:
    def test_takes_the_quantity_from_the_event(self) -> None:
        own = meters.parse(
            {"version": 1, "meters": {"pieces": {"title": "Pieces", "events": ["a.b"], "quantity": "data.n", "unit": "piece"}}}
        )
        assert [u.quantity for u in count(own, event("a.b", n=7))] == [7]
        assert [u.quantity for u in count(own, event("a.b", n="seven"))] == []
        assert [u.quantity for u in count(own, event("a.b"))] == []

    def test_counts_on_the_utc_day_of_recording(self) -> None:
        late = datetime(2026, 11, 24, 0, 30, tzinfo=timezone(timedelta(hours=1)))
        assert [u.day for u in count(meters.shipped(), event("case.opened", at=late))] == [date(2026, 11, 23)]

    def test_breaks_down_by_dimensions_found_in_the_event(self) -> None:
        usage = next(count(meters.shipped(), event("case.opened", exception={"type": "cutoff.missed"})))
        assert usage.dimensions == {"exception": "cutoff.missed"}
        assert usage.customer_id == CUSTOMER

    def test_gives_the_same_record_for_the_same_event(self) -> None:
        happened = event("case.opened")
        assert [u.id for u in count(meters.shipped(), happened)] == [u.id for u in count(meters.shipped(), happened)]


class TestUsageId:
    def test_differs_by_event_and_meter(self) -> None:
        one, two = new_id(), new_id()
        assert len({usage_id(one, "a"), usage_id(one, "b"), usage_id(two, "a"), usage_id(two, "b")}) == 4

    def test_keeps_the_events_time_and_the_form_of_version_7(self) -> None:
        event_id = new_id()
        made = usage_id(event_id, "cases_opened")
        assert time_of(made) == time_of(event_id)
        assert made.version == 7 and made.variant == event_id.variant


class TestParse:
    @pytest.mark.parametrize("wrong", [{"quantity": -1}, {"events": ["*"]}, {"dimensions": {"x": "envelope"}}, {"colour": "red"}])
    def test_refuses_a_meter_of_the_wrong_form(self, wrong: dict[str, Any]) -> None:
        good = {"title": "T", "events": ["a.b"], "quantity": 1, "unit": "u"}
        with pytest.raises(msgspec.ValidationError):
            meters.parse({"version": 1, "meters": {"m": {**good, **wrong}}})
