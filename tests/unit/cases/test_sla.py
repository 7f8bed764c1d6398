"""Working-time arithmetic: tables of examples, and properties that hold for every start, duration and calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cases import calendars, sla
from app.cases.sla import Duration
from app.core.errors import Invalid

BERLIN = calendars.parse({"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00", "holidays": "DE-BE"})
SPLIT = calendars.parse(
    {"zone": "America/New_York", "hours": "Mon-Thu 08:00-12:00 13:00-17:30; Sat 22:00-03:00", "holidays": ["US-NY", "2026-06-03"]}
)
ALWAYS = calendars.parse(None)
CALENDARS = [BERLIN, SPLIT, ALWAYS]

instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
times = st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds))
any_calendar = st.sampled_from(CALENDARS)
few = settings(max_examples=150, deadline=None)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class TestDuration:
    @pytest.mark.parametrize(
        ("written", "days", "time"),
        [
            ("PT30M", 0, timedelta(minutes=30)),
            ("PT8H", 0, timedelta(hours=8)),
            ("P2D", 2, timedelta()),
            ("P1W", 5, timedelta()),
            ("P1DT1H30M5S", 1, timedelta(hours=1, minutes=30, seconds=5)),
            ("PT0S", 0, timedelta()),
        ],
    )
    def test_reads_iso_8601(self, written: str, days: int, time: timedelta) -> None:
        assert Duration.parse(written) == Duration(days, time)

    @pytest.mark.parametrize(
        "written", ["", "P", "PT", "8h", "P1M", "P1Y", "PT1.5H", "-PT1H", "P1DT", "PT1H30", None, 30, "PT1H\n", "P1W1D"]
    )
    def test_refuses_what_has_no_fixed_length(self, written: object) -> None:
        with pytest.raises(Invalid):
            Duration.parse(written)


@pytest.mark.feature("M36")
class TestDueAt:
    @pytest.mark.parametrize(
        ("start", "duration", "due"),
        [
            ("2026-11-23T17:05:00+01:00", "PT30M", "2026-11-23T17:35:00+01:00"),
            ("2026-11-23T17:05:00+01:00", "PT8H", "2026-11-24T13:05:00+01:00"),
            ("2026-11-27T18:30:00+01:00", "PT1H", "2026-11-30T07:30:00+01:00"),  # over a weekend
            ("2026-11-28T10:00:00+01:00", "PT30M", "2026-11-30T07:30:00+01:00"),  # from a Saturday
            ("2026-11-23T18:30:00+01:00", "PT30M", "2026-11-23T19:00:00+01:00"),  # exactly at closing time
            ("2026-12-24T18:00:00+01:00", "PT2H", "2026-12-28T08:00:00+01:00"),  # over both days of Christmas and a weekend
            ("2026-03-27T18:00:00+01:00", "PT2H", "2026-03-30T08:00:00+02:00"),  # over the change to summer time
            ("2026-11-24T15:00:00+01:00", "P1D", "2026-11-25T15:00:00+01:00"),
            ("2026-11-27T15:00:00+01:00", "P1D", "2026-11-30T15:00:00+01:00"),  # a working day from Friday is Monday
            ("2026-11-28T10:00:00+01:00", "P1D", "2026-12-01T07:00:00+01:00"),
            ("2026-11-24T15:00:00+01:00", "P1W", "2026-12-01T15:00:00+01:00"),
        ],
    )
    def test_counts_the_customers_working_time(self, start: str, duration: str, due: str) -> None:
        assert sla.due_at(local(start), duration, BERLIN) == local(due)

    def test_gives_utc(self) -> None:
        assert sla.due_at(datetime.fromisoformat("2026-11-23T17:05:00+01:00"), "PT1M", BERLIN).tzinfo is UTC

    def test_round_the_clock_is_plain_addition_even_when_the_clocks_change(self) -> None:
        calendar = calendars.parse({"zone": "Europe/Berlin"})
        start = local("2026-10-24T12:00:00+02:00")
        assert sla.due_at(start, "PT24H", calendar) == start + timedelta(hours=24)
        assert sla.due_at(start, "P1D", calendar) == local("2026-10-25T12:00:00+01:00")

    def test_refuses_what_never_falls_due(self) -> None:
        rare = calendars.parse({"hours": "Mon 09:00-09:01"})
        with pytest.raises(sla.DueTooFar):
            sla.due_at(local("2026-01-01T00:00:00+00:00"), "PT100H", rare)
        with pytest.raises(sla.DueTooFar):
            sla.due_at(local("2026-01-01T00:00:00+00:00"), "P999D", rare)

    @few
    @given(start=instants, time=times, calendar=any_calendar)
    def test_is_in_working_time_or_at_its_end(self, start: datetime, time: timedelta, calendar: calendars.Calendar) -> None:
        due = sla.after(start, time, calendar)
        nearby = calendar.from_day(calendar.local_day(due - timedelta(days=1)), until=calendar.local_day(due))
        assert any(opened <= due <= closed for opened, closed in nearby)
        assert due >= start

    @few
    @given(start=instants, later=times, time=times, more=times, calendar=any_calendar)
    def test_never_moves_earlier_for_a_later_start_or_a_longer_time(
        self, start: datetime, later: timedelta, time: timedelta, more: timedelta, calendar: calendars.Calendar
    ) -> None:
        assert sla.after(start, time, calendar) <= sla.after(start + later, time, calendar)
        assert sla.after(start, time, calendar) <= sla.after(start, time + more, calendar)

    @few
    @given(start=instants, first=times, second=times, calendar=any_calendar)
    def test_adds_up(self, start: datetime, first: timedelta, second: timedelta, calendar: calendars.Calendar) -> None:
        assert sla.after(sla.after(start, first, calendar), second, calendar) == sla.after(start, first + second, calendar)

    @few
    @given(start=instants, days=st.integers(0, 30), calendar=any_calendar)
    def test_days_never_move_earlier_when_there_are_more(self, start: datetime, days: int, calendar: calendars.Calendar) -> None:
        assert sla.due_at(start, Duration(days), calendar) <= sla.due_at(start, Duration(days + 1), calendar)


class TestRemaining:
    @few
    @given(start=instants, time=times, calendar=any_calendar)
    def test_is_what_was_asked_for_at_the_start(self, start: datetime, time: timedelta, calendar: calendars.Calendar) -> None:
        assert sla.remaining(start, sla.after(start, time, calendar), calendar) == time

    def test_is_negative_once_late(self) -> None:
        due = local("2026-11-27T18:30:00+01:00")
        assert sla.remaining(local("2026-11-30T07:15:00+01:00"), due, BERLIN) == timedelta(minutes=-45)

    def test_stands_still_at_night(self) -> None:
        due = local("2026-11-24T08:00:00+01:00")
        assert {sla.remaining(local(f"2026-11-23T{hour}:00:00+01:00"), due, BERLIN) for hour in (19, 21, 23)} == {timedelta(hours=1)}


class TestPause:
    @few
    @given(start=instants, time=times, pause=times, calendar=any_calendar)
    def test_moves_the_due_time_by_the_working_time_it_lasted(
        self, start: datetime, time: timedelta, pause: timedelta, calendar: calendars.Calendar
    ) -> None:
        due = sla.after(start, time, calendar)
        left = sla.remaining(start, due, calendar)
        resumed = sla.resumed(start + pause, left, calendar)
        expected = sla.after(start, time + sla.elapsed(start, start + pause, calendar), calendar)
        # With nothing left, a closing and the next opening are the same moment of working time.
        assert resumed == expected if left else sla.elapsed(expected, resumed, calendar) == timedelta()

    def test_costs_nothing_when_it_falls_into_the_night(self) -> None:
        left = sla.remaining(local("2026-11-23T19:30:00+01:00"), local("2026-11-24T09:00:00+01:00"), BERLIN)
        assert sla.resumed(local("2026-11-24T05:00:00+01:00"), left, BERLIN) == local("2026-11-24T09:00:00+01:00")

    def test_leaves_a_late_clock_late(self) -> None:
        now = local("2026-11-24T09:00:00+01:00")
        assert sla.resumed(now, timedelta(minutes=-5), BERLIN) == now


class TestWarnAt:
    def test_is_at_four_fifths_of_the_working_time(self) -> None:
        start = local("2026-11-23T17:00:00+01:00")
        due = sla.due_at(start, "PT10H", BERLIN)
        assert sla.warn_at(start, due, BERLIN) == local("2026-11-24T13:00:00+01:00")
