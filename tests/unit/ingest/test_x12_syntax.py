"""X12 as characters: any delimiters an ISA may declare, and the limits that keep a hostile document small."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.sources import x12_syntax
from app.ingest.sources.x12_syntax import BadDelimiters, BadSegment, NotAnInterchange, TooLarge, segments, text_of
from tests.unit.ingest.x12_fixtures import interchange, transaction_set, with_delimiters

pytestmark = pytest.mark.feature("M9")
PLAIN = interchange(transaction_set())


def ids(raw: bytes) -> list[str]:
    return [s.id for s, _ in segments(text_of(raw))]


class TestDelimiters:
    @pytest.mark.parametrize("terminator", ["~", "|", ".", "}", "\n", "\r", "\r\n", "\u2026", "\x1c"])
    def test_are_read_from_the_isa_whatever_ends_a_segment(self, terminator: str) -> None:
        assert ids(with_delimiters(PLAIN, "*", ">", terminator)) == ids(PLAIN)

    def test_may_be_the_star_that_others_separate_with(self) -> None:
        assert ids(with_delimiters(PLAIN, "~", "`", "*")) == ids(PLAIN)

    def test_are_read_anew_at_every_interchange(self) -> None:
        both = PLAIN + with_delimiters(PLAIN, "|", ":", "'")
        assert ids(both) == ids(PLAIN) * 2

    def test_know_the_repetition_separator_only_since_version_00402(self) -> None:
        newer = PLAIN.replace(b"*U*00401*", b"*^*00501*")
        assert next(segments(text_of(PLAIN)))[1].repetition is None
        assert next(segments(text_of(newer)))[1].repetition == "^"

    @pytest.mark.parametrize(("component", "terminator"), [("*", "~"), (">", "*"), ("~", "~"), ("A", "~"), (">", "7"), (" ", "~")])
    def test_are_refused_when_they_cannot_be_told_apart(self, component: str, terminator: str) -> None:
        isa = PLAIN[: PLAIN.index(b">~")].decode() + component + terminator
        with pytest.raises(BadDelimiters):
            ids(isa.encode() + b"GS")

    def test_are_refused_when_the_isa_is_cut_short(self) -> None:
        with pytest.raises(BadDelimiters, match="fewer than sixteen"):
            ids(PLAIN[:60])


class TestSegments:
    def test_skip_byte_order_marks_line_breaks_and_indents(self) -> None:
        pretty = b"\xef\xbb\xbf" + PLAIN.replace(b"~", b"~\r\n\t  ")
        assert ids(pretty) == ids(PLAIN)

    def test_need_no_terminator_at_the_end(self) -> None:
        assert ids(PLAIN.removesuffix(b"~")) == ids(PLAIN)

    def test_cut_trailing_blanks_of_elements_and_keep_leading_ones(self) -> None:
        raw = interchange(transaction_set("0001", "B10* REF   *SHP*SCAC"))
        found = [s for s, _ in segments(text_of(raw)) if s.id == "B10"]
        assert found[0].elements == ("B10", " REF", "SHP", "SCAC")
        assert found[0].get(1) == "REF"
        assert found[0].get(9) == ""

    def test_read_text_that_is_not_utf8_as_latin_1(self) -> None:
        raw = PLAIN.replace(b"ACME", "Café".encode("latin-1"))
        assert any("Café" in s.elements for s, _ in segments(text_of(raw)))


class TestHostileDocuments:
    @pytest.mark.parametrize("raw", [b"", b"  \r\n", b"SA*00*", b"{}", b"UNB+UNOA:1", b"\xff\xfe\xfd"])
    def test_that_are_no_x12_say_so(self, raw: bytes) -> None:
        with pytest.raises(NotAnInterchange):
            ids(raw)

    def test_are_refused_over_sixteen_mebibytes(self) -> None:
        with pytest.raises(TooLarge):
            text_of(b"I" * (x12_syntax.MAX_BYTES + 1))

    def test_are_refused_over_fifty_thousand_segments_without_reading_on(self) -> None:
        raw = PLAIN + b"X*1~" * x12_syntax.MAX_SEGMENTS
        with pytest.raises(TooLarge, match="50,000"):
            ids(raw)

    def test_are_refused_when_a_segment_never_ends(self) -> None:
        with pytest.raises(BadSegment, match="terminator"):
            ids(PLAIN + b"X*" + b"1" * 200_000)

    def test_are_refused_when_a_segment_has_too_many_elements(self) -> None:
        with pytest.raises(BadSegment, match="256 elements"):
            ids(PLAIN + b"X" + b"*1" * 300)

    def test_are_refused_with_a_nul(self) -> None:
        with pytest.raises(BadSegment, match="NUL"):
            ids(PLAIN.replace(b"ACME", b"AC\x00ME"))

    @given(st.binary(max_size=400))
    def test_of_any_bytes_end_in_segments_or_in_a_named_refusal(self, tail: bytes) -> None:
        with contextlib.suppress(BadDelimiters, BadSegment):
            assert ids(PLAIN + tail)[0] == "ISA"
