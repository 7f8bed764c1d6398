"""Principal: who is asking, as one request saw it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.core.errors import NotAllowed, Unauthenticated

Scope = Literal["platform", "partner", "customer", "source", "link"]


class PermissionMissing(NotAllowed):
    """Your role doesn't allow this; ask an administrator for one that does."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: their tenant, their customer when they are confined to one, and what they may do.

    `tenant_id` is None only for the platform's own keys, `customer_id` is None for whoever serves the whole tenant.
    `actor` is what events will say ("key:<id>", "user:<id>", "link:<id>"). `source` is the only source a source key may
    feed. Somebody of the partner who serves only some customers has the scope `partner` and the one customer they work for
    now. Of `key_id` and `session_id` one is set. `acting_for` is the customer a person of the partner acts for with that
    customer's consent; `customer_id` is then the same.
    """

    tenant_id: UUID | None
    actor: str
    scope: Scope
    permissions: frozenset[str]
    customer_id: UUID | None = None
    case_id: UUID | None = None
    user_id: UUID | None = None
    key_id: UUID | None = None
    session_id: UUID | None = None
    source: str | None = None
    acting_for: UUID | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise PermissionMissing, naming the permission, unless it is held."""
        if permission not in self.permissions:
            raise PermissionMissing(extra={"permission": permission})

    @property
    def own_customer_id(self) -> UUID | None:
        """The customer this person belongs to; None for people of the partner, whomever they work or act for at the moment."""
        return None if self.scope == "partner" or self.acting_for else self.customer_id

    @property
    def tenant(self) -> UUID:
        """The tenant, for whatever only exists inside one; a platform key must name an environment first."""
        if self.tenant_id is None:
            raise Unauthenticated("This address needs a key or session of one environment.")
        return self.tenant_id
