"""Envelopes are read tolerantly: a wrong count or a missing trailer is a finding, never the loss of what can be read."""

import pytest

from app.ingest.sources import edi_x12
from app.ingest.sources.x12_envelope import Interchange
from app.ingest.sources.x12_reader import interchanges
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M9")


def one(raw: bytes) -> Interchange:
    found = list(interchanges(raw))
    assert len(found) == 1
    return found[0]


def details(raw: bytes) -> list[str]:
    item = one(raw)
    groups = item.groups
    return [
        f.detail
        for f in [*item.findings, *(f for g in groups for f in g.findings), *(f for g in groups for s in g.sets for f in s.findings)]
    ]


class TestEnvelope:
    def test_of_a_clean_document_has_no_findings(self) -> None:
        item = one(interchange(transaction_set("0001"), transaction_set("0002")))
        assert (item.sender, item.receiver, item.control) == ("SCAC", "DETOUR", "000000007")
        assert [s.control for s in item.groups[0].sets] == ["0001", "0002"]
        assert details(interchange(transaction_set())) == []

    def test_may_write_counts_with_leading_zeros(self) -> None:
        raw = interchange(transaction_set(), groups="00001").replace(b"SE*9*", b"SE*0000000009*")
        assert details(raw) == []

    def test_says_what_the_trailer_claims_and_what_is_there(self) -> None:
        assert details(interchange(transaction_set(count=41))) == ["SE01 says 41, actual 9"]
        assert details(interchange(transaction_set(), declared=2)) == ["GE01 says 2, actual 1"]
        assert details(interchange(transaction_set(), groups="3")) == ["IEA01 says 3, actual 1"]

    def test_says_which_control_numbers_differ(self) -> None:
        assert details(interchange(transaction_set(closing="0009"))) == ["SE02 says 0009, ST02 says 0001"]
        assert details(interchange(transaction_set(), ge="8")) == ["GE02 says 8, GS06 says 7"]
        assert details(interchange(transaction_set(), iea="000000009")) == ["IEA02 says 000000009, ISA13 says 000000007"]

    def test_notes_a_set_number_that_appears_again_and_keeps_both_sets(self) -> None:
        raw = interchange(transaction_set("0001"), transaction_set("0001"))
        assert details(raw) == ["ST02 0001 appears again."]
        assert len(one(raw).groups[0].sets) == 2

    def test_notes_an_interchange_that_appears_again_in_the_same_document(self) -> None:
        raw = interchange(transaction_set())
        first, second = interchanges(raw + raw)
        assert first.findings == []
        assert [f.code for f in second.findings] == ["control_repeated"]

    def test_refuses_a_set_whose_end_was_cut_off(self) -> None:
        raw = interchange(transaction_set())
        cut = raw[: raw.index(b"SE*")]
        item = one(cut)
        assert item.groups[0].sets[0].is_refused
        assert [f.code for f in item.findings] == ["trailer_missing"]

    def test_names_a_run_of_lost_segments_once(self) -> None:
        raw = interchange(transaction_set("0001").replace("ST*", "T*", 1), transaction_set("0002"))
        assert details(raw) == [
            "T stands outside a transaction set, and so may what follows.",
            "SE has no ST before it; the transaction set can't be read.",
            "GE01 says 2, actual 1",
        ]

    def test_keeps_sets_that_stand_outside_a_group(self) -> None:
        raw = interchange(transaction_set()).replace(b"GS*QM*SCAC*DETOUR*20261123*1705*7*X*004010~", b"")
        assert len(one(raw).groups[0].sets) == 1


class TestContentHash:
    def test_is_equal_for_the_same_content_under_other_control_numbers(self) -> None:
        again = interchange(transaction_set("0055"), control="000000099", iea="000000099")
        mine, theirs = (next(edi_x12.items(edi_x12.read(raw))) for raw in (interchange(transaction_set("0001")), again))
        assert edi_x12.content_hash(mine) == edi_x12.content_hash(theirs)

    def test_differs_for_another_time_and_for_another_sender(self) -> None:
        raw = interchange(transaction_set())
        later, other = raw.replace(b"*1705*ET", b"*1706*ET"), raw.replace(b"*02*SCAC ", b"*02*OTHR ")
        hashes = {edi_x12.content_hash(next(edi_x12.items(edi_x12.read(r)))) for r in (raw, later, other)}
        assert len(hashes) == 3
