"""Business calendars: what is working time, in the customer's zone, across holidays and changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.cases import calendars
from app.core.errors import Invalid

BERLIN = {"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00", "holidays": "DE-BE"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class TestHours:
    def test_a_range_of_days_shares_its_spans(self) -> None:
        week = calendars.parse_hours("Mon-Thu 07:00-12:00 13:00-17:00; Fri 07:00-12:00")
        assert week[0] == ((420, 720), (780, 1020)) == week[3]
        assert week[4] == ((420, 720),)
        assert week[5] == week[6] == ()

    def test_a_range_may_run_over_the_weekend(self) -> None:
        assert [bool(day) for day in calendars.parse_hours("Sat-Mon 08:00-09:00")] == [True, False, False, False, False, True, True]

    def test_days_may_be_listed(self) -> None:
        assert [bool(day) for day in calendars.parse_hours("Mon,Wed-Thu,Sun 08:00-09:00")] == [True, False, True, True, False, False, True]

    def test_always_is_round_the_clock(self) -> None:
        assert calendars.parse_hours("always") == (((0, 1440),),) * 7

    def test_a_night_shift_runs_into_the_next_day(self) -> None:
        week = calendars.parse_hours("Sun 22:00-06:00")
        assert week[6] == ((1320, 1440),)
        assert week[0] == ((0, 360),)

    def test_spans_that_touch_or_overlap_become_one(self) -> None:
        assert calendars.parse_hours("Mon 07:00-12:00 11:00-14:00 14:00-15:00")[0] == ((420, 900),)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            ";",
            "Mon",
            "Montag 07:00-19:00",
            "Mon-Fri-Sat 07:00-19:00",
            "Mon 7-19",
            "Mon 07:00-07:00",
            "Mon 24:00-01:00",
            "Mon 07:00-24:30",
            7,
            "Mon 07:60-08:00",
            "x" * 501,
        ],
    )
    def test_what_cannot_be_read_is_refused_with_its_place(self, written: object) -> None:
        with pytest.raises(Invalid) as refused:
            calendars.parse_hours(written)
        assert refused.value.errors[0].pointer == "/hours"
        assert refused.value.errors[0].remedy


class TestParse:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"zone": "Berlin"}, "/zone"),
            ({"zone": "../etc/passwd"}, "/zone"),
            ({"holidays": "XX"}, "/holidays"),
            ({"holidays": "DE-XX"}, "/holidays"),
            ({"holidays": ["2026-02-30"]}, "/holidays"),
            ({"holidays": {"a": 1}}, "/holidays"),
        ],
    )
    def test_a_wrong_zone_region_or_date_is_named(self, change: dict[str, object], pointer: str) -> None:
        with pytest.raises(Invalid) as refused:
            calendars.parse({**BERLIN, **change})
        assert refused.value.errors[0].pointer == pointer

    def test_nothing_written_is_round_the_clock(self) -> None:
        day = calendars.parse(None).intervals(date(2026, 12, 25))
        assert day == [(utc("2026-12-25T00:00:00+00:00"), utc("2026-12-26T00:00:00+00:00"))]

    @pytest.mark.parametrize(
        ("region", "day"), [("DE-BE", "2026-03-08"), ("FR", "2026-07-14"), ("US-NY", "2026-11-26"), ("DE-BE", "2027-10-03")]
    )
    def test_regions_know_their_holidays_in_every_year(self, region: str, day: str) -> None:
        assert calendars.parse({"holidays": region}).is_holiday(date.fromisoformat(day))

    def test_a_holiday_of_one_state_is_a_working_day_in_another(self) -> None:
        womens_day = date(2027, 3, 8)
        assert calendars.parse({"holidays": "DE-BE"}).is_holiday(womens_day)
        assert not calendars.parse({"holidays": "DE-BY"}).is_holiday(womens_day)

    def test_own_dates_stand_beside_regions(self) -> None:
        calendar = calendars.parse({**BERLIN, "holidays": ["DE-BE", "2026-12-24"]})
        assert calendar.intervals(date(2026, 12, 24)) == []
        assert calendar.intervals(date(2026, 12, 23)) != []


class TestIntervals:
    def test_follow_the_zone_through_the_year(self) -> None:
        calendar = calendars.parse(BERLIN)
        assert calendar.intervals(date(2026, 1, 12)) == [(utc("2026-01-12T06:00:00+00:00"), utc("2026-01-12T18:00:00+00:00"))]
        assert calendar.intervals(date(2026, 7, 13)) == [(utc("2026-07-13T05:00:00+00:00"), utc("2026-07-13T17:00:00+00:00"))]

    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("Europe/Berlin", "2026-03-29", 23),
            ("Europe/Berlin", "2026-10-25", 25),
            ("America/New_York", "2026-03-08", 23),
            ("America/Santiago", "2026-09-06", 23),  # the clocks go forward at midnight itself
            ("America/Santiago", "2026-04-04", 25),  # and back at midnight, so the day before has the repeated hour
            ("Australia/Lord_Howe", "2026-10-04", 23.5),
            ("Pacific/Apia", "2011-12-30", 0),  # a day the island skipped
        ],
    )
    def test_a_day_is_as_long_as_it_is(self, zone: str, day: str, hours: float) -> None:
        calendar = calendars.parse({"zone": zone})
        total = sum((end - start for start, end in calendar.intervals(date.fromisoformat(day))), timedelta())
        assert total == timedelta(hours=hours)

    def test_a_span_inside_the_missing_hour_does_not_happen(self) -> None:
        assert calendars.parse({"zone": "Europe/Berlin", "hours": "Sun 02:10-02:50"}).intervals(date(2026, 3, 29)) == []

    def test_a_span_inside_the_repeated_hour_happens_twice(self) -> None:
        found = calendars.parse({"zone": "Europe/Berlin", "hours": "Sun 02:10-02:50"}).intervals(date(2026, 10, 25))
        assert [(end - start) for start, end in found] == [timedelta(minutes=40)] * 2

    def test_every_minute_counts_exactly_when_the_wall_clock_says_so(self) -> None:
        zone = ZoneInfo("Europe/Berlin")
        calendar = calendars.parse({"zone": "Europe/Berlin", "hours": "Sun 01:30-02:15 02:45-03:20"})
        for day in (date(2026, 3, 29), date(2026, 10, 25)):
            working = calendar.intervals(day)
            start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=3)
            for minute in range(12 * 60):
                instant = start + timedelta(minutes=minute)
                wall = instant.astimezone(zone)
                reads = wall.hour * 60 + wall.minute
                meant = wall.date() == day and (90 <= reads < 135 or 165 <= reads < 200)
                assert any(a <= instant < b for a, b in working) == meant, wall
