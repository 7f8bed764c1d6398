"""Secrets of connections: sealed when they come in, opened at the moment of a call, never shown again."""

import base64
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import delete, select

from app.connectors.connector import Auth, configured
from app.connectors.models import AccessToken, Connection, Credential
from app.core.egress import Egress
from app.core.errors import Unavailable
from app.core.secrets import Vault
from app.core.uow import UnitOfWork

_MARGIN = timedelta(seconds=30)  # a token that ends sooner may be stale when it arrives


class TokenRefused(Unavailable):
    """The system's token address gave no token for this credential; `is_final` when it said no, not when it is in trouble."""

    def __init__(self, status: int) -> None:
        super().__init__(extra={"status": status})
        self.is_final = status in (400, 401, 403)


class Token(msgspec.Struct, frozen=True):
    """An access token and when it ends."""

    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


async def put_secret(uow: UnitOfWork, vault: Vault, connection: Connection, secret: str) -> Credential:
    """Seal a connection's secret in place of the one before."""
    row = await _credential(uow, connection.id)
    if row is None:
        row = Credential(id=uow.new_id(), customer_id=connection.customer_id, connection_id=connection.id)
    row.sealed = await vault.seal(
        uow, table="connectors.credential", row=row.id, field="secret", plain=secret.encode(), customer_id=connection.customer_id
    )
    row.rotated_at, row.rotated_by = uow.now, uow.actor
    await drop_token(uow, connection.id)
    return uow.add(row)


async def secret_of(uow: UnitOfWork, vault: Vault, connection_id: UUID) -> str | None:
    """The secret in the clear, or None where a connection has none."""
    row = await _credential(uow, connection_id)
    if row is None:
        return None
    return (await vault.open(uow, table="connectors.credential", row=row.id, field="secret", sealed=row.sealed)).decode()


async def token_of(uow: UnitOfWork, vault: Vault, connection_id: UUID) -> Token | None:
    """The token kept from an earlier call, while it is still good."""
    row = await uow.session.scalar(select(AccessToken).where(AccessToken.connection_id == connection_id))
    if row is None or row.expires_at < uow.now + _MARGIN:
        return None
    value = await vault.open(uow, table="connectors.access_token", row=row.id, field="token", sealed=row.sealed)
    return Token(value.decode(), row.expires_at)


async def keep_token(uow: UnitOfWork, vault: Vault, connection_id: UUID, customer_id: UUID | None, token: Token) -> None:
    """Seal a fresh token for the calls to come."""
    await drop_token(uow, connection_id)
    row = AccessToken(id=uow.new_id(), customer_id=customer_id, connection_id=connection_id, expires_at=token.expires_at)
    row.sealed = await vault.seal(
        uow, table="connectors.access_token", row=row.id, field="token", plain=token.value.encode(), customer_id=customer_id
    )
    uow.add(row)


async def drop_token(uow: UnitOfWork, connection_id: UUID) -> None:
    """Forget the kept token."""
    await uow.execute(delete(AccessToken).where(AccessToken.connection_id == connection_id))


def headers_for(auth: Auth, config: dict[str, str], secret: str, token: Token | None) -> dict[str, str]:
    """The header that shows who we are."""
    match auth.kind:
        case "api_key":
            return {auth.header: secret}
        case "bearer":
            return {"Authorization": f"Bearer {secret}"}
        case "basic":
            return {"Authorization": _basic(config["username"], secret)}
        case "oauth2_client_credentials" if token is not None:
            return {"Authorization": f"Bearer {token.value}"}
        case _:
            return {}


async def fetch_token(egress: Egress, auth: Auth, config: dict[str, str], secret: str, now: datetime) -> Token:
    """A new token by OAuth 2 client credentials (RFC 6749, 4.4). Raises TokenRefused, or what the egress raises."""
    headers = {"Authorization": _basic(config["client_id"], secret), "content-type": "application/x-www-form-urlencoded"}
    form = urlencode({"grant_type": "client_credentials", "scope": " ".join(auth.scopes)})
    answer = await egress.request("POST", configured(auth.token_url, config), headers=headers, content=form.encode(), timeout=5.0)
    try:
        given = orjson.loads(answer.body) if answer.status == 200 else {}
        return Token(str(given["access_token"]), now + timedelta(seconds=min(int(given.get("expires_in", 300)), 86400)))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise TokenRefused(answer.status) from None


def _basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


async def _credential(uow: UnitOfWork, connection_id: UUID) -> Credential | None:
    return await uow.session.scalar(select(Credential).where(Credential.connection_id == connection_id))
