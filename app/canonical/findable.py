"""What orders, shipments, parties and documents are found by in the search box; written down when something new was told of them."""

from collections.abc import Iterable, Sequence

from app.canonical.models import Document, Order, Party, Shipment, ShipmentParty, ShipmentReference
from app.canonical.requirements import document_types
from app.canonical.search import note
from app.canonical.shipments import LOOKED_UP
from app.core.tables import TenantRow
from app.core.uow import UnitOfWork


async def order(uow: UnitOfWork, row: Order, refs: dict[str, str], *, is_new: bool, account: str | None = None) -> None:
    """An order is found by its number, its account when that is news, and the numbers its messages carry."""
    told = [("order", row.number)] if is_new else []
    told += [("account", account)] if account else []
    told += [(kind, refs[kind]) for kind in LOOKED_UP if kind in refs]
    if told:
        await note(uow, "order", row.id, row.customer_id, row.number, told, is_new=is_new)


async def shipment(uow: UnitOfWork, row: Shipment, rows: Sequence[TenantRow], *, of: Order | None, is_new: bool) -> None:
    """A shipment is found by its references, its order's number and who takes part in it; `rows` are those a message added."""
    told = [(ref.kind, ref.value) for ref in rows if isinstance(ref, ShipmentReference)]
    told += [("order", of.number)] if of else []
    joined = {link.party_id for link in rows if isinstance(link, ShipmentParty)}
    parties = {party.id: party for party in rows if isinstance(party, Party) and party.id in joined}
    for party in parties.values():
        told += _of_party(party)
        await note(uow, "party", party.id, party.customer_id, party.name or party.code, _of_party(party))
    if told or is_new:
        await note(uow, "shipment", row.id, row.customer_id, row.number, told, is_new=is_new)


async def document(uow: UnitOfWork, row: Document, name: str = "") -> None:
    """A document is found by its number, by what it is and by the name of the file it came in."""
    known = document_types().get(row.kind)
    title = known.title if known else row.kind
    told = [("number", row.number or ""), ("kind", title), ("file", name), *_numbers(row.fields)]
    await note(uow, "document", row.id, row.customer_id, title, [(what, said) for what, said in told if said])


def _of_party(row: Party) -> list[tuple[str, str]]:
    return [(row.role, said) for said in (row.name, row.code) if said]


def _numbers(fields: dict[str, str] | None) -> Iterable[tuple[str, str]]:
    """The numbers that were read from a form: its order's, its own."""
    return ((name, str(said)) for name, said in (fields or {}).items() if name.endswith("_number"))
