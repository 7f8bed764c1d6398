"""The `templates` section of a provisioning manifest: `[{name, content: <YAML text>}]`, at the top or inside a customer."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from app.core.errors import FieldError, Invalid
from app.core.parsing import parse_yaml
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.notifications.commands import templates
from app.notifications.models import Template
from app.notifications.schemas import NewTemplate
from tenants.schemas import Change, Section


async def reconcile(uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool) -> list[Change]:
    """Publish each template that differs from the published one; with `prune`, retire those not named."""
    published = await _published(uow, customer_id)
    changes = [await _apply(uow, shell, index, entry, customer_id, published) for index, entry in enumerate(wanted)]
    for name in sorted(published.keys() - {change.name for change in changes}) if prune else []:
        await templates.retire(uow, published[name])
        changes.append(Change(what="template", name=name, action="delete"))
    return changes


async def _apply(
    uow: UnitOfWork, shell: Shell, index: int, entry: dict[str, Any], customer_id: UUID | None, published: dict[str, Template]
) -> Change:
    new = _read(index, entry, customer_id)
    before = published.get(new.name)
    try:
        row = await templates.publish(uow, await templates.draft(uow, shell, new))
    except Invalid as wrong:
        raise _at(wrong, f"/{index}") from wrong
    if before is row:
        return Change(what="template", name=new.name, action="unchanged")
    version = [before.version if before else None, row.version]
    return Change(what="template", name=new.name, action="update" if before else "create", fields={"version": version})


def _read(index: int, entry: dict[str, Any], customer_id: UUID | None) -> NewTemplate:
    content = entry.get("content")
    known = {"name", "content"}
    if unknown := sorted(entry.keys() - known):
        raise Invalid(errors=[FieldError(f"/{index}/{unknown[0]}", "This field is not known.", "Name the template and give its content.")])
    try:
        document = parse_yaml(content) if isinstance(content, str) else content
        return msgspec.convert({"name": entry.get("name"), "content": document, "customer_id": customer_id}, NewTemplate)
    except msgspec.ValidationError as wrong:
        detail, _, path = str(wrong).partition(" - at `$")
        pointer = f"/{index}" + path.rstrip("`").replace(".", "/")
        raise Invalid("The template can't be read.", errors=[FieldError(pointer, detail, "Correct the field.")]) from wrong
    except Invalid as wrong:
        raise _at(wrong, f"/{index}/content") from wrong


def _at(wrong: Invalid, place: str) -> Invalid:
    errors = [FieldError(place + error.pointer, error.detail, error.remedy) for error in wrong.errors] or [FieldError(place, wrong.detail)]
    return Invalid(wrong.detail, errors=errors, status=wrong.status)


async def _published(uow: UnitOfWork, customer_id: UUID | None) -> dict[str, Template]:
    same = Template.customer_id.is_(None) if customer_id is None else Template.customer_id == customer_id
    rows = (await uow.execute(select(Template).where(same, Template.status == "published"))).scalars()
    return {row.name: row for row in rows}


SECTION = Section("templates", reconcile, "both")
