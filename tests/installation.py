"""A whole installation of its own processes, as `detour up` runs one, for journeys and chaos."""

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from app.cli.up import Installation
from simulator.story.book import Book, Check
from simulator.story.client import Outside
from simulator.story.play import Setting


class Running:
    """A running installation whose dead processes are started again, and ways to kill them."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.faults = installation.home / "faults"
        self.setting = Setting(installation.base_url, installation.platform_key, Outside(installation.simulator_url), patience=90)
        self._over = threading.Event()
        self._tender = threading.Thread(target=self._tend, daemon=True)
        self._tender.start()

    def _tend(self) -> None:
        while not self._over.wait(0.1):
            self.installation.tend()

    def stop(self) -> None:
        """Stop tending, then everything."""
        self._over.set()
        self._tender.join()
        self.installation.stop()

    def pid(self, name: str) -> int:
        """The process of api, worker, postgres, valkey or simulator; 0 while its file is being written."""
        return int((self.installation.run / f"{name}.pid").read_text() or 0)

    def kill(self, name: str) -> None:
        """SIGKILL one of the processes, with its group, and wait until it serves again."""
        starts = self._starts(name)
        before = self.pid(name)
        os.killpg(before, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while self.pid(name) in (0, before):
            assert time.monotonic() < deadline, f"{name} was not started again"
            time.sleep(0.05)
        while name in ("api", "worker") and self._starts(name) == starts:
            assert time.monotonic() < deadline, f"{name} did not come up again"
            time.sleep(0.05)

    def _starts(self, name: str) -> int:
        """How often this process said that it is ready."""
        path = self.installation.home / f"{name}.log"
        return path.read_text(errors="replace").count(f"{name} ready") if path.exists() else 0

    def log_tail(self, name: str) -> str:
        """What went wrong in a process, a line each, for a failing test's message."""
        path = self.installation.home / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(filter(None, map(_trouble, lines)))[-6000:]


def _trouble(line: str) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if said.get("level") == "info":
        return ""
    *_, last = [each for each in said.get("exception", "").splitlines() if each.strip()] or [""]
    return f"{said.get('timestamp')} {said.get('event')} {said.get('kind', '')} {said.get('error', '')[:600]} {last[:300]}"


@contextmanager
def running() -> Iterator[Running]:
    """Everything from nothing, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="detour-world-", dir="/var/tmp"))
    home.chmod(0o755)
    installation = Installation(home, Console(quiet=True))
    started = None
    try:
        installation.start()
        started = Running(installation)
        yield started
    finally:
        started.stop() if started else installation.stop()
        shutil.rmtree(home, ignore_errors=True)


def broken(book: Book, step: int | None = None, partner: str | None = None) -> list[Check]:
    """What did not hold, of a step or partner."""
    return [c for c in book.checks if not c.held and step in (None, c.step) and partner in (None, c.partner)]
