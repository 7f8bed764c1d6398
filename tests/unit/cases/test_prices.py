"""An option costs what whoever offered it said, not what whoever wants it says."""

from typing import Any

import pytest

from app.cases.prices import quoted

ASKED = {"shipment": "SHP-1"}
ANSWER = [{"id": "air", "cost_minor": 90000, "currency": "EUR"}, {"id": "road", "cost_minor": 20000, "currency": "EUR"}]


@pytest.mark.feature("M118")
class TestQuoted:
    def test_finds_the_price_that_was_offered(self) -> None:
        assert quoted([(ASKED, ANSWER)], ASKED, "air") == {"amount_minor": 90000, "currency": "EUR"}

    def test_takes_the_latest_offer(self) -> None:
        newer = [{"id": "air", "cost_minor": 95000, "currency": "EUR"}]
        assert quoted([(ASKED, newer), (ASKED, ANSWER)], ASKED, "air") == {"amount_minor": 95000, "currency": "EUR"}

    def test_leaves_out_what_was_offered_for_another_shipment(self) -> None:
        assert quoted([({"shipment": "SHP-2"}, ANSWER)], ASKED, "air") is None
        assert quoted([({}, ANSWER)], ASKED, "air") is None

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            {},
            "air",
            [None],
            [{"id": "air"}],
            [{"id": "air", "cost_minor": "1"}],
            [{"id": "air", "cost_minor": True}],
            [{"id": "air", "cost_minor": -1}],
            [],
        ],
    )
    def test_knows_nothing_from_an_answer_of_another_kind(self, answer: Any) -> None:
        assert quoted([(ASKED, answer)], ASKED, "air") is None
