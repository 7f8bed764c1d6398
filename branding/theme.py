"""A theme: the partner's tokens become CSS variables for light and dark, each pair checked against WCAG 2.2 AA.

Text needs 4.5:1 and shapes 3:1 on the surface they lie on. A token that fails is refused with the nearest colour
that passes; the dark theme is derived from the light one, so it always passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from app.core.errors import FieldError, Invalid
from branding import colour
from branding.colour import SHAPE_CONTRAST, TEXT_CONTRAST
from branding.schemas import Tokens

FONTS: Mapping[str, str] = {  # only fonts that devices bring themselves: no page of ours loads one from elsewhere
    "system": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif",
    "humanist": "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'DejaVu Sans', source-sans-pro, sans-serif",
    "geometric": "Avenir, Montserrat, Corbel, 'URW Gothic', source-sans-pro, sans-serif",
    "grotesque": "'Helvetica Neue', Helvetica, Arial, 'Nimbus Sans', 'Liberation Sans', sans-serif",
    "serif": "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif",
    "slab": "Rockwell, 'Rockwell Nova', 'Roboto Slab', 'DejaVu Serif', serif",
    "mono": "ui-monospace, 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
}
_STATES = {"ok": "#1A7F37", "watch": "#9A6700", "act": "#CF222E", "info": "#0969DA"}
_NIGHT = "#14171B"
_DAY_INK = "#E8EBEF"


class ColourUnreadable(Invalid):
    """A brand colour can't be read on its surface."""

    status = 422


@dataclass(frozen=True)
class Theme:
    """Design variables by name (without the dashes), for light and for dark screens."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    def css(self) -> str:
        """Return the style rules that set every variable, dark ones when the reader prefers dark."""
        light, dark = (_declarations(side) for side in (self.light, self.dark))
        return f":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def theme(tokens: Tokens) -> Theme:
    """Derive the theme of `tokens`; raises ColourUnreadable naming each failing field and the nearest colour that passes."""
    if errors := faults(tokens):
        raise ColourUnreadable(errors=errors)
    return Theme(
        light=_side(tokens), dark=_side(_at_night(tokens)) | {"plate": tokens.surface}
    )  # a logo drawn for the day keeps its ground


@dataclass(frozen=True)
class Check:
    """One pair of colours held against WCAG 2.2 AA; `proposed` is the nearest colour that passes, "" where it passes already."""

    token: str
    colour: str
    ratio: float
    least: float
    use: str
    proposed: str = ""


def checks(tokens: Tokens) -> list[Check]:
    """Hold every token that carries text or shapes against the surface."""
    wanted = [
        ("text", tokens.text, TEXT_CONTRAST, "reading text"),
        ("primary", tokens.primary, TEXT_CONTRAST, "links and headings"),
        ("accent", tokens.accent or "", SHAPE_CONTRAST, "focus rings and marks"),
    ]
    return [_check(name, value, tokens.surface, least, use) for name, value, least, use in wanted if value]


def faults(tokens: Tokens) -> list[FieldError]:
    """List what can't be read, one entry a field, with its remedy; empty when the tokens pass AA."""
    return [_fault(check, tokens.surface) for check in checks(tokens) if check.proposed]


def corrected(tokens: Tokens) -> Tokens:
    """Return the tokens with every proposal taken, so that a theme can be made of them."""
    return msgspec.structs.replace(tokens, **{check.token: check.proposed for check in checks(tokens) if check.proposed})


def _check(name: str, value: str, surface: str, least: float, use: str) -> Check:
    ratio = colour.contrast(value, surface)
    return Check(name, value, ratio, least, use, "" if ratio >= least else colour.nearest_passing(value, surface, least))


def _fault(check: Check, surface: str) -> FieldError:
    return FieldError(
        pointer=f"/tokens/{check.token}",
        detail=f"{check.colour} has a contrast of {check.ratio:.2f}:1 on the surface {surface}; {check.least:g}:1 is needed for {check.use}.",
        remedy=f"Use {check.proposed}, the nearest colour that passes ({colour.contrast(check.proposed, surface):.2f}:1).",
    )


def _at_night(tokens: Tokens) -> Tokens:
    """The same tokens on a dark surface; a surface that is dark already stays as it is."""
    if colour.luminance(tokens.surface) < 0.18:
        return tokens
    return Tokens(
        primary=colour.nearest_passing(tokens.primary, _NIGHT, TEXT_CONTRAST),
        accent=colour.nearest_passing(tokens.accent or tokens.primary, _NIGHT, SHAPE_CONTRAST),
        surface=_NIGHT,
        text=_DAY_INK,
        radius=tokens.radius,
        font=tokens.font,
    )


def _side(tokens: Tokens) -> dict[str, str]:
    surface, text, brand = tokens.surface, tokens.text, tokens.primary
    panel, well = colour.mix(surface, text, 0.035), colour.mix(surface, text, 0.075)
    lesser = min((surface, panel, well), key=lambda ground: colour.contrast(text, ground))  # words lie on all three
    return {
        "brand": brand,
        "on-brand": colour.readable_on(brand),
        "link": colour.nearest_passing(brand, lesser, TEXT_CONTRAST),
        "accent": colour.nearest_passing(tokens.accent or brand, lesser, SHAPE_CONTRAST),
        "surface-1": surface,
        "surface-2": panel,
        "surface-3": well,
        "text": colour.nearest_passing(text, lesser, TEXT_CONTRAST),
        "muted": colour.nearest_passing(colour.mix(text, surface, 0.38), lesser, TEXT_CONTRAST),
        "line": colour.mix(surface, text, 0.16),
        "edge": colour.nearest_passing(colour.mix(surface, text, 0.45), surface, SHAPE_CONTRAST),
        **{name: colour.nearest_passing(value, lesser, TEXT_CONTRAST) for name, value in _STATES.items()},
        "radius": f"{tokens.radius}px",
        "font": FONTS[tokens.font],
    }


def _declarations(side: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in side.items())
