"""Sources: made, changed, rotated, disabled."""

import secrets as randomness
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select
from sqlalchemy import text as sql

from app.core.errors import Conflict, FieldError, Invalid
from app.core.services import Shell
from app.core.uow import UnitOfWork
from app.ingest.models import Source, SourceSecret
from app.ingest.schemas import NewSource, NewVerification
from app.ingest.sources import webhook
from app.ingest.sources.webhook import Verification
from tenants.models import Customer

TOKEN_KIND = "source"
ADDRESS_PREFIX = "in_"
_REGISTER = sql("select core.register_token(:hash, :kind, :subject, null)")


class SourceExists(Conflict):
    """A source of this name is there already; change that one or take another name."""


class BadSource(Invalid):
    """This source can't be set up as asked."""

    status = 422


def token_hash(token: str) -> bytes:
    """Return what a source's public address is looked up by."""
    return sha256(token.encode()).digest()


async def create_source(uow: UnitOfWork, shell: Shell, wanted: NewSource) -> Source:
    """Set up a way in; its secret is sealed at once. Raises SourceExists, BadSource or BadSecret."""
    if wanted.customer_id is not None:
        await uow.get(Customer, wanted.customer_id)
    if await uow.session.scalar(select(Source.id).where(Source.name == wanted.name)):
        raise SourceExists()
    _check(wanted)
    if wanted.verify is not None and wanted.verify.scheme != "key" and wanted.verify.secret is None:
        raise BadSource(errors=[FieldError("/verify/secret", "missing", "Give the secret its sender signs with.")])
    source = Source(
        customer_id=wanted.customer_id, name=wanted.name, kind=wanted.kind, status="active", mapping=wanted.mapping, verify=_kept(wanted.verify),
        zone=wanted.zone, strict=wanted.strict, token=ADDRESS_PREFIX + randomness.token_urlsafe(32), created_at=uow.now, created_by=uow.actor,
    )  # fmt: skip
    uow.add(source)
    await uow.session.flush()
    await uow.session.execute(_REGISTER, {"hash": token_hash(source.token), "kind": TOKEN_KIND, "subject": source.id})
    kept = [await _add_secret(uow, shell, source, wanted.verify.secret.secret)] if wanted.verify and wanted.verify.secret else []
    uow.publish("source.created", of=source, also=kept, key=f"source:{source.id}", data={"name": source.name, "kind": source.kind})
    return source


async def change_source(uow: UnitOfWork, shell: Shell, source: Source, wanted: NewSource) -> dict[str, list[Any]]:
    """Bring a source to what is wanted; returns the fields that changed. A secret that is wanted and not known is rotated in."""
    if wanted.kind != source.kind or wanted.customer_id != source.customer_id:
        raise BadSource(
            "A source keeps its kind and its owner; make another one.", errors=[FieldError("/kind", "can't change", "Use a new name.")]
        )
    _check(wanted)
    after = {"mapping": wanted.mapping, "verify": _kept(wanted.verify), "zone": wanted.zone, "strict": wanted.strict, "status": "active"}
    changed = {name: [getattr(source, name), value] for name, value in after.items() if getattr(source, name) != value}
    for name, (_, value) in changed.items():
        setattr(source, name, value)
    if changed:
        uow.publish("source.changed", of=source, key=f"source:{source.id}", data={"name": source.name})
    secret = wanted.verify.secret.secret if wanted.verify and wanted.verify.secret else None
    if secret is not None and secret.encode() not in await open_secrets(uow, shell, source):
        await rotate_source(uow, shell, source, secret, timedelta(days=1))
        changed["secret"] = ["…", "…"]
    return changed


async def rotate_source(uow: UnitOfWork, shell: Shell, source: Source, secret: str, overlap: timedelta) -> Source:
    """Take a new signing secret; the ones before it go on verifying for `overlap`."""
    webhook.check_secret(_verification(source), secret)
    ending = [row for row in await _secret_rows(uow, source) if row.expires_at is None]
    for row in ending:
        row.expires_at = uow.now + overlap
    added = await _add_secret(uow, shell, source, secret)
    data = {"name": source.name, "overlap_seconds": int(overlap.total_seconds())}
    uow.publish("source.rotated", of=source, also=[added, *ending], key=f"source:{source.id}", data=data)
    return source


async def disable_source(uow: UnitOfWork, source: Source) -> Source:
    """Close a way in; what came through it stays."""
    source.status = "disabled"
    uow.publish("source.disabled", of=source, key=f"source:{source.id}", data={"name": source.name})
    return source


async def enable_source(uow: UnitOfWork, source: Source) -> Source:
    """Open a closed way in again; doing it twice is quiet."""
    if source.status != "active":
        source.status = "active"
        uow.publish("source.enabled", of=source, key=f"source:{source.id}", data={"name": source.name})
    return source


async def set_mapping(uow: UnitOfWork, source: Source, mapping: str | None) -> Source:
    """Send what comes through a source from now on through another mapping, or through none."""
    if source.mapping != mapping:
        source.mapping = mapping
        uow.publish("source.changed", of=source, key=f"source:{source.id}", data={"name": source.name})
    return source


async def open_secrets(uow: UnitOfWork, shell: Shell, source: Source) -> list[bytes]:
    """Return the signing secrets that verify at this moment, the newest first."""
    valid = [row for row in await _secret_rows(uow, source) if row.expires_at is None or row.expires_at > uow.now]
    return [await shell.vault.open(uow, table="ingest.source_secret", row=row.id, field="sealed", sealed=row.sealed) for row in valid]


async def _secret_rows(uow: UnitOfWork, source: Source) -> list[SourceSecret]:
    query = select(SourceSecret).where(SourceSecret.source_id == source.id).order_by(SourceSecret.id.desc()).limit(10)
    return list((await uow.execute(query)).scalars())


async def _add_secret(uow: UnitOfWork, shell: Shell, source: Source, secret: str) -> SourceSecret:
    webhook.check_secret(_verification(source), secret)
    row = SourceSecret(id=uow.new_id(), source_id=source.id, created_at=uow.now, created_by=uow.actor)
    row.sealed = await shell.vault.seal(uow, table="ingest.source_secret", row=row.id, field="sealed", plain=secret.encode())
    return uow.add(row)


def _verification(source: Source) -> Verification:
    return msgspec.convert(source.verify, Verification)


def _kept(wanted: NewVerification | None) -> dict[str, Any]:
    """The stored form of a verification: without its secret; nothing given means that only our keys prove the sender."""
    if wanted is None:
        return {"scheme": "key"}
    kept: dict[str, Any] = msgspec.to_builtins(wanted)
    kept.pop("secret", None)
    return {"scheme": wanted.scheme, **kept}


def _check(wanted: NewSource) -> None:
    errors = []
    if wanted.zone is not None and not _is_zone(wanted.zone):
        errors.append(FieldError("/zone", "no such time zone", "Use a name like Europe/Berlin."))
    if wanted.verify is not None and wanted.verify.scheme != "key":
        if wanted.kind != "webhook":
            errors.append(FieldError("/verify", "only webhooks are signed", "Leave verify out; an API key proves the sender."))
        elif wanted.verify.scheme == "hmac_sha256" and not wanted.verify.header:
            errors.append(FieldError("/verify/header", "missing", "Name the header that carries the signature."))
    if errors:
        raise BadSource(errors=errors)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


async def source_by_id(uow: UnitOfWork, source_id: UUID) -> Source:
    """Return a source for changing it; NotFound as everywhere."""
    return await uow.get(Source, source_id, lock=True)
