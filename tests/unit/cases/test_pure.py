"""Money as text, group keys, and what moved a priority."""

from uuid import UUID

import pytest

from app.cases import grouping, money, priority
from app.cases.priority import Change

ORDER, SHIPMENT = UUID(int=1), UUID(int=2)


class TestMoney:
    @pytest.mark.parametrize(
        ("minor", "currency", "locale", "reads"),
        [
            (4520000, "EUR", "en", "€45,200.00"),
            (4520000, "EUR", "de", "45.200,00\xa0€"),
            (1500, "JPY", "en", "¥1,500"),
            (1234, "KWD", "en", "KWD1.234"),
            (-5, "USD", "en", "-$0.05"),
            (900719925474099301, "EUR", "en", "€9,007,199,254,740,993.01"),
        ],
    )
    def test_reads_in_the_currencys_own_decimals(self, minor: int, currency: str, locale: str, reads: str) -> None:
        assert money.text(minor, currency, locale) == reads

    def test_a_limit_covers_only_its_own_currency(self) -> None:
        assert money.covers(50000, "EUR", 50000, "EUR")
        assert not money.covers(50000, "EUR", 50001, "EUR")
        assert not money.covers(50000, "EUR", 1, "USD")


class TestGroupKey:
    def test_is_kept_as_the_policy_wrote_it(self) -> None:
        assert grouping.stored_key("cutoff.missed|order:ORD-7731|promise:ship") == "cutoff.missed|order:ORD-7731|promise:ship"

    def test_that_is_too_long_stays_distinct_and_recognisable(self) -> None:
        one, other = grouping.stored_key("k" * 5000 + "1"), grouping.stored_key("k" * 5000 + "2")
        assert one != other
        assert len(one) == grouping.LONGEST
        assert one.startswith("kkk")


class TestSubjects:
    def test_are_the_orders_and_shipments_a_decision_names(self) -> None:
        assert grouping.subjects({"order": str(ORDER), "shipment": None, "lane": "x"}) == {"order": ORDER}
        assert grouping.subjects({"shipment": SHIPMENT}) == {"shipment": SHIPMENT}


@pytest.mark.feature("M34")
class TestChanges:
    def test_names_what_is_new_what_moved_and_what_was_lost(self) -> None:
        before = [{"name": "order.value_minor", "value": 100}, {"name": "weather", "value": "rain"}, {"name": "same", "value": 1}]
        after = [
            {"name": "customer.tier", "value": "gold", "source": "call:7"},
            {"name": "order.value_minor", "value": 200},
            {"name": "same", "value": 1},
        ]
        assert priority.changes(before, after) == [
            Change("customer.tier", None, "gold", "call:7"),
            Change("order.value_minor", 100, 200),
            Change("weather", "rain", None),
        ]
