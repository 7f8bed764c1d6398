"""Where children come from: our end of the warm process that forks them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
import structlog

from app.core.errors import Unavailable
from app.core.sandbox import limits
from app.core.sandbox.wire import HEADER, pack

_ROOT = str(Path(__file__).resolve().parents[3])
_PROGRAM = f"import sys; sys.path.insert(0, {_ROOT!r}); from app.core.sandbox.child import main; main()"
_START_SECONDS = 60.0  # warming takes 0.5 s; a machine under load takes its time
_SLOT = HEADER
_log = structlog.get_logger()


class SandboxUnavailable(Unavailable):
    """The sandbox can't start a process right now; try again shortly."""


class ChildDied(Exception):
    """The child ended during a call; `by_time` when we killed it at its limit, `convicted` when its own CPU time showed why."""

    def __init__(self, *, by_time: bool, convicted: bool) -> None:
        super().__init__()
        self.by_time = by_time
        self.convicted = convicted


class Child:
    """One confined process: asked one request at a time, dead for good after a limit or an interrupted call."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.alive = True
        self._reader = reader
        self._writer = writer
        self._pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
        self._overran = False
        self._starved = False

    async def ask(self, payload: bytes, count: int) -> AsyncGenerator[Any, None]:
        """Send one request of `count` items and yield each answer as it comes; raises ChildDied at the item that ended it."""
        done = 0
        watch = _Watch(self)
        try:
            self._writer.write(pack(payload))
            await self._writer.drain()
            while done < count:
                answer = await self._receive()
                done += 1
                watch.next_item()
                yield answer
        except (OSError, EOFError):
            raise ChildDied(by_time=self._overran or self._starved, convicted=not self._starved) from None
        finally:
            watch.stop()
            if done < count or self._overran or self._starved:
                self.kill()

    async def _receive(self) -> Any:
        header = await self._reader.readexactly(HEADER.size)
        return orjson.loads(await self._reader.readexactly(HEADER.unpack(header)[0]))

    async def ready(self) -> None:
        """Wait until it is confined."""
        await self._receive()

    def cpu_seconds(self) -> float | None:
        """CPU time it has used, or None where the system can't tell."""
        try:
            return time.clock_gettime(~self.pid << 3 | 2)  # the kernel's CPU clock of a process, see clock_getcpuclockid(3)
        except OSError:
            return None

    def stop_at_limit(self, *, starved: bool) -> None:
        """Kill it for running too long; `starved` when it hardly got the processor, which convicts nobody."""
        self._overran, self._starved = not starved, starved
        self.kill()

    def kill(self) -> None:
        """End it now; safe to call twice and safe against a reused process id."""
        if not self.alive:
            return
        self.alive = False
        self._writer.close()
        try:
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            if self._pidfd >= 0:
                os.close(self._pidfd)


class _Watch:
    """Looks at a child while it works and stops it when one item has used its CPU time, or the wall clock's patience."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._loop = asyncio.get_running_loop()
        self.next_item()
        self._timer = self._loop.call_later(limits.CPU_SECONDS / 2, self._look)

    def next_item(self) -> None:
        self._cpu = self._child.cpu_seconds()
        self._wall = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        wall = self._loop.time() - self._wall
        now = self._child.cpu_seconds()
        used = wall if now is None or self._cpu is None else now - self._cpu
        if used >= limits.CPU_SECONDS or wall >= limits.WALL_SECONDS:
            self._child.stop_at_limit(starved=used < limits.CPU_SECONDS)
        else:
            self._timer = self._loop.call_later(limits.CPU_SECONDS / 4, self._look)


class Nursery:
    """The warm process; `fork()` gives a new confined child in a few milliseconds. Restarted when it is found dead."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._slot = 0
        self._lock = asyncio.Lock()

    async def fork(self) -> Child:
        """A new child, confined and ready; SandboxUnavailable when none can be had."""
        ours, theirs = socket.socketpair()
        try:
            async with self._lock:
                pid = await asyncio.to_thread(self._fork, theirs)
            theirs.close()
            child = Child(pid, *await asyncio.open_connection(sock=ours))
            await child.ready()
        except (OSError, EOFError, subprocess.SubprocessError) as error:
            ours.close()
            _log.error("sandbox.fork_failed", error=repr(error))
            await asyncio.to_thread(self.close)
            raise SandboxUnavailable() from error
        finally:
            theirs.close()
        return child

    def close(self) -> None:
        """End the warm process; children end when their sockets close."""
        if self._control:
            self._control.close()
        if self._process:
            try:
                self._process.wait(timeout=1)  # it ends by itself when its control socket closes
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = None

    def _fork(self, theirs: socket.socket) -> int:
        control = self._control or self._start()
        self._slot = (self._slot + 1) % (1 << 20)
        socket.send_fds(control, [_SLOT.pack(self._slot)], [theirs.fileno()])
        answer = control.recv(_SLOT.size)
        if len(answer) < _SLOT.size:
            raise EOFError("the sandbox's warm process ended")
        return int(_SLOT.unpack(answer)[0])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        command = [sys.executable, "-I", "-c", _PROGRAM]
        self._control = ours
        self._process = subprocess.Popen(  # our own program, an empty environment, one descriptor
            command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=None, env={}, close_fds=True, start_new_session=True
        )
        theirs.close()
        if ours.recv(1) != b"w":
            raise EOFError("the sandbox's warm process did not start")
        return ours
