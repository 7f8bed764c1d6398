"""Sessions, consent and acting over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from app.core.errors import Conflict
from app.core.paging import Page
from app.core.services import Shell
from app.core.uow import UnitOfWork
from tenants import access_queries as queries
from tenants.access_schemas import ActingView, AskConsent, ConsentView, EntryView, Focus, FocusChoice, GrantAhead, OpenSession, StartActing
from tenants.auth import cache_of
from tenants.commands import consent, sessions
from tenants.models import User
from tenants.principal import Principal

Limit = Annotated[int, Parameter(ge=1, le=200)]
_SIGNED_IN = {"permission": "signed-in"}


class SessionMissing(Conflict):
    """This needs a session of a person; a key has none."""


# -- sessions


@get("/v1/sessions", opt=_SIGNED_IN, operation_id="listSessions", tags=["identity"])
async def list_sessions(shell: Shell, principal: Principal) -> Page[OpenSession]:
    """Where one is signed in oneself."""
    async with shell.read(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        return Page(await queries.open_sessions(uow, _user(principal), this=principal.session_id))


@post("/v1/sessions/end", opt=_SIGNED_IN, operation_id="endSessions", tags=["identity"], status_code=204)
async def end_sessions(shell: Shell, principal: Principal) -> None:
    """Sign out everywhere else: here at once, everywhere within five seconds."""
    async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        ended = await sessions.end_all(uow, _user(principal), but=principal.session_id)
    _forget(shell, *ended)


@post("/v1/sessions/{session_id:uuid}/end", opt=_SIGNED_IN, operation_id="endSession", tags=["identity"], status_code=204)
async def end_session(shell: Shell, principal: Principal, session_id: UUID) -> None:
    """Sign out of one of one's own sessions."""
    async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        await sessions.end_own(uow, principal.user_id or session_id, session_id)
    _forget(shell, session_id)


@get("/v1/users/{user_id:uuid}/sessions", opt={"permission": "users.read"}, operation_id="listUserSessions", tags=["identity"])
async def list_user_sessions(uow: UnitOfWork, user_id: UUID) -> Page[OpenSession]:
    await uow.get(User, user_id)
    return Page(await queries.open_sessions(uow, user_id))


@post(
    "/v1/users/{user_id:uuid}/sessions/end",
    opt={"permission": "users.write"},
    operation_id="endUserSessions",
    tags=["identity"],
    status_code=204,
)
async def end_user_sessions(uow: UnitOfWork, shell: Shell, principal: Principal, user_id: UUID) -> None:
    """Sign somebody out everywhere."""
    ended = await sessions.end_all_of(uow, user_id, maker=principal)
    uow.after_commit(lambda: _forget(shell, *ended))


@get("/v1/session/focus", opt=_SIGNED_IN, operation_id="listFocusChoices", tags=["identity"])
async def list_focus(shell: Shell, principal: Principal) -> Page[FocusChoice]:
    """The customers that somebody of the partner who doesn't serve the whole tenant may work for."""
    async with shell.read(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        return Page(await queries.focus_choices(uow, _user(principal), chosen=principal.customer_id))


@post("/v1/session/focus", opt=_SIGNED_IN, operation_id="chooseFocus", tags=["identity"], status_code=204)
async def choose_focus(shell: Shell, principal: Principal, data: Focus) -> None:
    """Choose the customer to work for in this session."""
    async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        await sessions.choose_focus(uow, _session(principal), data.customer_id)
    _forget(shell, _session(principal))


# -- consent


@get("/v1/consents", opt={"permission": "consent.read"}, operation_id="listConsents", tags=["identity"])
async def list_consents(uow: UnitOfWork, cursor: str | None = None, limit: Limit = 50) -> Page[ConsentView]:
    return await queries.consents(uow, cursor=cursor, limit=limit)


@post("/v1/consents", opt={"permission": "consent.ask"}, operation_id="askConsent", tags=["identity"])
async def ask_consent(uow: UnitOfWork, principal: Principal, data: AskConsent) -> ConsentView:
    """Ask a customer that you may act for it."""
    return queries.consent_view(await consent.ask(uow, data, asker=principal), uow)


@post("/v1/consents/ahead", opt={"permission": "consent.decide"}, operation_id="grantConsentAhead", tags=["identity"])
async def grant_ahead(uow: UnitOfWork, principal: Principal, data: GrantAhead) -> ConsentView:
    """Agree before being asked."""
    return queries.consent_view(await consent.grant_ahead(uow, data, decider=principal), uow)


@post(
    "/v1/consents/{consent_id:uuid}/grant",
    opt={"permission": "consent.decide"},
    operation_id="grantConsent",
    tags=["identity"],
    status_code=200,
)
async def grant_consent(uow: UnitOfWork, principal: Principal, consent_id: UUID) -> ConsentView:
    return queries.consent_view(await consent.grant(uow, consent_id, decider=principal), uow)


@post(
    "/v1/consents/{consent_id:uuid}/decline",
    opt={"permission": "consent.decide"},
    operation_id="declineConsent",
    tags=["identity"],
    status_code=200,
)
async def decline_consent(uow: UnitOfWork, principal: Principal, consent_id: UUID) -> ConsentView:
    return queries.consent_view(await consent.decline(uow, consent_id, decider=principal), uow)


@post(
    "/v1/consents/{consent_id:uuid}/withdraw",
    opt={"permission": "consent.decide"},
    operation_id="withdrawConsent",
    tags=["identity"],
    status_code=200,
)
async def withdraw_consent(uow: UnitOfWork, principal: Principal, consent_id: UUID) -> ConsentView:
    """Take a consent back; whoever acts under it stops within five seconds."""
    return queries.consent_view(await consent.withdraw(uow, consent_id, decider=principal), uow)


@get("/v1/consents/{consent_id:uuid}/entries", opt={"permission": "consent.read"}, operation_id="listConsentEntries", tags=["identity"])
async def list_entries(uow: UnitOfWork, consent_id: UUID, cursor: str | None = None, limit: Limit = 50) -> Page[EntryView]:
    """What was done under a consent."""
    return await queries.entries(uow, consent_id, cursor=cursor, limit=limit)


# -- acting


@post("/v1/acting", opt={"permission": "consent.ask"}, operation_id="startActing", tags=["identity"])
async def start_acting(uow: UnitOfWork, shell: Shell, principal: Principal, data: StartActing) -> ActingView:
    """Act for a customer in this session, as long as it consents."""
    acting = await consent.start_acting(uow, data.consent_id, principal=principal)
    uow.after_commit(lambda: _forget(shell, acting.session_id))
    return queries.acting_view(acting)


@post("/v1/acting/end", opt=_SIGNED_IN, operation_id="endActing", tags=["identity"], status_code=204)
async def end_acting(shell: Shell, principal: Principal) -> None:
    """Be oneself again."""
    async with shell.unit_of_work(principal.tenant, actor=principal.actor, customer=principal.own_customer_id) as uow:
        await consent.stop_acting(uow, _session(principal))
    _forget(shell, _session(principal))


def _user(principal: Principal) -> UUID:
    if principal.user_id is None:
        raise SessionMissing()
    return principal.user_id


def _session(principal: Principal) -> UUID:
    if principal.session_id is None:
        raise SessionMissing()
    return principal.session_id


def _forget(shell: Shell, *ended: UUID) -> None:
    for session_id in ended:
        cache_of(shell).forget(session_id)


ACCESS_ROUTES: list[Any] = [
    list_sessions, end_sessions, end_session, list_user_sessions, end_user_sessions, list_focus, choose_focus,
    list_consents, ask_consent, grant_ahead, grant_consent, decline_consent, withdraw_consent, list_entries, start_acting, end_acting,
]  # fmt: skip
