"""Named points at which a test may kill this process, so that every crash the product promises to survive can be rehearsed.

`DETOUR_FAULT_AT=name` arms one point, `DETOUR_FAULT_FILE` makes it fire once over all processes and restarts.
Nothing is armed unless development faults are allowed in the settings.
"""

import os
import signal
from pathlib import Path

_armed: str | None = None
_marker: Path | None = None


def arm(name: str | None, marker: str | None) -> None:
    """Make `point(name)` kill this process with SIGKILL, once; the marker file remembers that it happened."""
    global _armed, _marker
    _armed, _marker = name, Path(marker) if marker else None


def point(name: str) -> None:
    """Die here if this point is armed and has not fired yet."""
    if name != _armed:
        return
    if _marker is not None:
        try:
            os.close(os.open(_marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
