"""The taxonomy is whole: every type, reason and X12 code fits the others and the published code tables."""

import csv
from pathlib import Path

import pytest

from app.canonical.milestones import MILESTONES
from app.canonical.taxonomy import taxonomy
from tenants import sla

CODES = Path(__file__).parents[4] / "shared" / "data" / "taxonomy" / "x12_5010_status_codes.csv"


def published(element: str) -> set[str]:
    if not CODES.exists():
        pytest.skip(f"the published X12 code table is not here ({CODES.name})")
    with CODES.open(newline="") as file:
        return {row["code"] for row in csv.DictReader(file) if row["element"] == element}


class TestExceptionTypes:
    @pytest.mark.feature("M22", "M30", "M31")
    def test_there_are_at_least_twenty_and_every_reason_of_each_exists(self):
        types = taxonomy().types
        assert len(types) >= 20
        assert {
            "cutoff.missed",
            "document.gap",
            "delivery.failed",
            "shipment.stalled",
            "linehaul.missed",
            "temperature.excursion",
        } <= types.keys()
        unknown = {(t.code, reason) for t in types.values() for reason in t.reasons if reason not in taxonomy().reasons}
        assert not unknown

    def test_every_reason_belongs_to_at_least_one_type(self):
        used = {reason for t in taxonomy().types.values() for reason in t.reasons}
        assert taxonomy().reasons.keys() - used == set()

    def test_every_type_allows_that_no_reason_was_given(self):
        assert all("not_stated" in t.reasons for t in taxonomy().types.values())

    def test_default_clocks_are_contracts_as_customers_write_them(self):
        for t in taxonomy().types.values():
            assert sla.problems({"first_response": t.sla.first_response, "resolution": t.sla.resolution}) == [], t.code

    def test_words_for_customers_are_sentences(self):
        for t in taxonomy().types.values():
            assert t.description.endswith(".") and t.title[0].isupper(), t.code


class TestDeliveryFailures:
    @pytest.mark.feature("M22")
    def test_more_than_thirty_five_reasons_and_all_of_them_fit_a_failed_delivery(self):
        failures = {code for code, reason in taxonomy().reasons.items() if reason.delivery_failure}
        assert len(failures) >= 35
        assert failures == set(taxonomy().types["delivery.failed"].reasons) - {"not_stated"}


class TestX12:
    @pytest.mark.feature("M22")
    @pytest.mark.parametrize(("element", "table"), [("1650", "status_codes"), ("1651", "reason_codes"), ("1652", "appointment_codes")])
    def test_every_published_code_is_told(self, element: str, table: str):
        assert published(element) - getattr(taxonomy(), table).keys() == set()

    def test_codes_lead_to_known_milestones_types_and_reasons(self):
        known = taxonomy()
        assert {c.milestone for c in known.status_codes.values()} <= MILESTONES
        assert {c.exception for c in known.status_codes.values() if c.exception} <= known.types.keys()
        assert {c.exception for c in known.reason_codes.values() if c.exception} <= known.types.keys()
        assert {c.reason for c in known.reason_codes.values() if c.reason} <= known.reasons.keys()

    def test_the_same_letters_mean_another_thing_in_another_element(self):
        known = taxonomy()
        assert known.status_codes["AG"].milestone == "estimated"
        assert known.reason_codes["AG"].reason == "consignee_other"
        assert known.status_codes["AP"].exception == "delivery.failed"
        assert known.reason_codes["AP"].reason == "awaiting_export"

    @pytest.mark.feature("M22")
    @pytest.mark.parametrize(
        ("status", "reason", "milestone", "exception", "why", "responsible"),
        [
            ("AH", "AG", "delivery_attempted", "delivery.failed", "consignee_other", "consignee"),
            ("CA", "BT", "cancelled", "shipment.cancelled", "returned_to_shipper", "shipper"),
            ("SN", "AW", "exception", "cutoff.missed", "past_cutoff", "warehouse"),
            ("SN", "AY", "exception", "pickup.missed", "pickup_missed", "carrier"),
            ("SN", "NS", "exception", "pickup.missed", "not_stated", "carrier"),
            ("SD", "CA", "exception", "customs.held", "customs_hold", "authority"),
            ("SD", "AO", "exception", "delivery.delayed", "weather", "nobody"),
            ("D1", "NS", "delivered", None, None, None),
            ("XB", "NS", "acknowledged", None, None, None),
            ("ZZ", "AG", None, None, "consignee_other", None),
        ],
    )
    def test_a_status_and_its_reason_give_milestone_type_reason_and_party(self, status, reason, milestone, exception, why, responsible):
        read = taxonomy().classify(status, reason)
        assert (read.milestone, read.exception, read.reason, read.responsible) == (milestone, exception, why, responsible)

    def test_every_pair_of_codes_is_read_and_its_party_is_known(self):
        known = taxonomy()
        for status in known.status_codes:
            for reason in known.reason_codes:
                read = known.classify(status, reason)
                assert (read.exception is None) == (read.responsible is None)
                assert read.exception is None or read.responsible != "unknown"
