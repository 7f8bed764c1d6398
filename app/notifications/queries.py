"""Reading templates and notices."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import NotFound
from app.core.paging import Page, page
from app.core.uow import UnitOfWork
from app.notifications.library import built_in
from app.notifications.models import Notice, Template
from app.notifications.schemas import NoticeView, Status, TemplateContent, TemplateView
from tenants.ownership import owned_first, usable_by


class TemplateNotFound(NotFound):
    """There is no published template of this name."""


@dataclass(frozen=True)
class Chosen:
    """The template a notice is pinned to; a built-in one has no row."""

    id: UUID | None
    content: TemplateContent


async def template_for(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Chosen:
    """Return the published template `name` as this customer gets it: its own, the partner's, ours; raises TemplateNotFound."""
    query = select(Template).where(Template.name == name, Template.status == "published", usable_by(Template, customer_id))
    row: Template | None = (await uow.execute(query.order_by(owned_first(Template)).limit(1))).scalar_one_or_none()
    if row:
        return Chosen(row.id, content_of(row))
    if name in built_in():
        return Chosen(None, built_in()[name])
    raise TemplateNotFound(f"There is no published template {name!r}; publish it first.")


async def pinned(uow: UnitOfWork, notice: Notice) -> TemplateContent:
    """Return the template version a queued notice was pinned to."""
    return content_of(await uow.get(Template, notice.template_id)) if notice.template_id else built_in()[notice.template]


def content_of(row: Template) -> TemplateContent:
    return msgspec.convert(row.content, TemplateContent)


async def templates(uow: UnitOfWork, *, name: str | None, cursor: str | None, limit: int) -> Page[TemplateView]:
    """Return versions of templates, newest first."""
    query = select(Template) if name is None else select(Template).where(Template.name == name)
    return await page(uow, query, by=[(Template.__table__.c.id, UUID)], cursor=cursor, limit=limit, view=template_view)


async def notices(uow: UnitOfWork, *, case_id: UUID | None, status: Status | None, cursor: str | None, limit: int) -> Page[NoticeView]:
    """Return notices, newest first, without their HTML."""
    query = select(Notice)
    if case_id:
        query = query.where(Notice.case_id == case_id)
    if status:
        query = query.where(Notice.status == status)
    view = partial(notice_view, for_customer=uow.customer_id is not None)
    return await page(uow, query, by=[(Notice.__table__.c.id, UUID)], cursor=cursor, limit=limit, view=view)


async def letters(uow: UnitOfWork, address: str, *, cursor: str | None, limit: int) -> Page[NoticeView]:
    """Return what was sent to this address of a customer's person, newest first; mails that sign somebody in aren't letters."""
    query = select(Notice).where(Notice.address_key == address.lower(), Notice.audience == "customer", Notice.template != "sign-in")
    view = partial(notice_view, for_customer=True)
    return await page(uow, query, by=[(Notice.__table__.c.id, UUID)], cursor=cursor, limit=limit, view=view)


def template_view(row: Template) -> TemplateView:
    return TemplateView(row.id, row.name, row.version, row.status, row.customer_id, content_of(row), row.created_at, row.created_by)


def notice_view(row: Notice, *, with_html: bool = False, for_customer: bool = False) -> NoticeView:
    """Shape a notice; a customer's people see how far it got, not what the mail servers on the way said."""
    tries = [{name: tried[name] for name in ("at", "outcome")} if for_customer else dict(tried) for tried in row.tries]
    failure = None if for_customer else row.failure
    return NoticeView(
        row.id, row.status, row.channel, row.audience, row.template, row.about_customer_id, row.case_id, row.address, row.recipient_name,
        row.spoken or row.locale, row.subject, row.body_text, row.message_id, row.attempts, tries, failure, row.queued_at, row.settled_at,
        row.body_html if with_html else None,
    )  # fmt: skip
