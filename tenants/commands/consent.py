"""Acting for a customer: asked for with a reason, agreed to for a while by the customer itself, ended by either side or the clock."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.core.errors import Conflict, NotAllowed
from app.core.uow import UnitOfWork
from tenants.access_queries import acting_of_session
from tenants.access_schemas import AskConsent, GrantAhead
from tenants.models import Acting, Consent, Customer, User
from tenants.principal import Principal

KIND = "consent"
ANSWER_WITHIN = timedelta(hours=24)


class PeopleOnly(NotAllowed):
    """Only a person who is signed in can do this, not a key."""


class ConsentSettled(Conflict):
    """This request was answered, withdrawn or has run out; ask again."""


class ConsentMissing(NotAllowed):
    """The customer doesn't consent to this now; ask for its consent first."""


class AskedAlready(Conflict):
    """You have asked this customer already; wait for its answer."""


async def ask(uow: UnitOfWork, wanted: AskConsent, *, asker: Principal) -> Consent:
    """Ask a customer that the asking person may act for it. Says consent.requested; an unanswered request runs out after a day."""
    user_id = _person(asker)
    await uow.get(Customer, wanted.customer_id)
    open_ones = select(Consent.id).where(
        Consent.customer_id == wanted.customer_id, Consent.user_id == user_id, Consent.status == "requested", Consent.answer_by > uow.now
    )
    if (await uow.execute(open_ones)).first() is not None:
        raise AskedAlready()
    user = await uow.get(User, user_id)
    row = Consent(
        customer_id=wanted.customer_id, user_id=user_id, who=user.name or user.email, status="requested", reason=wanted.reason,
        minutes=wanted.minutes, asked_at=uow.now, asked_by=uow.actor, answer_by=uow.now + ANSWER_WITHIN, decided_at=None, decided_by=None,
        expires_at=None, closed_at=None,
    )  # fmt: skip
    uow.add(row)
    uow.work(KIND, subject=row.id, due=row.answer_by)
    _say(uow, "requested", row, minutes=row.minutes, who=row.who)
    await uow.session.flush()
    return row


async def grant_ahead(uow: UnitOfWork, wanted: GrantAhead, *, decider: Principal) -> Consent:
    """Agree before being asked: anybody of the partner who may ask can act from now on. Says consent.granted."""
    _person(decider)
    if uow.customer_id is None:
        raise ConsentMissing("Only the customer itself can agree to this.")
    until = uow.now + timedelta(minutes=wanted.minutes)
    row = Consent(
        customer_id=uow.customer_id, user_id=None, who="", status="granted", reason=wanted.reason, minutes=wanted.minutes, asked_at=uow.now,
        asked_by=uow.actor, answer_by=uow.now, decided_at=uow.now, decided_by=uow.actor, expires_at=until, closed_at=None,
    )  # fmt: skip
    uow.add(row)
    uow.work(KIND, subject=row.id, due=until)
    _say(uow, "granted", row, until=until, ahead=True)
    await uow.session.flush()
    return row


async def grant(uow: UnitOfWork, consent_id: UUID, *, decider: Principal) -> Consent:
    """Agree to a request; its minutes count from now. Raises ConsentSettled. Says consent.granted."""
    row = await _open_request(uow, consent_id, decider)
    _decide(uow, row, "granted")
    row.expires_at = uow.now + timedelta(minutes=row.minutes)
    uow.work(KIND, subject=row.id, due=row.expires_at)
    _say(uow, "granted", row, until=row.expires_at)
    return row


async def decline(uow: UnitOfWork, consent_id: UUID, *, decider: Principal) -> Consent:
    """Say no to a request. Raises ConsentSettled. Says consent.declined."""
    row = await _open_request(uow, consent_id, decider)
    _decide(uow, row, "declined")
    row.closed_at = uow.now
    uow.drop_work(KIND, row.id)
    _say(uow, "declined", row)
    return row


async def withdraw(uow: UnitOfWork, consent_id: UUID, *, decider: Principal) -> Consent:
    """Take a consent back: whoever acts under it stops within five seconds. Raises ConsentSettled. Says consent.withdrawn and
    acting.ended."""
    _of_the_customer(uow, decider)
    row = await uow.get(Consent, consent_id, lock=True)
    if row.status != "granted":
        raise ConsentSettled()
    row.status, row.closed_at = "withdrawn", uow.now
    uow.drop_work(KIND, row.id)
    await _end_all(uow, row, "withdrawn")
    _say(uow, "withdrawn", row)
    return row


async def expire(uow: UnitOfWork, consent_id: UUID) -> None:
    """Close what has run out, an unanswered request or an agreed time. Says consent.expired and acting.ended; harmless twice."""
    row = await uow.find(Consent, consent_id, lock=True)
    if row is None or row.status not in ("requested", "granted"):
        return
    until = row.expires_at if row.status == "granted" else row.answer_by
    if until is None or until > uow.now:
        return
    row.status, row.closed_at = "expired", uow.now
    await _end_all(uow, row, "expired")
    _say(uow, "expired", row)


async def start_acting(uow: UnitOfWork, consent_id: UUID, *, principal: Principal) -> Acting:
    """Act for the customer from now on, in this session. Raises ConsentMissing. Says acting.started. `uow` is the tenant's."""
    user_id, session_id = _person(principal), principal.session_id
    row = await uow.get(Consent, consent_id, lock=True)
    live = row.status == "granted" and row.expires_at is not None and row.expires_at > uow.now
    if not live or session_id is None or row.user_id not in (None, user_id):
        raise ConsentMissing()
    await stop_acting(uow, session_id)
    user = await uow.get(User, user_id)
    acting = Acting(
        customer_id=row.customer_id, consent_id=row.id, user_id=user_id, session_id=session_id, who=user.name or user.email,
        started_at=uow.now, ended_at=None, ended_because=None,
    )  # fmt: skip
    uow.add(acting)
    uow.publish(
        "acting.started", of=acting, key=f"consent:{row.id}", data={"who": acting.who, "reason": row.reason, "until": row.expires_at}
    )
    await uow.session.flush()
    return acting


async def stop_acting(uow: UnitOfWork, session_id: UUID) -> None:
    """Be oneself again in this session; harmless when one is. Says acting.ended."""
    acting = await acting_of_session(uow, session_id)
    if acting is not None:
        _end(uow, acting, "stopped")
        await uow.session.flush()


def _end(uow: UnitOfWork, acting: Acting, because: str) -> None:
    acting.ended_at, acting.ended_because = uow.now, because
    uow.publish("acting.ended", of=acting, key=f"consent:{acting.consent_id}", data={"who": acting.who, "because": because})


async def _end_all(uow: UnitOfWork, row: Consent, because: str) -> None:
    wanted = select(Acting).where(Acting.consent_id == row.id, Acting.ended_at.is_(None))
    for acting in (await uow.execute(wanted)).scalars():
        _end(uow, acting, because)


async def _open_request(uow: UnitOfWork, consent_id: UUID, decider: Principal) -> Consent:
    _of_the_customer(uow, decider)
    row = await uow.get(Consent, consent_id, lock=True)
    if row.status != "requested" or row.answer_by <= uow.now:
        raise ConsentSettled()
    return row


def _decide(uow: UnitOfWork, row: Consent, status: str) -> None:
    row.status, row.decided_at, row.decided_by = status, uow.now, uow.actor


def _of_the_customer(uow: UnitOfWork, decider: Principal) -> None:
    """The customer's own people answer for it: not its keys, which the partner could make, nor anybody who acts for it."""
    _person(decider)
    if uow.customer_id is None or decider.own_customer_id != uow.customer_id:
        raise ConsentMissing("Only the customer itself can answer this.")


def _person(principal: Principal) -> UUID:
    if principal.user_id is None:
        raise PeopleOnly()
    return principal.user_id


def _say(uow: UnitOfWork, what: str, row: Consent, **data: object) -> None:
    uow.publish(f"consent.{what}", of=row, key=f"consent:{row.id}", data={"reason": row.reason, **data})
