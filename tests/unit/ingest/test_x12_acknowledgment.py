"""The 997 says set by set what was accepted and names the bad segment by position; read back by our own reader."""

from datetime import UTC, datetime

import pytest

from app.ingest.sources import edi_x12
from app.ingest.sources.x12_acknowledgment import acknowledge
from tests.unit.ingest.x12_fixtures import STATUS, interchange, transaction_set, with_delimiters

pytestmark = pytest.mark.feature("M9")
NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)


def answer(raw: bytes, *, strict: bool = False) -> list[str]:
    """The segments from AK1 to AK9, after checking that the answer is itself a flawless interchange."""
    written = acknowledge(edi_x12.read(raw, strict=strict), control=42, now=NOW)
    (back,) = edi_x12.read(written)
    assert back.findings == [] and back.groups[0].findings == []
    assert all(s.findings == [] for s in back.groups[0].sets)
    return ["*".join(s.elements) for one in back.groups[0].sets for s in one.segments if s.id.startswith("AK")]


class TestAcknowledge:
    def test_accepts_a_clean_set(self) -> None:
        assert answer(interchange(transaction_set())) == ["AK1*QM*7", "AK2*214*0001", "AK5*A", "AK9*A*1*1*1"]

    def test_goes_back_to_the_sender_in_its_own_delimiters(self) -> None:
        raw = with_delimiters(interchange(transaction_set()), "|", ":", "'")
        text = acknowledge(edi_x12.read(raw), control=42, now=NOW).decode()
        assert text.startswith(
            "ISA|00|          |00|          |ZZ|DETOUR         |02|SCAC           |261123|1605|U|00401|000000042|0|P|:'\n"
        )
        assert "GS|FA|DETOUR|SCAC|20261123|1605|42|X|004010'" in text
        assert len(text.split("'")[0]) == 105

    def test_notes_errors_of_a_set_that_can_still_be_used(self) -> None:
        lines = answer(interchange(transaction_set(count=41, closing="0002")))
        assert lines == ["AK1*QM*7", "AK2*214*0001", "AK5*E*3*4", "AK9*E*1*1*1"]

    def test_names_the_bad_segment_and_element_by_position(self) -> None:
        raw = interchange(transaction_set("0001", "B10*R*S*C", "LX*1", STATUS, "AT7*AF*NS***20261323*1705*ET"))
        assert answer(raw) == ["AK1*QM*7", "AK2*214*0001", "AK3*AT7*5*LX*8", "AK4*5*373*8*20261323", "AK5*E*5", "AK9*E*1*1*1"]

    def test_refuses_one_set_and_accepts_its_neighbour(self) -> None:
        raw = interchange(transaction_set("0001", "LX*1", STATUS), transaction_set("0002"))
        lines = answer(raw)
        assert lines == ["AK1*QM*7", "AK2*214*0001", "AK3*B10*2**3", "AK5*R*5", "AK2*214*0002", "AK5*A", "AK9*P*2*2*1"]

    def test_counts_a_set_that_got_lost_as_received_in_part(self) -> None:
        raw = interchange(transaction_set("0001").replace("ST*", "T*", 1), transaction_set("0002"))
        assert answer(raw)[-1] == "AK9*P*2*1*1*5"

    def test_refuses_what_a_strict_sender_profile_does_not_allow(self) -> None:
        lines = answer(interchange(transaction_set(count=41)), strict=True)
        assert lines == ["AK1*QM*7", "AK2*214*0001", "AK5*R*4", "AK9*R*1*1*0"]

    def test_is_the_same_for_the_same_document_and_receipt(self) -> None:
        raw = interchange(transaction_set())
        assert acknowledge(edi_x12.read(raw), control=42, now=NOW) == acknowledge(edi_x12.read(raw), control=42, now=NOW)

    def test_answers_every_interchange_of_a_document_under_its_own_number(self) -> None:
        raw = interchange(transaction_set()) * 2
        assert [i.control for i in edi_x12.read(acknowledge(edi_x12.read(raw), control=42, now=NOW))] == ["000000042", "000000043"]

    def test_is_never_given_for_an_acknowledgment(self) -> None:
        written = acknowledge(edi_x12.read(interchange(transaction_set())), control=42, now=NOW)
        assert acknowledge(edi_x12.read(written), control=43, now=NOW) == b""
