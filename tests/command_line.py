"""`detour` as a person types it: a process of its own, with nothing of ours in its environment but what is given."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("DETOUR_")}


def detour(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path = ROOT, timeout: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end; its exit code, output and errors."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments], capture_output=True, text=True, check=False, timeout=timeout, cwd=folder,
        env={**CLEAN, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **(environment or {})},
    )  # fmt: skip
