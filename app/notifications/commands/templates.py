"""Keeping templates: draft a version (linted), publish it (the one before is retired), retire it."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from app.core.errors import Conflict, FieldError
from app.core.locks import take_turns
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.models import Template
from app.notifications.queries import content_of
from app.notifications.schemas import NewTemplate, PreviewForm, Rendered, TemplateContent
from app.notifications.templates import STANDING, choose, lint, render
from app.notifications.templates import faults as find_faults
from branding import queries as brands
from branding.schemas import Brand, Tokens, Voice

_NOBODY = Brand(Voice(name="Your brand", mail_from="care@example.com"), Tokens(primary="#1F4B7A"))


class TemplateRetired(Conflict):
    """This version is retired; draft a new one."""


class TemplateNotRolledBack(Conflict):
    """Only a version that was in use before can be used again."""


async def draft(uow: UnitOfWork, shell: Shell, new: NewTemplate) -> Template:
    """Keep a new version that has passed the lint; the same content as the newest version returns that one.

    Raises TemplateUnusable with a pointer to each fault.
    """
    await lint(new.content, await _brand(uow), shell.sandbox)
    await take_turns(uow, f"template|{new.name}|{new.customer_id}")
    newest = await _newest(uow, new.name, new.customer_id)
    digest = hashlib.sha256(msgspec.json.encode(new.content, order="deterministic")).hexdigest()
    if newest and newest.content_hash == digest and newest.status != "retired":
        return newest
    row = uow.add(
        Template(
            name=new.name, customer_id=new.customer_id, version=newest.version + 1 if newest else 1, status="draft",
            content=msgspec.to_builtins(new.content), content_hash=digest, created_at=uow.now, created_by=uow.actor,
        )
    )  # fmt: skip
    uow.publish("template.drafted", of=row, data={"name": row.name, "version": row.version})
    return row


async def publish(uow: UnitOfWork, row: Template) -> Template:
    """Let new notices use this version; what is queued already keeps its own."""
    if row.status == "published":
        return row
    if row.status == "retired":
        raise TemplateRetired()
    return await _put_in_force(uow, row)


async def roll_back(uow: UnitOfWork, row: Template) -> Template:
    """Let new notices use a version again that was in use before, instead of the present one."""
    if row.status != "retired":
        raise TemplateNotRolledBack()
    return await _put_in_force(uow, row, rolled_back=True)


async def _put_in_force(uow: UnitOfWork, row: Template, **more: Any) -> Template:
    await take_turns(uow, f"template|{row.name}|{row.customer_id}")
    same = Template.customer_id.is_(None) if row.customer_id is None else Template.customer_id == row.customer_id
    query = select(Template).where(Template.name == row.name, same, Template.status == "published")
    before: Template | None = (await uow.execute(query)).scalar_one_or_none()
    if before:
        before.status = "retired"
        await uow.session.flush()  # before the new one, which may not stand beside it even for a moment
    row.status = "published"
    told = {"name": row.name, "version": row.version, "replaces": before.version if before else None, **more}
    uow.publish("template.published", of=row, also=[before] if before else [], data=told)
    return row


async def retire(uow: UnitOfWork, row: Template) -> Template:
    """Let no new notice use this version."""
    if row.status != "retired":
        row.status = "retired"
        uow.publish("template.retired", of=row, data={"name": row.name, "version": row.version})
    return row


async def faults(uow: UnitOfWork, shell: Shell, content: TemplateContent) -> list[FieldError]:
    """What keeps a template from being sent, nothing when it is sound."""
    return await find_faults(content, await _brand(uow), shell.sandbox)


async def preview(uow: UnitOfWork, shell: Shell, content: TemplateContent, form: PreviewForm) -> Rendered:
    """Return what one reader would get, with the template's example and the form's values before it."""
    brand = await _brand(uow)
    locale, words = choose(content, form.locale or brand.voice.locale)
    context = STANDING | content.example | form.context
    zone = form.zone or brand.voice.zone
    return await render(words, context, brand=brand, locale=locale, zone=zone, logo_url=None, sandbox=shell.sandbox)


async def preview_kept(uow: UnitOfWork, shell: Shell, row: Template, form: PreviewForm) -> Rendered:
    """As `preview`, for a version that is kept."""
    return await preview(uow, shell, content_of(row), form)


async def _newest(uow: UnitOfWork, name: str, customer_id: UUID | None) -> Template | None:
    same = Template.customer_id.is_(None) if customer_id is None else Template.customer_id == customer_id
    last = select(func.max(Template.version)).where(Template.name == name, same).scalar_subquery()
    query = select(Template).where(Template.name == name, same, Template.version == last)
    row: Template | None = (await uow.execute(query)).scalar_one_or_none()
    return row


async def _brand(uow: UnitOfWork) -> Brand:
    return (await brands.shown(uow)).brand or _NOBODY
