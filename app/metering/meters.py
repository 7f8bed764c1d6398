"""Meters: what is counted, read from meters.yaml. A new meter is a paragraph there, no code."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

Path_ = Annotated[str, Meta(pattern=r"^(type|actor|subject|data(\.[a-z][a-z0-9_]*)+)$")]
Pattern = Annotated[str, Meta(pattern=r"^[a-z_]+\.([a-z_]+|\*)$")]


class Meter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that is counted.

    `quantity` is how much an event counts: a whole number, or where in the event one stands (an event without it
    counts nothing). `when` lists what must stand where, `dimensions` what a count can be broken down by.
    """

    title: str
    events: list[Pattern]
    quantity: Annotated[int, Meta(ge=0)] | Path_
    unit: str
    dimensions: dict[str, Path_] = {}
    when: dict[Path_, str | int | bool] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Annotated[int, Meta(ge=1, le=1)]
    meters: dict[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")], Meter]


def parse(raw: Any) -> dict[str, Meter]:
    """Return the meters of a parsed meters.yaml by name; raises msgspec.ValidationError naming the place."""
    return msgspec.convert(raw, _File).meters


@cache
def shipped() -> dict[str, Meter]:
    """Return the meters this installation counts by."""
    return parse(yaml.safe_load((Path(__file__).parent / "meters.yaml").read_text()))
