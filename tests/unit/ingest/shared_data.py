"""Real payloads beside the project, read by path: tests that need one skip, with the reason, where they are absent."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def folder(name: str) -> Path:
    """Return a folder of real payloads, or skip the test."""
    path = ROOT / name
    if not path.is_dir():
        pytest.skip(f"real payloads are not here: {name}")
    return path


def x12_files() -> list[Path]:
    """Return every X12 document there is; empty where the real payloads are absent."""
    return sorted(p for p in ROOT.glob("x12-*/*") if p.name != "SOURCE.txt")
