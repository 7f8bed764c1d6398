"""The ledger: every call the outside world received, with its key, what it carried and whether it had an effect."""

import json
from typing import Any, NamedTuple

from simulator.store import Store


class Line(NamedTuple):
    """One call. `effect`: it changed something out here. `repeated`: its key was known, so the first answer went out again."""

    at: str
    partner: str
    system: str
    operation: str
    method: str
    path: str
    account: str | None
    key: str | None
    body_sha256: str
    status: int
    effect: bool
    repeated: bool
    fault: str | None
    answer: dict[str, Any]


class FirstAnswer(NamedTuple):
    """What a key was answered with when it had its effect."""

    body_sha256: str
    status: int
    answer: dict[str, Any]


def append(store: Store, line: Line) -> None:
    """Add a line; nothing ever changes or removes one."""
    values = (*line[:-1], json.dumps(line.answer))
    store.execute(f"insert into call ({', '.join(Line._fields)}) values ({', '.join('?' * len(values))})", values)


def first_answer(store: Store, partner: str, system: str, key: str) -> FirstAnswer | None:
    """The answer given when the key had its effect, or None while it never had one."""
    row = store.execute(
        "select body_sha256, status, answer from call where partner = ? and system = ? and key = ? and effect = 1", (partner, system, key)
    ).fetchone()
    return None if row is None else FirstAnswer(row["body_sha256"], row["status"], json.loads(row["answer"]))


def read(store: Store, *, after: int = 0, **equal: str | None) -> list[dict[str, Any]]:
    """The lines after a sequence number, oldest first, narrowed by partner, system, operation, account or key."""
    asked = {name: value for name, value in equal.items() if value is not None}
    narrowed = "".join(f" and {name} = ?" for name in asked)
    rows = store.execute(f"select * from call where seq > ?{narrowed} order by seq", (after, *asked.values()))
    return [_view(dict(row)) for row in rows]


def _view(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "effect": bool(row["effect"]), "repeated": bool(row["repeated"]), "answer": json.loads(row["answer"])}
