"""`detour key create|rotate|revoke`: API keys from the command line; a secret is printed once and kept nowhere."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from app.cli.partner import answer_of


async def create(
    http: httpx.AsyncClient, *, name: str, scope: str, roles: list[str], customer_id: str | None = None, source: str | None = None
) -> dict[str, Any]:
    """Make a key and return it with its secret."""
    wanted = {"name": name, "scope": scope, "roles": roles, "customer_id": customer_id, "source": source}
    return answer_of(await http.post("/v1/keys", json={key: value for key, value in wanted.items() if value is not None}))


async def rotate(http: httpx.AsyncClient, key_id: str, *, overlap_seconds: int = 86400) -> dict[str, Any]:
    """Make the key's successor and return it with its secret; the old one works on for `overlap_seconds`."""
    return answer_of(await http.post(f"/v1/keys/{key_id}/rotate", json={"overlap_seconds": overlap_seconds}))


async def revoke(http: httpx.AsyncClient, key_id: str) -> dict[str, Any]:
    """Refuse the key everywhere within five seconds, and return it."""
    return answer_of(await http.post(f"/v1/keys/{key_id}/revoke"))


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a key for people, and its secret where there is one."""
    key = answer.get("key", answer)
    key = answer if isinstance(key, str) else key
    yield f"{key['id']} {key['key']} {key['name']}: {key['scope']}, {' '.join(key['roles'])}"
    if revoked := key.get("revoked_at"):
        yield f"revoked at {revoked}"
    elif key.get("expires_at"):
        yield f"works until {key['expires_at']}"
    if answer.get("secret"):
        yield f"secret, shown this once: {answer['secret']}"


async def renew(http: httpx.AsyncClient, *, overlap_seconds: int, if_due: bool) -> dict[str, Any]:
    """Let the key that asks make its own successor; with `if_due` only when its time has come, else it is told how it stands."""
    own = answer_of(await http.get("/v1/keys/current"))
    if if_due and not _is_due(own):
        return {"key": own}
    return answer_of(await http.post("/v1/keys/current/rotate", json={"overlap_seconds": overlap_seconds}))


def _is_due(key: Mapping[str, Any]) -> bool:
    return key["renew_at"] is not None and datetime.fromisoformat(key["renew_at"]) <= datetime.now(UTC)
