"""The vocabulary policies are written in: typed dotted facts, and which of them an expression reads."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

import msgspec
import yaml

from app.canonical.events import event_types

_LITERAL = re.compile(r"""[rR]?("{3}.*?"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""", re.DOTALL)
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_CEL_TYPES = {"string": "string", "currency": "string", "int": "int", "bool": "bool", "double": "double", "timestamp": "timestamp"}
_LOCATION = ("name", "code", "city", "region", "postal_code", "country")


class FactKind(msgspec.Struct, frozen=True):
    """One fact policies may read."""

    name: str
    type: str
    meaning: str
    source: str


@cache
def vocabulary() -> dict[str, FactKind]:
    """Every built-in fact by name."""
    text = resources.files(__package__).joinpath("facts.yaml").read_text("utf-8")
    rows = yaml.load(text, Loader=yaml.BaseLoader)  # our own file; strings only
    return {name: FactKind(name, *row) for name, row in rows.items()} | _event_data()


def types_with(own: Mapping[str, str]) -> dict[str, str]:
    """CEL types of all facts, those a document declares for itself included."""
    return {**_builtin_types(), **own}


@cache
def _builtin_types() -> dict[str, str]:
    return {name: kind.type for name, kind in vocabulary().items()}


@lru_cache(maxsize=8192)
def _names(expression: str) -> frozenset[str]:
    """Every dotted name outside literals, each with its beginnings, and every literal's text."""
    literals = {found[1].strip("'\"") for found in _LITERAL.finditer(expression)}
    code = _LITERAL.sub(" ", expression)
    names = [found.group(0).split(".") for found in _NAME.finditer(code)]
    return frozenset(literals | {".".join(parts[:end]) for parts in names for end in range(1, len(parts) + 1)})


def reads(expression: str, types: Mapping[str, str]) -> tuple[str, ...]:
    """The facts an expression reads or asks the presence of, in order of name."""
    return tuple(sorted(_names(expression) & types.keys()))


@lru_cache(maxsize=16384)
def typed(expression: str, own: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The facts an expression reads with their types, `own` ones of its document included; asked anew for every event, so kept."""
    types = types_with(dict(own))
    return tuple((name, types[name]) for name in reads(expression, types))


def _event_data() -> dict[str, FactKind]:
    """Facts for the typed fields of the canonical events; places are flattened, lists of lines and parties are left out."""
    facts: dict[str, FactKind] = {}
    for event in event_types().values():
        for field, kind in event.data.items():
            parts = [f"{field}.{part}" for part in _LOCATION] if kind == "location" else [field]
            if kind == "location" or kind in _CEL_TYPES:
                facts |= {
                    f"event.data.{part}": FactKind(f"event.data.{part}", _CEL_TYPES.get(kind, "string"), event.title, "event")
                    for part in parts
                }
    return facts
