"""The brand: edited with a live preview, published as a new version, an earlier one published again."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Response
from markupsafe import Markup

from app.core.uow import UnitOfWork
from app.portal import words
from app.portal.admin.choices import LANGUAGES, ZONES, check_zone, who
from app.portal.forms import Form
from app.portal.pages import page_get, page_post
from app.portal.reader import forget_look
from app.portal.screens import Screen
from branding import commands, formats, queries
from branding.models import BrandRow
from branding.preview import preview as previewed
from branding.render import themed
from branding.schemas import Brand, Tokens, Voice
from branding.screens import sheet
from branding.theme import checks, corrected
from branding.words import words as link_words
from tenants.queries import info

SHEETS = ("base.css", "components.css", "screens.css")
FIRST = Tokens(primary="#1F4B7A")
FONT_NAMES: Mapping[str, str] = {
    "system": "The device's own (recommended)", "humanist": "Humanist: warm, open", "geometric": "Geometric: round, modern",
    "grotesque": "Grotesque: neutral", "serif": "Serif: classical", "slab": "Slab: sturdy", "mono": "Monospaced: technical",
}  # fmt: skip
_FRAME = {"X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


class BrandEdit(msgspec.Struct, frozen=True):
    """The editor's form: a brand, the version it was made from, and whether its logo goes."""

    voice: Voice
    tokens: Tokens
    expected: int = 0
    remove_logo: bool = False


@page_get("/admin/brand", area="admin", permission="brand.read")
async def show_brand(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """The editor with what is published now."""
    seen = await queries.shown(uow)
    brand = seen.brand or await _first(uow)
    return await _editor(screen, uow, Form.of(brand, expected=seen.version))


@page_post("/admin/brand", area="admin", permission="brand.write", upload=True)
async def save_brand(screen: Screen, form: Form) -> Response[str]:
    """Publish; or, with `take` or `preview`, show the draft again with a proposed colour taken or as it is."""
    again = partial(_editor, screen)
    if form.value("take") or form.value("preview"):
        return await screen.again(again, _taken(form), 200)
    logo = await form.files["logo"].read() if "logo" in form.files else None

    async def change(uow: UnitOfWork) -> None:
        wanted = form.read(BrandEdit)
        check_zone(wanted.voice.zone, "/voice/zone")
        picture = logo if logo is not None else None if wanted.remove_logo else msgspec.UNSET
        await commands.publish_brand(uow, Brand(wanted.voice, wanted.tokens), logo=picture, expected=wanted.expected)
        await commands.ensure_platform_host(uow, screen.shell.settings)

    answer = await screen.change(change, form, then="/admin/brand", done="brand_published", again=again)
    forget_look(screen.shell, screen.reader.principal.tenant)
    return answer


@page_get("/admin/brand/check", area="admin", permission="brand.read")
async def check_brand(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """What can be read and what can't in a draft, for the place beside the colours."""
    draft = await _draft(screen, uow)
    return screen.fragment("admin/brand_checks.html", checks=checks(draft.tokens))


@page_get("/admin/brand/preview", area="admin", permission="brand.read")
async def preview_brand(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """A draft as it would look, by day and by night: a page of its own, shown in the editor's frame."""
    draft, seen = await _draft(screen, uow), await queries.shown(uow)
    usable = Brand(draft.voice, corrected(draft.tokens))
    theme, nonce, language = themed(usable), secrets.token_urlsafe(18), words.spoken("home", draft.voice.locale)
    css = Markup(
        "".join(f".panel.{name}{{{_declared(side)}}}" for name, side in (("light", theme.light), ("dark", theme.dark)))
        + sheet(usable, SHEETS)
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    return screen.fragment(
        "admin/brand_preview.html", headers={**_FRAME, "Content-Security-Policy": policy}, style_nonce=nonce, css=css, draft=usable,
        is_corrected=usable.tokens != draft.tokens, logo="/brand/logo.png" if seen.has_logo else "", language=language,
        direction=formats.direction(language), said=partial(words.say, words.words("home", language)),
        told=partial(words.say, link_words(language)), at=partial(formats.moment, locale=draft.voice.locale, zone=draft.voice.zone),
        cost=formats.money(24_000, "EUR", draft.voice.locale), mail_query=screen.query, sooner=screen.now - timedelta(hours=11),
    )  # fmt: skip


@page_get("/admin/brand/preview/mail", area="admin", permission="brand.read")
async def preview_mail(screen: Screen, uow: UnitOfWork) -> Response[str]:
    """A mail in the draft's frame, as mail programs get it."""
    draft = await _draft(screen, uow)
    html = previewed(Brand(draft.voice, corrected(draft.tokens)), now=screen.now).mail
    hashes = " ".join(f"'sha256-{_hash(style)}'" for style in re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    policy = f"default-src 'none'; style-src {hashes}; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    headers = {**_FRAME, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(html, headers=headers, media_type="text/html")


@page_get("/admin/brand/versions", area="admin", permission="brand.read")
async def list_versions(screen: Screen, uow: UnitOfWork, cursor: str | None = None) -> Response[str]:
    """Every version there was: who published it, when, and what it changed."""
    return await _versions(screen, uow, Form(), cursor)


@page_post("/admin/brand/versions/{number:int}/republish", area="admin", permission="brand.write")
async def republish(screen: Screen, form: Form, number: int) -> Response[str]:
    """Make an earlier version what everybody sees again."""

    async def change(uow: UnitOfWork) -> None:
        await commands.republish_brand(uow, number)

    again = partial(_versions, screen)
    answer = await screen.change(change, form, then="/admin/brand/versions", done="brand_republished", again=again)
    forget_look(screen.shell, screen.reader.principal.tenant)
    return answer


async def _editor(screen: Screen, uow: UnitOfWork, form: Form) -> Response[str]:
    seen, draft = await queries.shown(uow), _draft_of(form, await _current(uow))
    rows = await queries.versions(uow, cursor=None, limit=4)
    fields = [(name, value) for name, value in form.fields if name.startswith(("voice.", "tokens.")) and value]
    return screen.show(
        "admin/brand.html", form=form, seen=seen, checks=checks(draft.tokens), versions=await _told(uow, rows.items[:3], rows.items), fonts=FONT_NAMES,
        languages=LANGUAGES, zones=ZONES, draft_query=urlencode(fields), more=len(rows.items) > 3,
    )  # fmt: skip


async def _versions(screen: Screen, uow: UnitOfWork, form: Form, cursor: str | None = None) -> Response[str]:
    rows = await queries.versions(uow, cursor=cursor, limit=25)
    earlier = (await queries.versions(uow, cursor=rows.next, limit=1)).items if rows.next else []
    told = await _told(uow, rows.items, [*rows.items, *earlier])
    return screen.show("admin/brand_versions.html", form=form, versions=told, next=rows.next, cursor=cursor)


async def _told(uow: UnitOfWork, shown: list[BrandRow], known: list[BrandRow]) -> list[dict[str, Any]]:
    """Each version with who made it and what differs from the one before it."""
    named = await who(uow, [row.created_by for row in shown])
    before = {row.version: row for row in known}
    return [{"row": row, "by": named(row.created_by), "changes": _changes(row, before.get(row.version - 1))} for row in shown]


def _changes(row: BrandRow, before: BrandRow | None) -> list[tuple[str, str, str]]:
    if before is None:
        return []
    old, new = dict(Form.of(_brand(before)).fields), dict(Form.of(_brand(row)).fields)
    found = [(name.partition(".")[2], old.get(name, ""), value) for name, value in new.items() if old.get(name, "") != value]
    found += [(name.partition(".")[2], value, "") for name, value in old.items() if name not in new]
    return found + ([("logo", "", "another one" if row.logo_id else "none")] if row.logo_id != before.logo_id else [])


def _brand(row: BrandRow) -> Brand:
    return msgspec.convert(row.content, Brand)


async def _first(uow: UnitOfWork) -> Brand:
    """What the editor starts from before anything was published."""
    own = await info(uow)
    return Brand(Voice(name=(own.partner_name if own else "")[:80] or "Your name", mail_from=""), FIRST)


async def _current(uow: UnitOfWork) -> Brand:
    return (await queries.shown(uow)).brand or await _first(uow)


async def _draft(screen: Screen, uow: UnitOfWork) -> Brand:
    """The draft that a preview's address holds; a version's number shows that version."""
    given = parse_qsl(screen.query, max_num_fields=40)
    number = dict(given).get("version", "")
    base = _brand(await queries.version(uow, int(number))) if number.isdigit() and len(number) < 10 else await _current(uow)
    return _draft_of(Form(given), base)


def _draft_of(form: Form, base: Brand) -> Brand:
    """A draft as far as it can be used: what can't be read yet stays as it was."""
    return Brand(_usable(form, "voice", base.voice), _usable(form, "tokens", base.tokens))


def _usable(form: Form, part: str, base: Any) -> Any:
    given = dict(form.fields)
    if not any(name.startswith(f"{part}.") for name in given):
        return base
    usable: dict[str, Any] = {}
    for field in msgspec.structs.fields(type(base)):
        text = given.get(f"{part}.{field.encode_name}", "").strip()
        try:
            usable[field.name] = msgspec.convert(text, field.type, strict=False) if text else _without(field, base)
        except msgspec.ValidationError:
            usable[field.name] = getattr(base, field.name)
    return type(base)(**usable)


def _without(field: Any, base: Any) -> Any:
    return getattr(base, field.name) if field.required else field.default


def _taken(form: Form) -> Form:
    """The form with a proposed colour in its field."""
    name, _, colour = form.value("take").partition("=")
    taken = {name: colour} if name.startswith("tokens.") else {}
    kept = [(n, v) for n, v in form.fields if n not in ("take", "preview", *taken)]
    return Form([*kept, *taken.items()])


def _declared(side: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in side.items())


def _hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


ROUTES: list[Any] = [show_brand, save_brand, check_brand, preview_brand, preview_mail, list_versions, republish]
