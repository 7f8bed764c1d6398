"""What is read of sessions, consent and acting."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, select

from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from tenants.access_schemas import ActingView, ConsentView, EntryView, FocusChoice, OpenSession
from tenants.models import Acting, ActingEntry, Consent, Customer, Session, SessionUse
from tenants.queries import roles_held


async def open_sessions(uow: UnitOfWork, user_id: UUID, *, this: UUID | None = None) -> list[OpenSession]:
    """Return where a user is signed in, latest first."""
    used = (SessionUse.tenant_id == Session.tenant_id) & (SessionUse.id == Session.id)
    live = (Session.user_id == user_id, Session.ended_at.is_(None), Session.expires_at > uow.now)
    wanted = select(Session, SessionUse.used_at).outerjoin(SessionUse, used).where(*live).order_by(Session.id.desc())
    rows: list[Any] = list((await uow.execute(wanted.limit(100))).all())
    return [
        OpenSession(
            id=row.id, host=row.host, device=row.device, strength=row.strength, started_at=row.authenticated_at, used_at=used_at,
            expires_at=row.expires_at, is_this=row.id == this,
        )
        for row, used_at in rows
    ]  # fmt: skip


async def focus_choices(uow: UnitOfWork, user_id: UUID, *, chosen: UUID | None) -> list[FocusChoice]:
    """Return the customers somebody of the partner holds a role for, by name; empty for those who hold only tenant-wide roles."""
    held = [customer_id for customer_id in await roles_held(uow, user_id) if customer_id is not None]
    rows = (await uow.execute(select(Customer).where(Customer.id.in_(held), Customer.status == "active").order_by(Customer.name))).scalars()
    return [FocusChoice(customer_id=row.id, name=row.name, is_chosen=row.id == chosen) for row in rows]


async def consents(uow: UnitOfWork, *, user_id: UUID | None = None, cursor: str | None, limit: int) -> Page[ConsentView]:
    """Return the consents of this scope, latest first; with `user_id` those this person could use."""
    wanted = select(Consent) if user_id is None else select(Consent).where(Consent.user_id.is_(None) | (Consent.user_id == user_id))
    return await page(uow, wanted, by=[(Consent.id, UUID)], cursor=cursor, limit=limit, view=lambda row: consent_view(row, uow))


async def acting_under(uow: UnitOfWork, consent_ids: list[UUID]) -> list[ActingView]:
    """Return who acted under these consents, latest first, at most 200 stretches."""
    wanted = select(Acting).where(Acting.consent_id.in_(consent_ids)).order_by(Acting.id.desc()).limit(200)
    return [acting_view(row) for row in (await uow.execute(wanted)).scalars()]


async def acting_of_session(uow: UnitOfWork, session_id: UUID) -> Acting | None:
    """Return the stretch of acting that goes on in this session."""
    wanted = select(Acting).where(Acting.session_id == session_id, Acting.ended_at.is_(None))
    found: Acting | None = (await uow.execute(wanted)).scalar_one_or_none()
    return found


async def entries(uow: UnitOfWork, consent_id: UUID, *, cursor: str | None, limit: int) -> Page[EntryView]:
    """Return what was done under a consent, latest first."""
    await uow.get(Consent, consent_id)
    under = (Acting.tenant_id == ActingEntry.tenant_id) & (Acting.id == ActingEntry.acting_id)
    wanted = cast(Select[Any], select(ActingEntry, Acting.who).join(Acting, under).where(Acting.consent_id == consent_id))
    return await page(uow, wanted, by=[(ActingEntry.id, UUID)], cursor=cursor, limit=limit, view=_entry_view)


def _entry_view(found: tuple[ActingEntry, str]) -> EntryView:
    row, who = found[0], found[1]
    return EntryView(id=row.id, acting_id=row.acting_id, who=who, type=row.type, subject=row.subject, at=row.at)


def consent_view(row: Consent, uow: UnitOfWork) -> ConsentView:
    """Shape a consent as it stands at the transaction's moment."""
    live = row.status == "granted" and row.expires_at is not None and row.expires_at > uow.now
    return ConsentView(
        id=row.id, customer_id=row.customer_id, user_id=row.user_id, who=row.who, status=row.status, reason=row.reason, minutes=row.minutes,
        asked_at=row.asked_at, answer_by=row.answer_by, decided_at=row.decided_at, expires_at=row.expires_at, closed_at=row.closed_at, is_live=live,
    )  # fmt: skip


def acting_view(row: Acting) -> ActingView:
    """Shape a stretch of acting."""
    return ActingView(
        id=row.id, consent_id=row.consent_id, customer_id=row.customer_id, who=row.who, started_at=row.started_at, ended_at=row.ended_at,
        ended_because=row.ended_because,
    )  # fmt: skip
