"""Tokens become a theme that can be read, or are refused with the remedy."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branding.colour import contrast, linear, mix, nearest_passing, readable_on
from branding.schemas import Tokens
from branding.theme import ColourUnreadable, faults, theme

pytestmark = pytest.mark.feature("M180")
COLOURS = st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02X}{:02X}{:02X}".format(*rgb))


class TestContrast:
    def test_gives_the_ratios_published_by_wcag(self) -> None:
        assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
        assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
        assert contrast("#FFFFFF", "#767676") == pytest.approx(4.54, abs=0.005)

    @given(COLOURS)
    def test_finds_ink_that_reads_on_any_ground(self, ground: str) -> None:
        assert contrast(readable_on(ground), ground) >= 4.5

    @given(COLOURS, COLOURS)
    def test_survives_the_way_through_oklab(self, one: str, other: str) -> None:
        assert linear(mix(one, other, 0)) == pytest.approx(linear(one), abs=0.006)


class TestNearestPassing:
    @given(COLOURS, st.sampled_from(["#FFFFFF", "#14171B", "#FFF9F2"]), st.sampled_from([3.0, 4.5]))
    def test_always_passes(self, colour: str, ground: str, least: float) -> None:
        assert contrast(nearest_passing(colour, ground, least), ground) >= least

    def test_leaves_a_colour_that_passes_alone(self) -> None:
        assert nearest_passing("#0b5fff", "#FFFFFF", 4.5) == "#0B5FFF"

    def test_goes_no_further_than_it_must(self) -> None:
        assert contrast(nearest_passing("#FFD400", "#FFFFFF", 4.5), "#FFFFFF") < 4.7

    def test_keeps_the_hue(self) -> None:
        red, green, blue = linear(nearest_passing("#00C2A8", "#FFFFFF", 4.5))
        assert green > blue > red


class TestTheme:
    def test_refuses_an_unreadable_colour_naming_field_and_remedy(self) -> None:
        with pytest.raises(ColourUnreadable) as refused:
            theme(Tokens(primary="#FFD400"))
        (fault,) = refused.value.errors
        assert fault.pointer == "/tokens/primary"
        assert "1.43:1" in fault.detail and "4.5:1" in fault.detail
        proposed = re.search(r"#[0-9A-F]{6}", fault.remedy)
        assert proposed and not faults(Tokens(primary=proposed.group()))

    def test_names_every_failing_field_at_once(self) -> None:
        found = faults(Tokens(primary="#EEEEEE", accent="#DDDDDD", text="#CCCCCC"))
        assert [fault.pointer for fault in found] == ["/tokens/text", "/tokens/primary", "/tokens/accent"]

    @given(COLOURS, COLOURS, COLOURS)
    def test_is_readable_by_day_and_by_night_whatever_was_accepted(self, primary: str, surface: str, text: str) -> None:
        tokens = Tokens(primary=primary, surface=surface, text=text)
        if faults(tokens):
            return
        made = theme(tokens)
        for side in (made.light, made.dark):
            for ink, least in {"text": 4.5, "brand": 4.5, "muted": 4.5, "ok": 4.5, "act": 4.5, "accent": 3.0, "edge": 3.0}.items():
                assert contrast(side[ink], side["surface-1"]) >= least, ink
            assert contrast(side["on-brand"], side["brand"]) >= 4.5
            assert contrast(side["text"], side["surface-2"]) >= 4.5
            assert contrast(side["muted"], side["surface-2"]) >= 4.5

    def test_writes_variables_only(self) -> None:
        sheet = theme(Tokens(primary="#0B5FFF", radius=12, font="serif")).css()
        assert "--brand:#0B5FFF;" in sheet and "--radius:12px;" in sheet and "Charter" in sheet
        assert "@media (prefers-color-scheme:dark)" in sheet
        assert "url(" not in sheet and "@import" not in sheet


class TestLinks:
    @pytest.mark.parametrize("primary", ["#0B5FFF", "#0F6E5C", "#767676", "#B45309", "#7C3AED"])
    def test_can_be_read_on_every_surface_by_day_and_by_night(self, primary: str) -> None:
        made = theme(Tokens(primary=primary))
        for side in (made.light, made.dark):
            assert all(contrast(side["link"], side[ground]) >= 4.5 for ground in ("surface-1", "surface-2", "surface-3"))
            assert all(contrast(side["muted"], side[ground]) >= 4.5 for ground in ("surface-1", "surface-2", "surface-3"))
