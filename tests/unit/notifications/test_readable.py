"""Moments and amounts get words in the reader's language and zone."""

import pytest

from app.notifications.readable import readable

pytestmark = pytest.mark.feature("M183")


class TestReadable:
    def test_says_a_moment_in_the_readers_zone(self) -> None:
        told = readable({"eta": "2026-11-25T10:00:00+01:00"}, "de", "Europe/Berlin")
        assert told == {"eta": "2026-11-25T10:00:00+01:00", "eta_text": "Mi., 25. Nov., 10:00 MEZ"}
        assert readable({"eta": "2026-11-25T10:00:00Z"}, "de", "Asia/Tokyo")["eta_text"].startswith("Mi., 25. Nov., 19:00")

    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [(24000, "EUR", "€240.00"), (500, "JPY", "¥500"), (1234567, "KWD", "KWD1,234.567"), (-5, "EUR", "-€0.05")],
    )
    def test_says_an_amount_with_the_decimals_of_its_currency(self, minor: int, currency: str, text: str) -> None:
        assert readable({"cost_minor": minor, "currency": currency}, "en", "UTC")["cost_text"].replace("\xa0", "") == text

    def test_reaches_into_lists_and_objects(self) -> None:
        told = readable({"options": [{"cost_minor": 1, "currency": "EUR"}], "case": {"due": "2026-11-25T10:00Z"}}, "en", "UTC")
        assert told["options"][0]["cost_text"] == "€0.01" and "due_text" in told["case"]

    @pytest.mark.parametrize(
        "given",
        [
            {"note": "2026-11-25"},
            {"eta": "soon"},
            {"cost_minor": True, "currency": "EUR"},
            {"cost_minor": 5},
            {"cost_minor": 5, "currency": "euro"},
        ],
    )
    def test_never_guesses(self, given: dict[str, object]) -> None:
        assert readable(given, "en", "UTC") == given

    def test_leaves_a_name_alone_that_is_taken(self) -> None:
        assert readable({"eta": "2026-11-25T10:00:00Z", "eta_text": "soon"}, "en", "UTC")["eta_text"] == "soon"
