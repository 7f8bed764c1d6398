"""The program of the sandbox's own processes: one warm process that forks, and the confined children it forks.

The warm process loads every language once (0.5 s), then answers each socket it is sent with a child of its own (3 ms).
Children never return to it. Closing its control socket ends it; closing a child's socket ends the child.
"""

import os
import signal
import socket
import struct
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import orjson

from app.core.sandbox import cel_programs, confine, jq_programs, limits, templates
from app.core.sandbox.verdicts import Exceeded, Refused
from app.core.sandbox.wire import pack, receive

SLOT = struct.Struct(">I")
LANGUAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "jq": jq_programs.run,
    "jq_check": jq_programs.check,
    "cel": cel_programs.run,
    "cel_check": cel_programs.check,
    "render": templates.render,
    "template_check": templates.check,
    "inline_css": templates.inline,
}


def main() -> None:
    """Warm up, say so, then fork a child for every socket that comes in; descriptor 0 is the control socket."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to handle
    use_own_time_zones()
    for language in (jq_programs, cel_programs, templates):
        language.warm()
    with socket.socket(fileno=0) as control:
        control.sendall(b"w")
        while _fork_next(control):
            pass


def use_own_time_zones() -> None:
    """Point CEL at the zone data we ship: a slim image has none of its own."""
    os.environ["TZDIR"] = str(files("tzdata") / "zoneinfo")


def _fork_next(control: socket.socket) -> bool:
    message, descriptors, _, _ = socket.recv_fds(control, SLOT.size, 1)
    if not message:
        return False
    pid = os.fork()
    if pid == 0:
        _become_child(control, descriptors[0], SLOT.unpack(message)[0])
    os.close(descriptors[0])
    control.sendall(SLOT.pack(pid))
    return True


def _become_child(control: socket.socket, descriptor: int, slot: int) -> None:
    """Never returns."""
    try:
        control.detach()
        os.dup2(descriptor, 0)
        os.closerange(1, 256)
        confine.confine(slot)
        serve(socket.socket(fileno=0))
    finally:
        os._exit(0)


def serve(sock: socket.socket) -> None:
    """Answer requests until the other side closes."""
    sock.sendall(pack(b'{"ready":true}'))
    while (request := receive(sock)) is not None:
        run = LANGUAGES[request["op"]]
        for item in request["items"]:
            confine.grant_cpu()
            sock.sendall(pack(answer(run, item)))


def answer(run: Callable[[dict[str, Any]], Any], item: dict[str, Any]) -> bytes:
    """One item's frame: its value, why it was refused, or the limit it passed."""
    try:
        payload = orjson.dumps({"ok": run(item)}, option=orjson.OPT_NON_STR_KEYS)
        if len(payload) <= limits.OUTPUT_BYTES:
            return payload
        return orjson.dumps({"limit": f"The result passed {limits.OUTPUT_BYTES} bytes."})
    except Refused as error:
        return orjson.dumps({"refused": str(error), "line": error.line, "column": error.column})
    except Exceeded as error:
        return orjson.dumps({"limit": str(error)})
    except (MemoryError, RecursionError) as error:
        return orjson.dumps({"limit": f"The program used too much {'memory' if isinstance(error, MemoryError) else 'depth'}."})
    except (TypeError, OverflowError, UnicodeError) as error:
        return orjson.dumps({"refused": f"The program can't work with this input: {str(error)[:300]}"})
