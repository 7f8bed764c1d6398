"""What a visitor of a signed link sees, in the voice of the partner whose host it is."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from app.core.errors import Conflict, Fault, Invalid, LimitReached, NotAllowed, NotFound, Unavailable
from app.core.services import Shell
from app.notifications import links
from app.notifications.links import Form, LinkAction, LinkExpired
from app.notifications.models import Link
from branding import queries, render
from branding.domains import tenant_of
from branding.pages import Kind, Page
from branding.queries import Shown
from branding.render import Rendered


@dataclass(frozen=True)
class _Visit:
    """Whose host it is, how they look, and the link, when the token is one of theirs."""

    shown: Shown
    tenant: UUID | None = None
    link: Link | None = None


async def show(shell: Shell, host: str, token: str) -> Rendered:
    """Return the page behind a link. Changes nothing, however often it is asked."""
    visit = await _arrive(shell, host, token)
    return _rendered(visit, await _page(shell, visit))


async def act(shell: Shell, host: str, token: str, form: Form) -> Rendered:
    """Do what the link is for, once; return the page that says what came of it."""
    visit = await _arrive(shell, host, token)
    page = await _page(shell, visit)
    action = _action(shell, visit.link)
    if visit.tenant is None or visit.link is None or action is None or page.kind in ("expired", "used", "unknown"):
        return _rendered(visit, page)
    try:
        page = await _acted(shell, visit.tenant, visit.link, action, form)
    except LinkExpired:
        page = Page(kind="expired")
    except Conflict:  # settled meanwhile, by this link or elsewhere
        page = await _page(shell, await _arrive(shell, host, token))
        page = page if page.kind in ("used", "expired") else Page(kind="used")
    except (Invalid, NotAllowed, LimitReached) as refused:
        page = msgspec.structs.replace(page, error=_sentence(refused))
    return _rendered(visit, page)


async def failed(shell: Shell, host: str, status: int) -> Rendered:
    """Return the page that says something went wrong here; neutral when even the brand can't be read."""
    try:
        visit = await _arrive(shell, host, "")
    except Unavailable:
        visit = _Visit(Shown(None, None))
    made = _rendered(visit, Page(kind="error"))
    return Rendered(status, made.headers, made.html)


async def _acted(shell: Shell, tenant: UUID, link: Link, action: LinkAction, form: Form) -> Page:
    async with shell.unit_of_work(tenant, actor=f"link:{link.id}", customer=link.customer_id, case=_case(link)) as uow:
        held = await links.take(uow, link.id)
        page = await action.act(shell, uow, held, form)
        if page.is_answer:
            links.use_up(uow, held, page.answer)
    return page


async def _arrive(shell: Shell, host: str, token: str) -> _Visit:
    tenant = await tenant_of(shell.boundary, host)
    if tenant is None:
        return _Visit(Shown(None, None))
    found = await links.find(shell.boundary, token)
    async with shell.read(tenant, actor="system:links") as uow:
        shown = await queries.shown(uow)
        # A token of another tenant is unknown here: its page must not appear in this partner's name.
        link = await uow.find(Link, found[1]) if found and found[0] == tenant else None
    return _Visit(shown, tenant, link)


async def _page(shell: Shell, visit: _Visit) -> Page:
    action = _action(shell, visit.link)
    if visit.tenant is None or visit.link is None or action is None:
        return Page(kind="unknown")
    state = links.state_of(visit.link, shell.clock.now())
    if state != "open":
        return Page(kind=_closed(state), answer=visit.link.answer or "")
    link = visit.link
    try:
        async with shell.read(visit.tenant, actor=f"link:{link.id}", customer=link.customer_id, case=_case(link)) as uow:
            return await action.show(shell, uow, link)
    except NotFound:
        return Page(kind="unknown")


def _case(link: Link) -> UUID | None:
    """The one case the holder may touch; a link of the house's own (no customer) is held by its action alone."""
    return link.case_id if link.customer_id else None


def _action(shell: Shell, link: Link | None) -> LinkAction | None:
    actions: list[LinkAction] = shell.extras["links"]
    return next((action for action in actions if link and action.kind == link.kind), None)


def _closed(state: str) -> Kind:
    return "used" if state == "used" else "expired"


def _rendered(visit: _Visit, page: Page) -> Rendered:
    if visit.link:
        page = msgspec.structs.replace(page, locale=page.locale or visit.link.locale or "", zone=page.zone or visit.link.zone or "")
    return render.page(page, visit.shown.brand, has_logo=visit.shown.has_logo)


def _sentence(refused: Fault) -> str:
    parts = [" ".join(filter(None, (error.detail, error.remedy))) for error in refused.errors]
    return " ".join(parts) or refused.detail
