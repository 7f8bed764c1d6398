"""The design system's templates and style, for rooms that show screens: `ui.html`'s components, `screen.css`, the brand's variables.

The templates are ours and run here, autoescaped, with undefined names refused. A screen's style is one file a brand, so
that no page carries style of its own and the Content-Security-Policy allows none.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from branding.colour import readable_on
from branding.render import themed
from branding.schemas import Brand

SHEETS = ("base.css", "components.css", "screens.css", "tower.css", "charts.css")


class Screens:
    """Templates of one package on top of the design system's own."""

    def __init__(self, package: str, *, filters: Mapping[str, Callable[..., object]] | None = None) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader("branding", "system")]),
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._environment.filters.update(filters or {})

    def render(self, template: str, context: Mapping[str, object]) -> str:
        """Return the page `template` makes of `context`."""
        return self._environment.get_template(template).render(context)


def sheet(brand: Brand | None, names: tuple[str, ...] = SHEETS) -> str:
    """Return the whole style of a brand's screens: its variables, then the design system, or the sheets of it that are named."""
    return themed(brand).css() + _system(names)


def icon(brand: Brand | None) -> str:
    """Return a small SVG mark in the brand's colour with the first letter of its name; shown where there is no logo."""
    primary = themed(brand).light["brand"]
    letter = next((c for c in (brand.voice.name if brand else "") if c.isalnum()), "•").upper()
    escaped = {"&": "&amp;", "<": "&lt;"}.get(letter, letter)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="7" fill="{primary}"/>'
        f'<text x="16" y="22" font-family="sans-serif" font-size="18" font-weight="700" text-anchor="middle" fill="{readable_on(primary)}">{escaped}</text></svg>'
    )


@lru_cache(maxsize=4)
def _system(names: tuple[str, ...]) -> str:
    folder = resources.files("branding") / "system"
    return "\n".join((folder / name).read_text("utf-8") for name in names)
