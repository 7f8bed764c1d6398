"""Inspection: log against chain against anchors, over one customer's chain or all of a tenant's."""

import asyncio
from pathlib import Path
from uuid import UUID

from app.audit import queries
from app.audit.anchor import AnchorFile, Anchors
from app.audit.chain import Head, genesis
from app.audit.schemas import ChainReport, Report
from app.audit.verify import Finding, Verifier
from app.core.uow import UnitOfWork


async def inspect(uow: UnitOfWork, directory: Path, *, customer_id: UUID | None = None) -> Report:
    """Verify the tenant's chains (one customer's only, when named) and return what was found. Changes nothing."""
    # The anchors first: a chain only grows, so what was anchored before must be in what is read after.
    anchors = await asyncio.to_thread(AnchorFile(directory, uow.tenant_id).read)
    heads = await queries.heads(uow)
    wanted = {customer_id} if customer_id else heads.keys() | anchors.chains.keys()
    chains, findings = [], [_broken(line) for line in anchors.broken_lines]
    for chain in sorted(wanted, key=lambda owner: owner.bytes if owner else b""):
        report, found = await _chain(uow, chain, *heads.get(chain, (Head(0, b""), 0)), anchors)
        chains.append(report)
        findings += found
    waiting, late = await queries.unchained(uow, customer_id)
    findings += [_unchained(event_id, owner) for event_id, owner in late]
    return Report(holds=not findings, chains=chains, findings=findings, waiting=waiting, anchored_at=anchors.last_at)


async def _chain(uow: UnitOfWork, customer_id: UUID | None, head: Head, last: int, anchors: Anchors) -> tuple[ChainReport, list[Finding]]:
    start, known = genesis(uow.tenant_id, customer_id), anchors.chains.get(customer_id, {})
    verifier = Verifier(customer_id, start, known)
    async for link, event in queries.links(uow, customer_id, last):
        verifier.feed(link, event)
    findings = verifier.finish(head if head.seq else start)
    report = ChainReport(customer_id=customer_id, entries=verifier.checked, anchored=max(known, default=0), head=head.hash.hex())
    return report, findings


def _broken(line: int) -> Finding:
    detail = f"Line {line} of the anchor file doesn't follow from the one before it."
    return Finding(what="anchor_edited", customer_id=None, seq=0, event_id=None, detail=detail)


def _unchained(event_id: UUID, customer_id: UUID | None) -> Finding:
    detail = "The log has this event, no chain has it: it was slipped in, or chaining stands still."
    return Finding(what="unchained", customer_id=customer_id, seq=0, event_id=event_id, detail=detail)
