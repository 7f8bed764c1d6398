"""Work of the room: turn accepted signals into canonical events, a tenant's batch at a time."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.core import faults
from app.core.errors import Unavailable
from app.core.locks import take_all_turns
from app.core.services import Shell, WorkItem
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands.settle import BROKEN, is_passing, refused, settle
from app.ingest.decode import Item, Stored
from app.ingest.understanding import Mappings, Piece, Understood, understand
from app.policies.commands import Evaluation, Incoming, StaleFacts, check_fresh, evaluate

ACTOR = "system:ingest"
_MOST_EVALUATIONS = 4
_MOST_BYTES = 32 * 1024 * 1024


class FactsKeepChanging(Unavailable):
    """What these signals are decided from changes faster than it can be read; they are tried again shortly."""


async def settle_signals(shell: Shell, items: list[WorkItem]) -> None:
    """Decode, map, attribute and decide outside any write transaction, then write the whole batch in one.

    A batch that breaks is tried signal by signal, so that what is wrong with one never holds up its neighbours.
    """
    async with shell.read(items[0].tenant_id, actor=ACTOR) as reader:
        sizes = await queries.sizes(reader, [i.subject for i in items])
    for portion in portions(items, sizes):
        await _settle_portion(shell, portion)


def portions(items: Sequence[WorkItem], sizes: Mapping[UUID, int]) -> list[list[WorkItem]]:
    """Split a batch so that no portion holds more than 32 MiB of raw messages, a larger one standing alone; the order stays."""
    found: list[list[WorkItem]] = []
    room = 0
    for item in items:
        size = sizes.get(item.subject, 0)
        if not found or size > room:
            found.append([])
            room = _MOST_BYTES
        found[-1].append(item)
        room -= size
    return found


async def _settle_portion(shell: Shell, items: Sequence[WorkItem]) -> None:
    try:
        await _settle(shell, items)
    except BROKEN as error:
        if is_passing(error):
            raise
        if len(items) > 1:
            for item in items:
                await _settle_portion(shell, [item])
        else:
            shell.log.error("signal refused", signal=str(items[0].subject), error=type(error).__name__)
            await _park(shell, items[0], error)


async def _settle(shell: Shell, items: Sequence[WorkItem]) -> None:
    carefully = False
    for _ in range(_MOST_EVALUATIONS):
        found, evaluation = await _understand(shell, items[0].tenant_id, [i.subject for i in items])
        try:
            await _write(shell, items, found, evaluation, carefully=carefully)
            return
        except StaleFacts:
            continue
        except BROKEN as error:
            if carefully or is_passing(error):
                raise
            carefully = True
    raise FactsKeepChanging()


async def _understand(shell: Shell, tenant_id: UUID, ids: Sequence[UUID]) -> tuple[list[Understood], Evaluation]:
    async with shell.read(tenant_id, actor=ACTOR) as reader:
        signals = await queries.stored(reader, ids)
        found = await understand(shell.sandbox, signals, await _mappings(reader, signals), await queries.rules(reader))
        evaluation = await evaluate(shell, reader, _incoming(found))
    decisions = iter(evaluation.decisions)
    for piece in _ready(found):
        piece.decisions = [next(decisions) for _ in piece.events]
    return found, evaluation


async def _mappings(reader: UnitOfWork, signals: Sequence[Stored]) -> Mappings:
    wanted = {(s.mapping, s.customer_id) for s in signals if s.mapping}
    return {(name, customer): await queries.published_mapping(reader, name, customer) for name, customer in wanted}


def _ready(found: Sequence[Understood]) -> list[Piece]:
    return [piece for one in found for piece in one.pieces if piece.problem is None]


def _incoming(found: Sequence[Understood]) -> list[Incoming]:
    ready = _ready(found)
    return [Incoming(e, p.item.signal_id, c) for p in ready for e, c in zip(p.events, p.customers, strict=True)]


async def _write(shell: Shell, items: Sequence[WorkItem], found: Sequence[Understood], evaluation: Evaluation, *, carefully: bool) -> None:
    async with shell.unit_of_work(items[0].tenant_id, actor=ACTOR) as uow:
        await take_all_turns(uow, contended(evaluation))
        await check_fresh(uow, evaluation)
        await settle(uow, found, carefully=carefully)
        faults.point("before-settle-commit")
        for item in items:
            await uow.finish(item)


def contended(evaluation: Evaluation) -> set[str]:
    """What two batches may make at the same moment: orders and shipments nobody told of before, and cases.

    Those that are there are held by check_fresh, in the order of their ids.
    """
    new = {"|".join(map(str, key)) for key, version in evaluation.versions.items() if version is None}
    return new | {f"case|{decision.customer_id}|{decision.group_key}" for decision in evaluation.decisions if decision}


async def _park(shell: Shell, item: WorkItem, error: BaseException) -> None:
    async with shell.unit_of_work(item.tenant_id, actor=ACTOR) as uow:
        for signal in await queries.stored(uow, [item.subject]):
            whole = Item(signal_id=signal.id, index=0, label=signal.kind, key=b"")
            await settle(uow, [Understood(signal, [Piece(whole, problem=refused(error))])])
        await uow.finish(item)
