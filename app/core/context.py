"""The signed context: the one setting that tells Postgres for whom a transaction acts.

Format: `v1|kid|kind|tenants|customer|case|actor|exp|hmac` (HMAC-SHA256 in hex over everything before the last bar).
Row-level security checks the signature, so an injected `set_config` reads nothing.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

ALLOWED = re.compile(r"^[0-9A-Za-z,|_:=.-]+$")
_ACTOR = re.compile(r"^(user|key|run|link|system|source):[0-9A-Za-z_.-]{1,80}$")
MOST_TENANTS = 128
LIFETIME_SECONDS = 300

# The customer that whoever sent this request acts for, with its consent: every event said by a person then carries it,
# in whichever transaction of the request it is said.
acting_for: ContextVar[UUID | None] = ContextVar("acting_for", default=None)


@dataclass(frozen=True)
class Context:
    """For whom a transaction acts: one tenant (perhaps one of its customers, perhaps one case), or a set of tenants for batches."""

    kind: Literal["one", "set"]
    tenants: tuple[UUID, ...]
    actor: str
    customer: UUID | None = None
    case: UUID | None = None

    @classmethod
    def one(cls, tenant: UUID, *, actor: str, customer: UUID | None = None, case: UUID | None = None) -> "Context":
        return cls("one", (tenant,), actor, customer, case)

    @classmethod
    def many(cls, tenants: Iterable[UUID], *, actor: str) -> "Context":
        return cls("set", tuple(sorted(set(tenants))), actor)

    def __post_init__(self) -> None:
        if not _ACTOR.match(self.actor):
            raise ValueError(f"not an actor: {self.actor!r}")
        if not 1 <= len(self.tenants) <= (1 if self.kind == "one" else MOST_TENANTS):
            raise ValueError(f"a context of kind {self.kind} can't hold {len(self.tenants)} tenants")

    @property
    def tenant(self) -> UUID:
        if self.kind != "one":
            raise ValueError("a context of several tenants has no one tenant")
        return self.tenants[0]


class Signer:
    """Signs contexts with a key that only this process and the database's key table know."""

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, b"tenant-context", "sha256")
        # A number of its own for every key, so that the old and the new one stand side by side while processes are exchanged.
        self._kid = int.from_bytes(hmac.digest(self._key, b"number", "sha256")[:4]) % 999_999_999 + 1

    @property
    def kid(self) -> int:
        return self._kid

    def pads(self) -> tuple[bytes, bytes]:
        """The key's two padded blocks, as the database keeps them (RFC 2104)."""
        block = self._key.ljust(64, b"\0")
        return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)

    def sign(self, context: Context, now: float, lifetime: int = LIFETIME_SECONDS) -> str:
        """The setting's text, valid until `now` (seconds since 1970) plus `lifetime` seconds."""
        tenants = ",".join(map(str, context.tenants))
        body = (
            f"v1|{self._kid}|{context.kind}|{tenants}|{context.customer or ''}|{context.case or ''}|{context.actor}|{int(now) + lifetime}|"
        )
        text = body + hmac.new(self._key, body[:-1].encode(), hashlib.sha256).hexdigest()
        if not ALLOWED.match(text):
            raise ValueError("a context may hold letters, digits and , | _ : = . - only")
        return text
