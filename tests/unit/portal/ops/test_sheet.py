"""Cells of a file for spreadsheets."""

import pytest

from app.portal.ops.sheet import cell


class TestACell:
    @pytest.mark.parametrize("text", ["=1+1", "+49 40", "-5", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])
    def test_that_a_spreadsheet_would_take_for_a_formula_becomes_text(self, text: str) -> None:
        assert cell(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["", "ORD-7731", "a=b", "9.1 °C"])
    def test_of_plain_text_stays(self, text: str) -> None:
        assert cell(text) == text
