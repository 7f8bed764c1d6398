"""The world's memory: documents, the ledger of calls and the mailbox in one SQLite file that survives a kill."""

import json
import sqlite3
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_TABLES = """
create table if not exists document (
  partner text not null, kind text not null, id text not null, body text not null, primary key (partner, kind, id));
create table if not exists call (
  seq integer primary key autoincrement, at text not null, partner text not null, system text not null, operation text not null,
  method text not null, path text not null, account text, key text, body_sha256 text not null, status integer not null,
  effect integer not null, repeated integer not null, fault text, answer text not null);
create index if not exists call_key on call (partner, system, key);
create unique index if not exists one_effect_a_key on call (partner, system, key) where effect = 1 and key is not null;
create table if not exists mail (
  seq integer primary key autoincrement, at text not null, mail_from text not null, mail_to text not null, raw blob not null);
"""


class Store:
    """One connection, one writer: the caller groups a change and its ledger line with `with store:` (committed and fsynced at the end)."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # FULL: the ledger is the witness in the chaos tests, so it may not lose a line that an answer already went out for.
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_TABLES)

    def __enter__(self) -> "Store":
        self._db.execute("begin immediate")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("commit" if kind is None else "rollback")

    def get(self, partner: str, kind: str, id_: str) -> Document | None:
        """The document, or None."""
        row = self._db.execute("select body from document where partner = ? and kind = ? and id = ?", (partner, kind, id_)).fetchone()
        return None if row is None else json.loads(row["body"])

    def put(self, partner: str, kind: str, id_: str, body: Document) -> None:
        """Write the document whole."""
        self._db.execute("insert or replace into document values (?, ?, ?, ?)", (partner, kind, id_, json.dumps(body)))

    def all(self, partner: str, kind: str) -> list[Document]:
        """Every document of a kind the partner has."""
        rows = self._db.execute("select body from document where partner = ? and kind = ? order by id", (partner, kind))
        return [json.loads(row["body"]) for row in rows]

    def count(self, partner: str, kind: str) -> int:
        """How many documents of a kind the partner has (numbers new ones)."""
        return int(self._db.execute("select count(*) from document where partner = ? and kind = ?", (partner, kind)).fetchone()[0])

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """One bound statement, for the ledger and the mailbox."""
        return self._db.execute(sql, values)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
