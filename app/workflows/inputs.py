"""What a run for a case is given: the case, its decision, the facts known now, and whom of the customer to write to."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.canonical import queries as canonical
from app.cases.models import Case
from app.core.events import plain
from app.core.uow import UnitOfWork
from app.policies.models import DecisionRow
from tenants.models import Customer, Membership, User

CONTACT_ROLES = ("customer_admin", "customer_user")


async def of_case(uow: UnitOfWork, case_id: UUID) -> dict[str, Any]:
    """`{"case", "decision", "subjects", "facts", "customer"}` as plain data; facts by their dotted names."""
    case = await uow.get(Case, case_id)
    subjects = {kind: str(id) for kind, id in (("order", case.order_id), ("shipment", case.shipment_id)) if id}
    known = await canonical.facts(uow, customer_id=case.customer_id, subjects=subjects, now=uow.now)
    told: dict[str, Any] = plain(
        {
            "case": _case(case), "decision": await _decision(uow, case.decision_id), "subjects": subjects,
            "facts": {name: fact.value for name, fact in known.items()}, "customer": await _customer(uow, case.customer_id),
        }
    )  # fmt: skip
    return told


def _case(case: Case) -> dict[str, Any]:
    money = None if case.money_at_risk_minor is None else {"minor": case.money_at_risk_minor, "currency": case.currency}
    return {
        "id": case.id, "title": case.title, "type": case.exception_type, "reason": case.reason, "responsible": case.responsible, "status": case.status,
        "priority": {"level": case.priority_level, "score": case.priority_score, "provisional": case.priority_provisional},
        "money_at_risk": money, "decision_id": case.decision_id, "opened_at": case.opened_at,
    }  # fmt: skip


async def _decision(uow: UnitOfWork, decision_id: UUID) -> dict[str, Any]:
    row = await uow.find(DecisionRow, decision_id)
    return {} if row is None else {"id": row.id, **row.document, "inputs": row.inputs}


async def _customer(uow: UnitOfWork, customer_id: UUID) -> dict[str, Any]:
    customer = await uow.get(Customer, customer_id)
    query = (
        select(User)
        .join(Membership, (Membership.tenant_id == User.tenant_id) & (Membership.user_id == User.id))
        .where(User.customer_id == customer_id, User.status == "active", Membership.role.in_(CONTACT_ROLES))
        .order_by(User.email)
    )
    people = (await uow.execute(query)).scalars().unique().all()
    contacts = [{k: v for k, v in _contact(person, customer).items() if v} for person in people]
    return {
        "id": customer.id,
        "slug": customer.slug,
        "name": customer.name,
        "locale": customer.locale,
        "zone": customer.zone,
        "contacts": contacts,
    }


def _contact(person: User, customer: Customer) -> dict[str, Any]:
    return {"address": person.email, "name": person.name, "locale": person.locale or customer.locale, "zone": person.zone or customer.zone}
