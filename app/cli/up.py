"""`detour up`: everything on one machine, from nothing, until told to stop; nothing it started outlives it."""

import asyncio
import base64
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from types import FrameType
from typing import TextIO
from urllib.request import urlopen

from rich.console import Console

from app.cli.platform import make_platform_key
from app.core.context import Signer
from app.core.embedded import ROLES, CannotStart, Postgres, Valkey, _die_with_parent, free_port, home_for
from app.core.migrate import migrate, prepare_cluster
from app.core.settings import Settings

DATABASE = "detour"
READY_SECONDS = 60
ADDRESS, MAIL, PLATFORM_KEY, LOCK = "address", "mail", "platform.key", "lock"  # what a running installation tells in files of its home
_URLS = {"": "app", "CUSTOMER_": "customer", "BATCH_": "batch", "DISPATCH_": "dispatch", "OPS_": "ops", "OWNER_": "owner"}


class Stopped(Exception):
    """Somebody asked us to stop."""


@dataclass
class Child:
    """One of our own processes: how it is started, and started again when it dies."""

    name: str
    argv: Sequence[str]
    env: dict[str, str]
    log: Path
    pid_file: Path
    process: Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = Popen(
                self.argv, stdin=DEVNULL, stdout=out, stderr=out, env=self.env, preexec_fn=_die_with_parent, start_new_session=True
            )
        self.pid_file.write_text(str(self.process.pid))

    def stop(self, patience: float = 25.0) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(Exception):
                self.process.wait(patience)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


class Installation:
    """The whole of one running installation under `home`."""

    def __init__(self, home: Path, console: Console) -> None:
        self.home, self.console = home, console
        self.run = home / "run"
        self.postgres = Postgres(home)
        self.valkey = Valkey(home)
        self.children: list[Child] = []
        self.api_port, self.simulator_port, self.smtp_port = free_port(), free_port(), free_port()
        self.platform_key = ""
        self._held: TextIO | None = None

    def hold(self) -> bool:
        """Take this home for ourselves, for as long as this process lives; False when another has it."""
        if self._held is None:
            file = (self.home / LOCK).open("w")
            if _locked(file):
                self._held = file
            else:
                file.close()
        return self._held is not None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"

    @property
    def mail_url(self) -> str:
        return f"{self.simulator_url}/mail/messages"

    def start(self) -> None:
        """Bring everything up in order; raises CannotStart naming what did not come."""
        if not self.hold():
            raise CannotStart(f"Another installation runs under {self.home}.")
        self.run.mkdir(parents=True, exist_ok=True)
        (self.home / "faults").mkdir(exist_ok=True)
        self._say("PostgreSQL and Valkey")
        self.postgres.start()
        self.valkey.start()
        self._remember("postgres", self.postgres.server.process.pid if self.postgres.server else 0)
        self._remember("valkey", self.valkey.server.process.pid if self.valkey.server else 0)
        self._say("database")
        asyncio.run(self._database())
        self._say("simulated world, API, worker")
        self.children = [self._simulator(), self._detour("api", "serve"), self._detour("worker", "worker")]
        for child in self.children:
            child.start()
        self._wait(f"{self.simulator_url}/healthz", "the simulated world")
        self._wait(f"{self.base_url}/readyz", "the API")
        (self.home / ADDRESS).write_text(self.base_url)
        (self.home / MAIL).write_text(self.mail_url)

    async def _database(self) -> None:
        await prepare_cluster(self.postgres.url("postgres", "postgres"), DATABASE, {r: self.postgres.password(r) for r in ROLES})
        settings = Settings.load(self.environment(), dotenv=Path("/nonexistent"))
        await migrate(settings.database_owner_url, Signer(settings.master_key))
        stored = self.home / PLATFORM_KEY
        if not stored.exists():
            _secret_file(stored, await make_platform_key(settings, "local operator"))
        self.platform_key = stored.read_text()

    def environment(self) -> dict[str, str]:
        """The settings of this installation, as its processes read them."""
        urls = {f"DETOUR_DATABASE_{n}URL": self.postgres.url(f"detour_{r}", DATABASE) for n, r in _URLS.items()}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DETOUR_")}
        chosen = {k: v for k, v in os.environ.items() if k.startswith("DETOUR_")}
        return {
            **kept, **urls, "DETOUR_REDIS_URL": self.valkey.url, "DETOUR_MASTER_KEY": self._master_key(), "DETOUR_DEVELOPMENT": "true",
            "DETOUR_EGRESS_ALLOW_LOOPBACK": "true", "DETOUR_PUBLIC_SCHEME": "http", "DETOUR_PUBLIC_PORT": str(self.api_port), "DETOUR_LISTEN_PORT": str(self.api_port),
            "DETOUR_SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}", "DETOUR_ANCHOR_DIR": str(self.home / "anchors"), "DETOUR_FAULT_DIR": str(self.home / "faults"), **chosen,
        }  # fmt: skip

    def _master_key(self) -> str:
        path = self.home / "master.key"
        if not path.exists():
            _secret_file(path, base64.b64encode(secrets.token_bytes(32)).decode())
        return path.read_text()

    def _simulator(self) -> Child:
        argv = [
            sys.executable,
            "-m",
            "simulator",
            "--port",
            str(self.simulator_port),
            "--smtp-port",
            str(self.smtp_port),
            "--data",
            str(self.home / "world"),
        ]
        return self._child("simulator", argv, {k: v for k, v in os.environ.items() if not k.startswith("DETOUR_")})

    def _detour(self, name: str, command: str) -> Child:
        return self._child(name, [sys.executable, "-m", "app.cli", command], self.environment())

    def _child(self, name: str, argv: list[str], env: dict[str, str]) -> Child:
        return Child(name, argv, env, self.home / f"{name}.log", self.run / f"{name}.pid")

    def tend(self) -> None:
        """Start again what died: this machine's stand-in for what a cluster does."""
        for child in self.children:
            if child.process and child.process.poll() is not None:
                child.start()
        for name, server in (("postgres", self.postgres), ("valkey", self.valkey)):
            if server.server and server.server.process.poll() is not None:
                server.start()
                self._remember(name, server.server.process.pid)

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.run, ignore_errors=True)
        for name in (ADDRESS, MAIL):
            (self.home / name).unlink(missing_ok=True)
        if self._held:
            self._held.close()
            self._held = None

    def _remember(self, name: str, pid: int) -> None:
        (self.run / f"{name}.pid").write_text(str(pid))

    def _wait(self, url: str, what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
            for child in self.children:
                if child.process and child.process.poll() is not None:
                    raise CannotStart(f"{child.name} stopped: {_tail(child.log)} (log: {child.log})")
            time.sleep(0.1)
        raise CannotStart(f"{what} did not answer within {READY_SECONDS} s (logs: {self.home}).")

    def _say(self, what: str) -> None:
        self.console.print(f"[dim]starting[/] {what}", highlight=False)


def up(*, once: bool, story: bool, chaos: bool, inputs: Sequence[Path], home: Path | None, keep: bool) -> int:
    """Run an installation; returns the exit code: 0, 1 when an outcome did not hold, 3 when something could not start."""
    console = Console(stderr=False, soft_wrap=True)
    place = home or home_for(Path.cwd())
    place.mkdir(parents=True, exist_ok=True)
    installation = Installation(place, console)
    if not installation.hold():
        console.print(f"Running already: {(place / ADDRESS).read_text() if (place / ADDRESS).exists() else place}", highlight=False)
        return 1
    if not keep:
        _forget(place)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        installation.start()
        code = _play(installation, story=story, chaos=chaos, inputs=inputs, stays=not once)
        if not once and code == 0:
            console.print(
                f"\nUp at {installation.base_url} (all mail: {installation.simulator_url}/mail). Ctrl-C stops everything.",
                highlight=False,
            )
            _stay(installation.tend)
        return code
    except Stopped:
        return 0 if not once else 1
    except CannotStart as error:
        console.print(f"[red]{error}[/]", highlight=False)
        return 3
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        installation.stop()


def variables(home: Path) -> dict[str, str]:
    """How to reach the installation that runs under `home`; raises CannotStart when none does."""
    try:
        # An installation that was killed leaves its files behind, but not its lock.
        with (home / LOCK).open("r") as lock:
            if _locked(lock):
                raise FileNotFoundError
        return {
            "DETOUR_BASE_URL": (home / ADDRESS).read_text(),
            "DETOUR_KEY": (home / PLATFORM_KEY).read_text(),
            "MAIL": (home / MAIL).read_text(),
        }
    except FileNotFoundError:
        raise CannotStart(f"Nothing runs under {home}; start it with `make run`.") from None


def _play(installation: Installation, *, story: bool, chaos: bool, inputs: Sequence[Path], stays: bool) -> int:
    common = ["--base-url", installation.base_url, "--platform-key", installation.platform_key, "--simulator", installation.simulator_url]
    if inputs:
        return _attend(installation, ["simulator.feed", *common, *map(str, inputs)])
    if not story:
        return 0
    extra = ["--fault-dir", str(installation.home / "faults")] if chaos else ["--no-chaos"]
    return _attend(installation, ["simulator.story", *common, *extra, *(["--doors"] if stays else [])])


def _attend(installation: Installation, module: list[str]) -> int:
    """Run one of the world's programs in the foreground while tending ours."""
    process = Popen([sys.executable, "-m", *module], preexec_fn=_die_with_parent)
    try:
        while process.poll() is None:
            installation.tend()
            time.sleep(0.1)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(10)
    return process.returncode


def _stay(tend: Callable[[], None]) -> None:
    while True:
        tend()
        time.sleep(0.3)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget(place: Path) -> None:
    """Drop the data of an earlier run: a story starts from nothing."""
    for name in ("pg", "pg.new", "valkey", "world", "anchors", "faults", "run"):
        shutil.rmtree(place / name, ignore_errors=True)
    for file in ("pg.secret", PLATFORM_KEY, "master.key", "postgres.log", "valkey.log", "api.log", "worker.log", "simulator.log"):
        (place / file).unlink(missing_ok=True)


def _secret_file(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " / ".join(lines[-2:])[-300:] or "no message"
