"""What the screens say: one YAML file a language for the customers' pages, one file in English for each of the partner's areas."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import yaml
from markupsafe import Markup, escape

FALLBACK = "en"
PARTNER_AREAS = ("ops", "admin")


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Mapping[str, str]]:
    folder = resources.files("app.portal") / "words"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {f.name.removesuffix(".yaml"): yaml.safe_load(f.read_text("utf-8")) or {} for f in found}


def languages() -> tuple[str, ...]:
    """The languages the customers' pages speak."""
    return tuple(name for name in _files() if name not in PARTNER_AREAS)


def spoken(area: str, locale: str) -> str:
    """Return the language a page of `area` is in when `locale` is asked for: what the page's `lang` must say."""
    language = locale.split("-")[0].lower()
    return FALLBACK if area in PARTNER_AREAS or language not in languages() else language


def words(area: str, locale: str) -> Mapping[str, str]:
    """Return the sentences a page of `area` may say."""
    files = _files()
    return {**files[FALLBACK], **files[spoken(area, locale)], **(files.get(area, {}) if area in PARTNER_AREAS else {})}


def say(sentences: Mapping[str, str], key: str, **values: object) -> Markup:
    """Return the sentence `key` with `values` put in, escaped and kept apart from the text's writing direction."""
    inserted = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
    return Markup(escape(sentences[key])).format(**inserted)
