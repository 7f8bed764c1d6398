"""The log: who did what to what, and when; narrowed, verified, taken along as a file."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response

from app.audit import commands, queries
from app.audit.queries import Wanted
from app.audit.schemas import AuditView, Report
from app.core.errors import FieldError, Invalid
from app.core.uow import UnitOfWork
from app.portal.admin.audit_words import GROUPS, families, sentence
from app.portal.admin.choices import CustomerUnknown, customer_of, offered, who
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding.formats import zone_of
from tenants import console_queries
from tenants.names import customer_names

LIST = "/admin/audit"
SHOWN, EXPORTED = 40, 10_000
FILTERS = ("group", "type", "actor", "case", "customer", "since", "until")
_LINKS = {
    "case": "/ops/cases/", "user": "/admin/users/", "customer": "/admin/customers/", "key": "/admin/keys/", "connection": "/admin/connections/",
    "identity_provider": "/admin/identity-providers/", "run": "/ops/runs/", "signal": "/admin/signals/",
}  # fmt: skip


class FilterUnclear(Invalid):
    """A filter can't be read."""

    status = 422


@page_get(LIST, area="admin", permission="audit.read")
async def show_log(
    screen: Screen,
    uow: UnitOfWork,
    group: str = "",
    type: str = "",
    actor: str = "",
    case: str = "",
    customer: str = "",
    since: str = "",
    until: str = "",
    cursor: str | None = None,
) -> Response[str]:
    """The log, newest first."""
    given = {"group": group, "type": type, "actor": actor, "case": case, "customer": customer, "since": since, "until": until}
    return await _show(screen, given, cursor, uow, Form([pair for pair in given.items() if pair[1]]))


@page_get(f"{LIST}.csv", area="admin", permission="audit.read")
async def export_log(
    screen: Screen,
    uow: UnitOfWork,
    group: str = "",
    type: str = "",
    actor: str = "",
    case: str = "",
    customer: str = "",
    since: str = "",
    until: str = "",
) -> Response[str]:
    """The same as a file for a spreadsheet; up to 10,000 entries, each with its place in the chain."""
    given = {"group": group, "type": type, "actor": actor, "case": case, "customer": customer, "since": since, "until": until}
    wanted = await _wanted(screen, uow, given)
    entries: list[AuditView] = []
    cursor: str | None = None
    while len(entries) < EXPORTED:
        page = await queries.log(uow, wanted, cursor=cursor, limit=min(1000, EXPORTED - len(entries)))
        entries, cursor = [*entries, *page.items], page.next
        if cursor is None:
            break
    named = await who(uow, [entry.actor for entry in entries])
    name = f"log-{screen.now.astimezone(UTC):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(_csv(entries, named), headers=headers, media_type="text/csv; charset=utf-8")


@page_get(f"{LIST}/{{event_id:uuid}}", area="admin", permission="audit.read")
async def show_entry(screen: Screen, uow: UnitOfWork, event_id: UUID) -> Response[str]:
    """One entry with everything it holds: before and after, its cause, its link in the chain."""
    entry = await queries.one(uow, event_id)
    named, names = await who(uow, [entry.actor]), await customer_names(uow, [entry.customer_id])
    return screen.show("admin/audit_entry.html", entry=entry, who=named, names=names, sentence=sentence, link=_link, told=_told)


@page_post(f"{LIST}/verify", area="admin", permission="audit.verify")
async def verify_log(screen: Screen, form: Form) -> Response[str]:
    """Compare log, chains and anchors, and show every disagreement; that it was done stands in the log as well."""

    async def change(uow: UnitOfWork) -> tuple[Report, dict[UUID, str]]:
        report = await commands.verify(uow, Path(screen.shell.settings.anchor_dir))
        return report, await customer_names(uow, [chain.customer_id for chain in report.chains])

    def show(found: tuple[Report, dict[UUID, str]]) -> Response[str]:
        return screen.show("admin/audit_verified.html", report=found[0], names=found[1])

    given = dict.fromkeys(FILTERS, "")
    return await screen.reveal(change, form, show=show, again=partial(_show, screen, given, None), then=LIST, done="log_verified")


async def _show(screen: Screen, given: dict[str, str], cursor: str | None, uow: UnitOfWork, form: Form) -> Response[str]:
    try:
        wanted = await _wanted(screen, uow, given)
    except (FilterUnclear, CustomerUnknown) as fault:
        form.refused(fault)
        wanted = None
    rows = await queries.log(uow, wanted, cursor=cursor, limit=SHOWN) if wanted else None
    entries = rows.items if rows else []
    chosen = {name: value for name, value in given.items() if value}
    held, anchored, at = await queries.anchored(uow)
    return screen.show(
        "admin/audit.html", status=422 if wanted is None else 200, form=form, rows=rows, given=given, chosen=chosen, cursor=cursor, group_choices=[(name, words) for name, (words, _) in GROUPS.items()],
        sentence=sentence, link=_link, who=await who(uow, [entry.actor for entry in entries]),
        names=await customer_names(uow, [entry.customer_id for entry in entries]), chosen_query=urlencode(chosen), held=held, anchored=anchored,
        anchored_at=at, **await offered(uow),
    )  # fmt: skip


async def _wanted(screen: Screen, uow: UnitOfWork, given: dict[str, str]) -> Wanted:
    """The filters as the log takes them; raises FilterUnclear or CustomerUnknown naming the field."""
    actors = await _actors(uow, given["actor"].strip()) if given["actor"].strip() else None
    case = given["case"].strip().rpartition("/")[2]
    return Wanted(
        families=families(given["group"]), type=given["type"].strip() or None, actors=actors, key=f"case:{_uuid(case, 'case')}" if case else None,
        customer_id=await customer_of(uow, Form([("customer", given["customer"])])), since=_day(screen, given["since"], "since"),
        until=_day(screen, given["until"], "until", days=1),
    )  # fmt: skip


async def _actors(uow: UnitOfWork, text: str) -> tuple[str, ...]:
    """Whom the text means: people by name or address, an actor as it is written, or a kind such as `system`."""
    people = [f"user:{id}" for id in await console_queries.people_like(uow, text[:80])]
    return (*people, text[:120])


def _day(screen: Screen, text: str, name: str, *, days: int = 0) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        raise FilterUnclear(errors=[FieldError(f"/{name}", f"{text[:40]!r} is no day.", "Write it as 2026-11-23.")]) from None
    zone: ZoneInfo = zone_of(screen.zone)
    return (day + timedelta(days=days)).replace(tzinfo=zone).astimezone(UTC)


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise FilterUnclear(errors=[FieldError(f"/{name}", "This names no case.", "Copy the address of its page.")]) from None


def _link(subject: str) -> str:
    """The page of what an entry is about; "" where there is none."""
    kind, _, name = subject.partition(":")
    return f"{_LINKS[kind]}{name}" if kind in _LINKS else ""


def _told(value: Any) -> str:
    """A value of a change as text; a long one is cut."""
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 600 else f"{text[:600]}…"


def _csv(entries: list[AuditView], named: Any) -> str:
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(["recorded at", "occurred at", "type", "subject", "actor", "who", "customer", "cause", "data", "changes", "place", "hash", "id"])
    for entry in entries:
        data, changes = (json.dumps(part, ensure_ascii=False, sort_keys=True) if part else "" for part in (entry.data, entry.changes))
        row = [
            entry.recorded_at.isoformat(), entry.occurred_at.isoformat(), entry.type, entry.subject, entry.actor, named(entry.actor),
            entry.customer_id or "", entry.cause or "", data, changes, entry.seq or "", entry.hash or "", entry.id,
        ]  # fmt: skip
        write([_cell(str(value)) for value in row])
    return out.getvalue()


def _cell(text: str) -> str:
    """A cell that a spreadsheet takes for text, not for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


ROUTES: list[Any] = [show_log, export_log, show_entry, verify_log]
