"""Sources: the ways in. Set up with a signing secret shown once, tried with a ready-made request, rotated, closed and opened."""

import base64
import secrets as randomness
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from app.core.recent import history
from app.core.uow import UnitOfWork
from app.ingest import queries
from app.ingest.commands import sources as commands
from app.ingest.directory import directory_of
from app.ingest.models import Source
from app.ingest.schemas import NewSource, RotateSource, SourceMapping, SourceView
from app.portal.admin.choices import ZONES, customer_of, offered
from app.portal.admin.samples import sample_of
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.screens import Screen
from branding import queries as brands
from tenants.names import actor_names, customer_names

LIST = "/admin/sources"
KINDS = {
    "webhook": "Webhook: a system posts JSON or form data as things happen",
    "x12": "EDI X12: documents such as 214, 204 and 990",
    "cloudevents": "CloudEvents: events in the CloudEvents 1.0 format",
}  # fmt: skip
SCHEMES = {
    "standard_webhooks": "Standard Webhooks: id, timestamp and signature in headers (recommended)",
    "hmac_sha256": "HMAC-SHA256 of the body in a header of the sender's choice",
    "key": "No signature: the sender uses one of your API keys",
}  # fmt: skip
SAID = {
    "source.created": "was set up", "source.changed": "was changed", "source.rotated": "was given a new secret", "source.disabled": "was closed",
    "source.enabled": "was opened again",
}  # fmt: skip
OVERLAPS = ((86400, "for one more day"), (7 * 86400, "for one more week"), (3600, "for one more hour"), (0, "not at all: it stops now"))


class Made(msgspec.Struct, frozen=True):
    """What the page after a change shows once."""

    source: SourceView
    secret: str = ""


@page_get(LIST, area="admin", permission="sources.read")
async def list_sources(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """Every way in, with what came through it last."""
    rows = await queries.sources(uow)
    newest = await queries.newest_of_sources(uow, [row.name for row in rows])
    names = await customer_names(uow, (row.customer_id for row in rows))
    return screen.show("admin/sources.html", rows=rows, newest=newest, names=names, kinds=KINDS)


@page_get(f"{LIST}/new", area="admin", permission="sources.write")
async def new_source(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The form for a way in."""
    return await _new(screen, uow, Form.of({"kind": "webhook", "verify.scheme": "standard_webhooks"}))


@page_post(f"{LIST}/new", area="admin", permission="sources.write")
async def create_source(screen: Screen, form: Form) -> Response[str]:
    """Set it up and show, this once, the secret its sender signs with."""
    shown: list[str] = []

    async def change(uow: UnitOfWork) -> Made:
        customer = await customer_of(uow, form)
        is_signed = form.value("kind") == "webhook" and form.value("verify.scheme") != "key"
        secret = (form.value("verify.secret").strip() or _fresh(form.value("verify.scheme"))) if is_signed else ""
        verify = {"verify": {"scheme": form.value("verify.scheme"), **_filled(form), "secret": {"secret": secret}}} if is_signed else {}
        wanted = form.read(NewSource, only=("name", "kind", "mapping", "zone", "strict"), customer_id=customer, **verify)
        source = await commands.create_source(uow, screen.shell, wanted)
        shown.append(f"{await brands.origin(uow, screen.shell.settings) or ''}")
        return Made(SourceView.of(source), secret)

    def show(made: Made) -> Response[str]:
        sample = sample_of(made.source, shown[0], made.secret)
        return screen.show("admin/source_made.html", made=made, sample=sample, rotated=False)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _new(screen, uow, wrong)

    return await screen.reveal(change, form, show=show, again=again, then=LIST, done="source_made")


@page_get(f"{LIST}/{{source_id:uuid}}", area="admin", permission="sources.read")
async def show_source(screen: Screen, uow: UnitOfWork, source_id: UUID) -> Response[str]:
    """One way in: its address, a request to try it with, what came last."""
    return await _one(screen, uow, Form(), source_id)


@page_post(f"{LIST}/{{source_id:uuid}}/rotate", area="admin", permission="sources.write")
async def rotate_source(screen: Screen, form: Form, source_id: UUID) -> Response[str]:
    """A new secret, shown this once; the old one goes on for the time that was chosen."""
    shown: list[str] = []

    async def change(uow: UnitOfWork) -> Made:
        source = await _held(screen, uow, source_id)
        secret = form.value("secret").strip() or _fresh(str(source.verify.get("scheme", "")))
        wanted = form.read(RotateSource, only=("overlap_seconds",), secret=secret)
        await commands.rotate_source(uow, screen.shell, source, wanted.secret, timedelta(seconds=wanted.overlap_seconds))
        shown.append(f"{await brands.origin(uow, screen.shell.settings) or ''}")
        return Made(SourceView.of(source), secret)

    def show(made: Made) -> Response[str]:
        sample = sample_of(made.source, shown[0], made.secret)
        return screen.show("admin/source_made.html", made=made, sample=sample, rotated=True)

    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _one(screen, uow, wrong, source_id)

    return await screen.reveal(change, form, show=show, again=again, then=f"{LIST}/{source_id}", done="source_rotated")


@page_post(f"{LIST}/{{source_id:uuid}}/disable", area="admin", permission="sources.write")
async def disable_source(screen: Screen, form: Form, source_id: UUID) -> Response[str]:
    """Close it; what came through it stays."""

    async def change(uow: UnitOfWork) -> None:
        await commands.disable_source(uow, await _held(screen, uow, source_id))

    return await _changed(screen, form, source_id, change, "source_closed")


@page_post(f"{LIST}/{{source_id:uuid}}/enable", area="admin", permission="sources.write")
async def enable_source(screen: Screen, form: Form, source_id: UUID) -> Response[str]:
    """Open it again."""

    async def change(uow: UnitOfWork) -> None:
        await commands.enable_source(uow, await _held(screen, uow, source_id))

    return await _changed(screen, form, source_id, change, "source_opened")


@page_post(f"{LIST}/{{source_id:uuid}}/mapping", area="admin", permission="sources.write")
async def set_mapping(screen: Screen, form: Form, source_id: UUID) -> Response[str]:
    """What comes from now on goes through another mapping."""

    async def change(uow: UnitOfWork) -> None:
        await commands.set_mapping(uow, await _held(screen, uow, source_id), form.read(SourceMapping).mapping)

    return await _changed(screen, form, source_id, change, "saved")


async def _changed(screen: Screen, form: Form, source_id: UUID, change: Any, done: str) -> Response[str]:
    async def again(uow: UnitOfWork, wrong: Form) -> Response[str]:
        return await _one(screen, uow, wrong, source_id)

    return await screen.change(change, form, then=f"{LIST}/{source_id}", done=done, again=again)


async def _held(screen: Screen, uow: UnitOfWork, source_id: UUID) -> Source:
    """The source for a change; the door forgets what it knows of it once the change is durable."""
    source = await commands.source_by_id(uow, source_id)
    tenant_id, name = source.tenant_id, source.name
    uow.after_commit(lambda: directory_of(screen.shell).forget(tenant_id, name))
    return source


def _fresh(scheme: str) -> str:
    """A new secret of 32 random bytes, in the form its scheme writes it."""
    raw = randomness.token_bytes(32)
    return "whsec_" + base64.b64encode(raw).decode() if scheme == "standard_webhooks" else raw.hex()


def _filled(form: Form) -> dict[str, str]:
    """The details of a vendor's own scheme, those that were filled in."""
    if form.value("verify.scheme") != "hmac_sha256":
        return {}
    return {name: value for name in ("header", "encoding", "prefix", "id_header") if (value := form.value(f"verify.{name}").strip())}


async def _new(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    more = await offered(uow)
    return screen.show(
        "admin/source_new.html",
        form=form,
        kinds=KINDS,
        schemes=SCHEMES,
        zones=ZONES,
        customers=more["customers"],
        mappings=await _mappings(uow),
    )


async def _mappings(uow: UnitOfWork) -> Sequence[str]:
    return await queries.mapping_names(uow)


async def _one(screen: Screen, uow: UnitOfWork, form: Form, source_id: UUID) -> Response[str]:
    row = await uow.get(Source, source_id)
    view = SourceView.of(row)
    past = await history(uow, f"source:{source_id}", limit=10)
    return screen.show(
        "admin/source.html", form=form, row=view, sample=sample_of(view, await brands.origin(uow, screen.shell.settings) or "", ""),
        kinds=KINDS, schemes=SCHEMES, signals=await queries.newest_signals(uow, source_names=[row.name], limit=5), past=past, said=SAID,
        people=await actor_names(uow, (event.actor for event in past)), names=await customer_names(uow, [row.customer_id]),
        mappings=await _mappings(uow), overlaps=OVERLAPS,
    )  # fmt: skip


ROUTES: list[Any] = [list_sources, new_source, create_source, show_source, rotate_source, disable_source, enable_source, set_mapping]
