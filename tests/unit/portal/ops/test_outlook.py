"""What happens to a case when nobody does anything."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.cases.schemas import CaseView, ClockView, OfferView, Priority, WentWrong
from app.portal.ops.outlook import ahead

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
ID = UUID(int=1)


def case(status: str = "open", *clocks: ClockView) -> CaseView:
    return CaseView(ID, status, "", "T", WentWrong("cutoff.missed"), Priority("P2", False), NOW, ID, list(clocks), {})


def clock(minutes: int, state: str = "running", kind: str = "first_response") -> ClockView:
    return ClockView(kind, state, NOW + timedelta(minutes=minutes), "PT30M")  # type: ignore[arg-type]


def offer(default: str | None, minutes: int) -> OfferView:
    return OfferView(ID, ID, "open", [{"id": "a", "label": "Next departure"}], default, NOW, NOW + timedelta(minutes=minutes), None, None)


class TestWhatLiesAhead:
    def test_is_the_nearest_first(self) -> None:
        found = ahead(case("open", clock(42), clock(480, kind="resolution")), [], [offer("a", 10)], [], NOW)
        assert [one.at for one in found] == [NOW + timedelta(minutes=minutes) for minutes in (10, 42, 480)]
        assert found[0].text == "Without an answer “Next departure” is taken."

    def test_names_no_choice_where_silence_decides_nothing(self) -> None:
        assert "nothing is chosen" in ahead(case(), [], [offer(None, 10)], [], NOW)[0].text

    def test_leaves_out_what_stands_still_or_is_past(self) -> None:
        assert ahead(case("open", clock(42, "paused"), clock(-5, "breached"), clock(-1)), [], [], [], NOW) == []

    def test_is_nothing_for_a_case_that_is_over(self) -> None:
        assert ahead(case("resolved", clock(42)), [], [], [], NOW) == []
