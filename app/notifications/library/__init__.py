"""Templates every tenant has from the first day; one of its own with the same name goes before them."""

from functools import lru_cache
from importlib import resources

import msgspec
import yaml

from app.notifications.schemas import TemplateContent


@lru_cache(maxsize=1)
def built_in() -> dict[str, TemplateContent]:
    """Every built-in template by its name."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".yaml")]
    return {file.name.removesuffix(".yaml"): msgspec.convert(yaml.safe_load(file.read_text("utf-8")), TemplateContent) for file in files}
