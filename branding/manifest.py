"""The `brand` section of a provisioning manifest: one flat object with voice, colours, logo and host."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from app.core.errors import FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from branding import commands, queries
from branding.logo import decoded
from branding.schemas import Address, Brand, Colour, Font, Line, Locale, Name, Tokens, Voice, WebAddress
from tenants.schemas import Change, Section


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """The section's fields; `logo` is a picture file in base64 (the CLI resolves `file:` references)."""

    name: Name
    mail_from: Address
    primary: Colour
    accent: Colour | None = None
    surface: Colour = "#FFFFFF"
    text: Colour = "#14181D"
    radius: Annotated[int, msgspec.Meta(ge=0, le=24)] = 8
    font: Font = "system"
    logo: str | None = None
    domain: str | None = None
    mail_name: Line = ""
    support_email: Address | None = None
    support_url: WebAddress | None = None
    terms_url: WebAddress | None = None
    privacy_url: WebAddress | None = None
    legal: Line = ""
    locale: Locale = "en"
    zone: str = "UTC"

    def brand(self) -> Brand:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        voice, tokens = ({name: given[name] for name in kind.__struct_fields__} for kind in (Voice, Tokens))
        return Brand(voice=msgspec.convert(voice, Voice), tokens=msgspec.convert(tokens, Tokens))


async def reconcile(uow: UnitOfWork, shell: Shell, wanted: list[dict[str, Any]], *, customer_id: UUID | None, prune: bool) -> list[Change]:
    """Publish the brand when it differs, take in its host, and say what changed."""
    changes: list[Change] = []
    for entry in wanted[:1]:
        asked = _read(entry)
        before = await queries.shown(uow)
        row = await commands.publish_brand(uow, asked.brand(), logo=decoded(asked.logo) if asked.logo else None)
        changes.append(_change(before, asked, published=row.version != before.version))
        await commands.ensure_platform_host(uow, shell.settings)
        if asked.domain:
            changes.append(await _domain(uow, shell, asked.domain))
    return changes


async def _domain(uow: UnitOfWork, shell: Shell, host: str) -> Change:
    known = {row.host for row in await queries.domains(uow)}
    row = await commands.add_domain(uow, shell.settings, host)
    if row.host in known:
        return Change(what="domain", name=row.host, action="unchanged")
    state = "verified" if row.verified_at else "waiting for its proof"
    return Change(what="domain", name=row.host, action="create", fields={"state": [None, state]})


def _read(entry: dict[str, Any]) -> Wanted:
    try:
        return msgspec.convert(entry, Wanted)
    except msgspec.ValidationError as wrong:
        detail, _, path = str(wrong).partition(" - at `$")
        pointer = "/" + path.rstrip("`").lstrip(".").replace(".", "/") if path else ""
        raise Invalid("The brand can't be read.", errors=[FieldError(pointer, detail, "Correct the field.")]) from wrong


def _change(before: queries.Shown, asked: Wanted, *, published: bool) -> Change:
    if not published:
        return Change(what="brand", name=asked.name, action="unchanged")
    if before.brand is None:
        return Change(what="brand", name=asked.name, action="create")
    old, new = (_flat(brand) for brand in (before.brand, asked.brand()))
    fields = {name: [old.get(name), new.get(name)] for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}
    return Change(what="brand", name=asked.name, action="update", fields=fields or {"logo": ["…", "…"]})


def _flat(brand: Brand) -> dict[str, Any]:
    return {**msgspec.to_builtins(brand.voice), **msgspec.to_builtins(brand.tokens)}


SECTION = Section("brand", reconcile)
