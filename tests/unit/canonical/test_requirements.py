"""A document's fields against what must stand in it: every finding names its field and the remedy."""

from datetime import date

import pytest

from app.canonical.requirements import as_date, document_types, findings, valid_until
from app.policies.facts import vocabulary

TODAY = date(2026, 11, 23)
GOOD = {"order_number": "ORD-7731", "certificate_number": "CC-2026-118", "valid_until": "2027-06-30", "un_number": "UN 1993"}
ORDER = {"order.number": "ORD-7731", "order.un_number": "UN1993"}


def found(known=ORDER, **changes: str) -> dict[str, str]:
    fields = {name: value for name, value in (GOOD | changes).items() if value}
    return {error.pointer: error.detail for error in findings(document_types()["compliance_certificate"], fields, known, TODAY)}


class TestFindings:
    @pytest.mark.feature("M31")
    def test_a_good_certificate_has_none_and_its_date_is_read(self):
        assert found() == {}
        assert valid_until(document_types()["compliance_certificate"], GOOD) == date(2027, 6, 30)

    @pytest.mark.feature("M31", "M18")
    @pytest.mark.parametrize(
        ("changes", "pointer", "words"),
        [
            ({"order_number": "ORD-7732"}, "/order_number", "Order number is ORD-7732, expected ORD-7731."),
            ({"order_number": ""}, "/order_number", "Order number is missing."),
            ({"certificate_number": ""}, "/certificate_number", "missing"),
            ({"certificate_number": "?"}, "/certificate_number", "can't be read"),
            ({"valid_until": "2026-11-22"}, "/valid_until", "Valid until was 2026-11-22, which has passed."),
            ({"valid_until": "03/04/2027"}, "/valid_until", "can't be read"),
            ({"un_number": "UN1203"}, "/un_number", "expected UN1993"),
            ({"un_number": "1993"}, "/un_number", "can't be read"),
            ({"un_number": ""}, "/un_number", "UN number or Substance is missing."),
        ],
    )
    def test_a_missing_or_wrong_field_is_named(self, changes, pointer, words):
        told = found(**changes)
        assert told.keys() == {pointer}
        assert words in told[pointer]

    def test_is_valid_on_its_last_day_and_written_in_either_case_and_form(self):
        assert found(valid_until="23.11.2026", order_number="ord-7731", un_number="un1993") == {}

    def test_what_is_not_known_of_the_order_is_not_compared(self):
        assert found(known={"order.number": "ORD-7731"}, un_number="UN1203") == {}
        assert found(known={}, order_number="ANY-1") == {}

    def test_all_of_it_at_once(self):
        errors = findings(document_types()["compliance_certificate"], {}, ORDER, TODAY)
        assert [error.pointer for error in errors] == ["/order_number", "/certificate_number", "/valid_until", "/un_number"]
        assert all(error.remedy for error in errors)


class TestDocumentTypes:
    def test_compare_with_facts_that_exist_and_name_their_own_fields(self):
        for kind in document_types().values():
            assert {field.equals for field in kind.fields.values() if field.equals} <= vocabulary().keys()
            assert set(kind.one_of) <= kind.fields.keys()


def test_dates_that_can_be_read_in_two_ways_are_not_guessed():
    assert (as_date("31.12.2026"), as_date("2026-12-31"), as_date("12/11/2026"), as_date("2026-02-30")) == (
        date(2026, 12, 31),
        date(2026, 12, 31),
        None,
        None,
    )
