import re

import pytest

from app.core.patterns import LONGEST_TEXT, complaint, matches

pytestmark = pytest.mark.feature("M38")


class TestComplaint:
    @pytest.mark.parametrize(
        "pattern",
        ["^[A-Z]{3}$", r"^\d{4}-\d{2}$", "^(EUR|USD)$", "^[]a]+$", r"^ORD-[0-9]+(?:-X)$", "a{0,5}b?", r"\(a\)+", "[(]a[)]+", "a{x}"],
    )
    def test_takes_plain_patterns(self, pattern: str):
        assert complaint(pattern) is None

    @pytest.mark.parametrize(
        "pattern",
        [
            "(a+)+$", "(a|a)*$", "(.*a){20}", "(a|aa)+$", "(?:a|b){2,}", "(a)?", "(?=a)a", "(?<=a)b", r"(?P<n>a)", r"(a)\1", "a*b*c*", "a{0,900}b{0,900}c+",
            "a?" * 13, "(a|a)" * 13, "a*b*(c|d)", "(a|a)" * 7 + "a*", "a" * 501, "(", "a**", "[",
        ],
    )  # fmt: skip
    def test_refuses_what_could_take_for_ever(self, pattern: str):
        assert complaint(pattern)

    def test_sees_each_repetition_as_the_engine_does(self):
        for pattern in ("a{2}b", "a{,9}", "a{3,}", "a*?", "a++", "[*+?]", r"\*\+\?"):
            re.compile(pattern)
            assert complaint(pattern) is None, pattern


class TestMatches:
    def test_does_not_look_through_long_text_with_an_open_repetition(self):
        assert matches("^a+$", "a" * LONGEST_TEXT) and not matches("^a+$", "a" * (LONGEST_TEXT + 1))
        assert matches("^a", "a" * 10_000)
