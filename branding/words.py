"""Our neutral words for link pages and mail frames, one YAML file a language in `defaults/words/`."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

import yaml

FALLBACK = "en"


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Mapping[str, str]]:
    """Every language we bring, by its tag; each holds the same keys as English (a test compares them)."""
    folder = resources.files("branding") / "defaults" / "words"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return {file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text("utf-8")) for file in files}


def words(locale: str) -> Mapping[str, str]:
    """Return the words for `locale`: its own, else its language's, else English."""
    return languages()[spoken_as(locale)]


def spoken_as(locale: str) -> str:
    """Return the language our words are in when `locale` is asked for: what the page's `lang` must say."""
    language = locale.split("-")[0].lower()
    return language if language in languages() else FALLBACK
