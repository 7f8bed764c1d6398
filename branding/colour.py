"""Colours: sRGB hex in and out, WCAG 2.2 contrast, and the nearest colour that passes.

Contrast and relative luminance follow WCAG 2.2 (definitions "contrast ratio" and "relative luminance");
"nearest" is measured along lightness in OKLab (Björn Ottosson, 2020), so a corrected colour keeps its hue.
"""

import re

HEX = re.compile(r"^#[0-9A-Fa-f]{6}$")
TEXT_CONTRAST = 4.5  # WCAG 1.4.3 (AA), text under 24 px
SHAPE_CONTRAST = 3.0  # WCAG 1.4.11 (AA), shapes and focus marks

Rgb = tuple[float, float, float]


def is_colour(text: str) -> bool:
    """Say whether `text` is a colour we take: `#RRGGBB`."""
    return bool(HEX.match(text))


def linear(colour: str) -> Rgb:
    """Return the linear-light red, green and blue (0..1) of `#RRGGBB`."""
    red, green, blue = (_to_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(background: str, *, dark: str = "#101418", light: str = "#FFFFFF") -> str:
    """Return whichever of a dark and a light ink stands out more on `background`; black or white when neither reaches 4.5:1."""
    best = max((light, dark), key=lambda ink: contrast(ink, background))
    return best if contrast(best, background) >= TEXT_CONTRAST else max(("#FFFFFF", "#000000"), key=lambda ink: contrast(ink, background))


def nearest_passing(colour: str, background: str, least: float) -> str:
    """Return `colour`, or the colour of its hue whose lightness is nearest to it and that reaches `least` on `background`."""
    if contrast(colour, background) >= least:
        return colour.upper()
    start, green_red, blue_yellow = _to_oklab(linear(colour))
    for step in range(1, 201):
        for lightness in (start - step * 0.005, start + step * 0.005):
            candidate = _from_oklab(lightness, green_red, blue_yellow)
            if 0 <= lightness <= 1 and contrast(candidate, background) >= least:
                return candidate
    return readable_on(background)


def mix(one: str, other: str, share: float) -> str:
    """Return `one` with `share` (0..1) of `other` mixed in, by OKLab, so that steps look even."""
    left, right = _to_oklab(linear(one)), _to_oklab(linear(other))
    return _from_oklab(*(a + (b - a) * share for a, b in zip(left, right, strict=True)))


def _to_linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _to_gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _to_oklab(rgb: Rgb) -> Rgb:
    red, green, blue = rgb
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lightness: float, green_red: float, blue_yellow: float) -> str:
    """Return the hex colour; one outside sRGB gives up colourfulness until it fits, keeping lightness and hue."""
    rgb = _linear_from_oklab(lightness, green_red, blue_yellow)
    for tenth in range(9, -1, -1):
        if all(-0.0005 <= part <= 1.0005 for part in rgb):
            break
        rgb = _linear_from_oklab(lightness, green_red * tenth / 10, blue_yellow * tenth / 10)
    return "#" + "".join(f"{round(255 * _to_gamma(min(1.0, max(0.0, part)))):02X}" for part in rgb)


def _linear_from_oklab(lightness: float, green_red: float, blue_yellow: float) -> Rgb:
    long = (lightness + 0.3963377774 * green_red + 0.2158037573 * blue_yellow) ** 3
    medium = (lightness - 0.1055613458 * green_red - 0.0638541728 * blue_yellow) ** 3
    short = (lightness - 0.0894841775 * green_red - 1.2914855480 * blue_yellow) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
