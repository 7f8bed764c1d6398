"""When somebody wants to be written to."""

from datetime import UTC, datetime, time

import pytest

from app.notifications.wishes import Quiet, leaves_at, topic_of

NIGHT = Quiet(time(22), time(6), "Europe/Berlin")
NOON = Quiet(time(12), time(13, 30), "Europe/Berlin")


def at(hour: int, minute: int = 0) -> datetime:
    """An hour of a winter's day in Berlin."""
    return datetime(2026, 11, 23, hour - 1 if hour else 23, minute, tzinfo=UTC)


class TestATopic:
    @pytest.mark.parametrize(
        ("template", "links", "topic"),
        [
            ("eta-offer", ["offer"], "decisions"),
            ("document-needed", ["document"], "documents"),
            ("mentioned", [], "mentions"),
            ("message", [], "updates"),
        ],
    )
    def test_follows_from_what_can_be_done_from_the_mail(self, template: str, links: list[str], topic: str) -> None:
        assert topic_of(template, links, is_sealed=False) == topic

    def test_is_none_for_what_lets_somebody_in(self) -> None:
        assert topic_of("sign-in", [], is_sealed=False) is None and topic_of("anything", [], is_sealed=True) is None


class TestLeaving:
    @pytest.mark.parametrize(
        ("quiet", "now", "leaves"),
        [
            (NIGHT, at(23), datetime(2026, 11, 24, 5, tzinfo=UTC)), (NIGHT, at(5), datetime(2026, 11, 23, 5, tzinfo=UTC)), (NIGHT, at(6), None), (NIGHT, at(12), None),
            (NOON, at(12, 15), datetime(2026, 11, 23, 12, 30, tzinfo=UTC)), (NOON, at(14), None), (Quiet(time(8), time(8), "UTC"), at(9), None), (None, at(23), None),
        ],
    )  # fmt: skip
    def test_waits_for_the_end_of_the_quiet_hours(self, quiet: Quiet | None, now: datetime, leaves: datetime | None) -> None:
        assert leaves_at("later", quiet, now) == leaves

    def test_of_what_is_wanted_now_waits_for_nothing(self) -> None:
        assert leaves_at("now", NIGHT, at(23)) is None
