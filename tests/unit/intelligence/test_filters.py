"""A period as the reader's calendar says it, and where a figure's rows open."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from app.core.errors import Invalid
from app.core.ids import new_id
from app.intelligence.filters import Filters, Place, of_the_last, rows_at
from app.intelligence.kpis import KPIS, ratio

pytestmark = pytest.mark.feature("M132", "M137")


class TestAPeriod:
    def test_begins_and_ends_at_the_readers_midnight(self):
        first, last = Filters(date(2026, 11, 2), date(2026, 11, 3), "Asia/Kolkata").bounds
        assert first.astimezone(UTC) == datetime(2026, 11, 1, 18, 30, tzinfo=UTC)
        assert last.astimezone(UTC) == datetime(2026, 11, 3, 18, 30, tzinfo=UTC)

    def test_over_the_end_of_summer_time_has_its_hour_more(self):
        first, last = Filters(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin").bounds
        assert last.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=25)

    def test_touches_weeks_that_begin_on_the_readers_monday(self):
        weeks = Filters(date(2026, 10, 21), date(2026, 11, 2), "Europe/Berlin").weeks
        assert [at.astimezone(UTC).isoformat() for at in weeks] == [
            "2026-10-18T22:00:00+00:00",
            "2026-10-25T23:00:00+00:00",
            "2026-11-01T23:00:00+00:00",
        ]
        assert [at.date() for at in Filters(date(2026, 10, 25), date(2026, 10, 25)).weeks] == [date(2026, 10, 19)]

    def test_of_the_last_days_ends_with_the_readers_today(self):
        late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
        assert of_the_last(7, late, "Europe/Berlin") == Filters(date(2026, 10, 28), date(2026, 11, 3), "Europe/Berlin")

    @pytest.mark.parametrize(
        "wrong", [Filters(date(2026, 1, 2), date(2026, 1, 1)), Filters(date(2025, 1, 1), date(2026, 1, 3)), Filters(date(2026, 1, 1), date(2026, 1, 1), "../etc"), Filters(date.max, date.max)]
    )  # fmt: skip
    def test_that_can_not_be_shown_is_refused(self, wrong):
        with pytest.raises(Invalid):
            wrong.checked()


class TestTheQueryOfRows:
    def test_holds_everything_that_narrows_them(self):
        customer = new_id()
        filters = Filters(date(2026, 11, 2), date(2026, 11, 3), "UTC", customer, "cutoff.missed")
        given = parse_qs(rows_at(filters, "week", Place("2026-11-02", "person", ("met", "missed"))))
        assert given == {
            "since": ["2026-11-02"], "until": ["2026-11-03"], "zone": ["UTC"], "customer": [str(customer)], "type": ["cutoff.missed"],
            "week": ["2026-11-02"], "split": ["person"], "part": ["met,missed"],
        }  # fmt: skip

    def test_of_a_group_replaces_the_filter_of_the_same_name(self):
        mine, all_of_them = new_id(), Filters(date(2026, 11, 2), date(2026, 11, 3), customer=new_id())
        assert parse_qs(rows_at(all_of_them, "customer", Place(str(mine))))["customer"] == [str(mine)]


class TestAFigure:
    @pytest.mark.parametrize(
        ("name", "rows", "of", "total", "median", "value"),
        [
            ("sla_adherence", 3, 4, 0, None, 75.0), ("sla_adherence", 0, 0, 0, None, None), ("touches", 4, 4, 10, 2, 2.5), ("interventions", 5, 4, 0, None, 125.0),
            ("first_response", 3, 9, 99, 12, 12.0), ("first_response", 0, 9, 0, None, None), ("exceptions_open", 7, 7, 900, 3, 7.0),
        ],
    )  # fmt: skip
    def test_is_said_in_its_own_unit_or_not_at_all(self, name, rows, of, total, median, value):
        assert ratio(KPIS[name], rows, of, total, median) == value

    @pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.name)
    def test_counts_parts_that_its_definition_gives(self, kpi):
        assert set(kpi.counted) <= set(kpi.of or kpi.parts) <= set(kpi.parts)
        if kpi.name != "interventions":
            assert all(f"'{part}'" in kpi.definition for part in kpi.parts)
        assert all(f"'{split}'" in kpi.definition for split in kpi.splits if split not in ("first_response", "resolution"))
