"""Anchors: heads of chains written down outside the database, so that nobody who owns the database can cut or rewrite a chain unseen.

One append-only file a tenant, one JSON object a line, each line carrying the SHA-256 of the line before it. Copy the
files to where the database's administrators can't write; that is what makes them worth something.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from app.audit.chain import Head

AT_MOST_APART = timedelta(seconds=60)
"""What is promised: a head is anchored at most this long after it was reached."""

DELAY = timedelta(seconds=20)
"""How long heads are gathered before they are anchored; the rest of the minute is for a busy or restarting worker."""

_VERSION = 1
_TAIL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head a customer's chain (None: the partner's own) had when it was written down."""

    customer_id: UUID | None
    head: Head


@dataclass
class Anchors:
    """What a tenant's file says: the known links of each chain by place, and the lines (from 1) that don't follow from the one before."""

    chains: dict[UUID | None, dict[int, bytes]] = field(default_factory=dict)
    broken_lines: list[int] = field(default_factory=list)
    last_at: datetime | None = None


class AnchorFile:
    """The anchors of one tenant under `directory`. Safe to use from several processes of one machine at once."""

    def __init__(self, directory: Path, tenant_id: UUID) -> None:
        self._tenant = tenant_id
        self.path = directory / f"{tenant_id}.jsonl"

    def append(self, anchors: Iterable[Anchor], at: datetime) -> None:
        """Write `anchors` down and return when the disk has them; blocks, so call it in a thread."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write_all(descriptor, b"".join(self._lines(anchors, at, _last_line(descriptor))))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync_directory(self.path.parent)

    def read(self) -> Anchors:
        """Return what the file says; a tenant without a file has no anchors. A line cut by a crash counts for nothing."""
        found, prev = Anchors(), b""
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        for number, line in enumerate(lines, 1):
            record = _decode(line)
            if record is not None:
                self._take(found, record, number, prev)
            prev = line
        return found

    def _lines(self, anchors: Iterable[Anchor], at: datetime, last: bytes) -> Iterator[bytes]:
        if last and not last.endswith(b"\n"):
            # A crash cut the last line: close it, so that the next one stands alone.
            yield b"\n"
        prev = last.removesuffix(b"\n")
        for anchor in anchors:
            prev = json.dumps(self._record(anchor, at, prev), sort_keys=True, separators=(",", ":")).encode()
            yield prev + b"\n"

    def _record(self, anchor: Anchor, at: datetime, prev: bytes) -> dict[str, object]:
        return {
            "v": _VERSION,
            "at": at.isoformat(),
            "tenant": str(self._tenant),
            "customer": str(anchor.customer_id) if anchor.customer_id else None,
            "seq": anchor.head.seq,
            "hash": anchor.head.hash.hex(),
            "prev": hashlib.sha256(prev).hexdigest(),
        }

    def _take(self, found: Anchors, record: dict[str, object], number: int, prev: bytes) -> None:
        if record.get("tenant") != str(self._tenant) or record.get("prev") != hashlib.sha256(prev).hexdigest():
            found.broken_lines.append(number)
        customer = UUID(str(record["customer"])) if record["customer"] else None
        found.chains.setdefault(customer, {})[int(str(record["seq"]))] = bytes.fromhex(str(record["hash"]))
        found.last_at = datetime.fromisoformat(str(record["at"]))


def _decode(line: bytes) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record.get("v") == _VERSION else None


def _last_line(descriptor: int) -> bytes:
    """Return the file's last line with its line end, b"" for an empty file."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
    return tail.splitlines(keepends=True)[-1] if tail else b""


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
