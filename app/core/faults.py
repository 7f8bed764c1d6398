"""Named points at which a rehearsal may kill this process, so that every crash the product promises to survive can be tried.

A point is armed by a file of its name in the folder of the setting `fault_dir`; whoever passes it next takes the file away and
dies, so it fires once over all processes. Without that setting (development only) nothing is ever looked up.
"""

import contextlib
import os
import signal
from pathlib import Path

_folder: Path | None = None


def arm(folder: str) -> None:
    """Look for armed points in `folder` from now on; an empty name disarms."""
    global _folder
    _folder = Path(folder) if folder else None


def point(name: str) -> None:
    """Die here (SIGKILL) if this point is armed."""
    if _folder is None:
        return
    with contextlib.suppress(FileNotFoundError):
        (_folder / name).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
