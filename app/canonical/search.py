"""One box for everything: what things can be found by, kept in the transaction that changes them, and finding it again.

Words are folded before they are kept or looked for: case, spaces, dashes and other signs don't count, so `1z 999-aa1` finds `1Z999AA1`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any, Final, Literal, get_args
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.canonical.models import SearchEntry
from app.core.errors import FieldError, Invalid
from app.core.paging import Page, decode_cursor, encode_cursor, next_cursor
from app.core.uow import UnitOfWork

Kind = Literal["shipment", "order", "case", "document", "party"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SHORTEST: Final = 4
LONGEST: Final = 100
_MOST_LINES: Final = 500
_MOST_LETTERS: Final = 200
_SIGNS = re.compile(r"[\W_]+")
_NEWEST = UUID(int=2**128 - 1)
# Said before a number out of habit; it names the kind and is no part of the number.
_PREFIXES: Final = frozenset(
    ("pro", "bol", "awb", "hawb", "mawb", "po", "sscc", "container", "tracking", "shipment", "order", "no", "nr", "ref")
)

_WHOLE = text("select canonical.find_whole(:word, :kinds) as id")
_WITHIN = text("select id, looked_until from canonical.find_within(:words, :kinds, :before, :limit, :without)")


class QueryTooShort(Invalid):
    """Search needs at least four letters or digits."""


class Match(msgspec.Struct, frozen=True):
    """One of the things an entry was found by: what it is (`pro`, `po`, `title`) and how it was written."""

    name: str
    value: str


class Hit(msgspec.Struct, frozen=True):
    """Something found: its kind and id, what it is called, and what it was found by, the closest first."""

    kind: Kind
    id: UUID
    customer_id: UUID
    label: str
    matched: list[Match]


class Asked(msgspec.Struct, frozen=True):
    """A query as it is looked for: `whole` as one word, and the words that must all stand somewhere in an entry."""

    whole: str
    words: list[str]


def folded(said: str) -> str:
    """Letters and digits in one case, nothing else."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", said).casefold())


def asked(q: str) -> Asked:
    """Read a query; raises QueryTooShort naming `q` when fewer than four letters or digits are left of it."""
    parts = [word for word in map(folded, q[:LONGEST].split()) if word]
    named = [word for word in parts if word not in _PREFIXES]
    if len("".join(named)) < SHORTEST:
        named = parts
    whole = "".join(named)
    if len(whole) < SHORTEST:
        raise QueryTooShort(errors=[FieldError("q", "has fewer than four letters or digits", "Type more of the number or name.")])
    # Words too short for the index narrow what a longer one finds; alone they are taken as one number written in groups.
    return Asked(whole, named if any(len(word) >= SHORTEST for word in named) else [whole])


async def note(
    uow: UnitOfWork, kind: Kind, id: UUID, customer_id: UUID, label: str, words: Iterable[tuple[str, str]], *, is_new: bool = False
) -> None:
    """Let a thing be found by these words too (name of the word, the word); what it was found by before stays.

    The caller holds the thing's row, so two that add words wait for each other. With `is_new` nothing stands there yet.
    """
    known = None if is_new else await uow.session.get(SearchEntry, (uow.tenant_id, id))
    before = list(zip(known.names, known.said, strict=True)) if known else []
    after = list(dict.fromkeys((*before, *(pair for pair in words if folded(pair[1])))))[:_MOST_LINES]
    if known and after == before and known.label == label:
        return
    values = {"label": label, "names": [name for name, _ in after], "said": [said for _, said in after], "keys": _keys(after)}
    row = insert(SearchEntry).values(tenant_id=uow.tenant_id, id=id, customer_id=customer_id, kind=kind, **values)
    await uow.execute(row.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=values))
    if known:
        await uow.session.refresh(known)


async def words_of(uow: UnitOfWork, ids: Collection[UUID]) -> list[tuple[str, str]]:
    """What these things can be found by: for whatever is about them and is to be found by the same."""
    rows = (await uow.execute(select(SearchEntry.names, SearchEntry.said).where(SearchEntry.id.in_(ids)).order_by(SearchEntry.id))).all()
    return list(dict.fromkeys(pair for row in rows for pair in zip(row.names, row.said, strict=True)))


async def find(uow: UnitOfWork, q: str, *, kinds: Collection[Kind] = KINDS, limit: int = 20, cursor: str | None = None) -> Page[Hit]:
    """What holds the query anywhere in one of its words: whole words first, then the newest first.

    A page may be shorter than `limit` and still have a `next`: so much was looked through in one go. A customer's transaction finds the
    customer's own. Raises QueryTooShort.
    """
    looked_for, stage, before = asked(q), 0, _NEWEST
    if cursor:
        stage, before = decode_cursor(cursor, (int, UUID))
    ids, more = await _ids(uow, looked_for, sorted(set(kinds)), stage, before, limit) if kinds else ([], None)
    next_cursor.set(more)
    rows = (await uow.execute(select(SearchEntry).where(SearchEntry.id.in_(ids)))).scalars()
    by_id = {row.id: row for row in rows}
    return Page([_hit(by_id[id], looked_for) for id in ids if id in by_id], more)


async def _ids(
    uow: UnitOfWork, looked_for: Asked, kinds: list[Kind], stage: int, before: UUID, limit: int
) -> tuple[list[UUID], str | None]:
    """Ids of one page and the cursor of the next. Stage 0 are whole words, stage 1 all else."""
    whole = [row.id for row in await uow.execute(_WHOLE, {"word": looked_for.whole, "kinds": kinds})]
    first = [id for id in whole if id < before] if stage == 0 else []
    if len(first) > limit:
        return first[:limit], encode_cursor([0, first[limit - 1]])
    given: dict[str, Any] = {"words": looked_for.words, "kinds": kinds, "without": whole}
    room = limit - len(first) + 1
    rows = (await uow.execute(_WITHIN, given | {"before": _NEWEST if stage == 0 else before, "limit": room})).all()
    found = [row.id for row in rows if row.id is not None]
    if len(found) == room:
        shown = found[:-1]
        return first + shown, encode_cursor([1, shown[-1]] if shown else [0, first[-1]])
    until = [row.looked_until for row in rows if row.looked_until is not None]
    return first + found, encode_cursor([1, until[0]]) if until else None


def _keys(words: Iterable[tuple[str, str]]) -> str:
    return "\n".join(folded(said)[:_MOST_LETTERS] for _, said in words)


def _hit(row: SearchEntry, looked_for: Asked) -> Hit:
    return Hit(row.kind, row.id, row.customer_id, row.label, _matched(row, looked_for))  # type: ignore[arg-type]


def _matched(row: SearchEntry, looked_for: Asked) -> list[Match]:
    """The three closest: the same, beginning with it, holding it; of equal ones the one that was known first."""
    ranked = sorted(
        (_closeness(key, looked_for), place) for place, key in enumerate(row.keys.split("\n")) if _closeness(key, looked_for) < _FAR
    )
    return [Match(row.names[place], row.said[place]) for _, place in ranked[:3]]


_FAR: Final = 4


def _closeness(key: str, looked_for: Asked) -> int:
    if key == looked_for.whole:
        return 0
    if looked_for.whole in key:
        return 1 if key.startswith(looked_for.whole) else 2
    return 3 if any(word in key for word in looked_for.words) else _FAR
