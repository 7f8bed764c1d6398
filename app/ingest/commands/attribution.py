"""Attribution rules: a customer's claims to signals, replaced as a whole."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from app.core.errors import FieldError, Invalid
from app.core.sandbox import SandboxRefused
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.attribution import FACTS
from app.ingest.models import AttributionRule
from app.ingest.schemas import Name
from tenants.models import Customer


class WantedRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a customer claims: events of one source (any when absent) for which the CEL condition holds."""

    when: Annotated[str, Meta(min_length=1, max_length=4000, examples=['event.account == "ACME-01"'])]
    source: Name | None = None


async def set_rules(uow: UnitOfWork, shell: Shell, customer_id: UUID, wanted: Sequence[WantedRule]) -> int:
    """Put these rules in force instead of the customer's former ones; returns their version, unchanged when they are the same.

    Raises Invalid with the pointer, line and column of a condition that doesn't compile to a boolean.
    """
    known = await queries.rules_of(uow, customer_id)
    version = await queries.last_rules_version(uow, customer_id)
    if [WantedRule(r.content, r.source) for r in known] == list(wanted):
        return version
    await _check(shell, wanted)
    for row in known:
        row.status = "retired"
    added = [uow.add(_row(uow, customer_id, rule, version + 1)) for rule in wanted]
    data = {"version": version + 1, "rules": len(added)}
    uow.publish("attribution.published", also=[*known, *added], key=f"customer:{customer_id}", customer_id=customer_id, data=data)
    return version + 1


async def add_rule(uow: UnitOfWork, shell: Shell, customer_id: UUID, rule: WantedRule) -> int:
    """Put one more rule in force for a customer; returns the version. Raises NotFound for a foreign customer, Invalid as `set_rules`."""
    await uow.get(Customer, customer_id)
    known = [WantedRule(row.content, row.source) for row in await queries.rules_of(uow, customer_id)]
    return await set_rules(uow, shell, customer_id, known if rule in known else [*known, rule])


def _row(uow: UnitOfWork, customer_id: UUID, rule: WantedRule, version: int) -> AttributionRule:
    return AttributionRule(
        customer_id=customer_id,
        source=rule.source,
        content=rule.when,
        version=version,
        status="published",
        created_at=uow.now,
        created_by=uow.actor,
    )


async def _check(shell: Shell, wanted: Sequence[WantedRule]) -> None:
    errors = []
    for index, rule in enumerate(wanted):
        try:
            await shell.sandbox.cel_check(rule.when, FACTS)
        except SandboxRefused as error:
            place = f" (line {error.line}, column {error.column})" if error.line else ""
            errors.append(FieldError(f"/{index}/when", error.detail + place, f"Facts are {', '.join(FACTS)}."))
    if errors:
        raise Invalid("An attribution rule can't be used.", errors=errors, status=422)
