"""Shapes that cross the room's door: what is asked, what is answered, and what a manifest's sections exchange."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,62}$", examples=["acme-pharma"])]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(pattern=r"^[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}$", max_length=254)]
RoleName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,62}$")]
Locale = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Environment = Literal["dev", "test", "live"]
PartnerType = Literal["msp", "erp_partner", "system_integrator", "saas", "enterprise_service"]
Action = Literal["create", "update", "delete", "unchanged"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a plan: what of which name is created, updated (fields with before and after), deleted or left alone.

    `customer` is the customer's slug where the thing is one customer's.
    """

    what: str
    name: str
    action: Action
    fields: dict[str, list[Any]] = {}
    customer: str | None = None


Reconcile = Callable[..., Awaitable[list[Change]]]
"""`reconcile(uow, shell, wanted: list[dict], *, customer_id: UUID | None, prune: bool) -> list[Change]`"""


@dataclass(frozen=True, slots=True)
class Section:
    """A room's part of the manifest: the key it answers to, at the top ("tenant"), inside a customer ("customer") or in both."""

    key: str
    reconcile: Reconcile
    place: Literal["tenant", "customer", "both"] = "tenant"


class NewPartner(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    slug: Slug
    name: Name
    type: PartnerType = "msp"
    event_namespace: Slug
    environment: Environment = "live"


class PartnerView(msgspec.Struct, kw_only=True):
    id: UUID
    slug: str
    name: str
    type: str
    event_namespace: str
    status: str


class EnvironmentView(msgspec.Struct, kw_only=True):
    """One environment of a partner; `id` is the tenant."""

    id: UUID
    environment: str
    status: str
    partner: str


class NewEnvironment(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    partner: Slug
    environment: Environment


class TenantInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Whose environment a tenant is."""

    tenant_id: UUID
    environment: str
    status: str
    partner_id: UUID
    partner_slug: str
    partner_name: str
    partner_type: str
    event_namespace: str


class NewCustomer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    slug: Slug
    name: Name
    sla: dict[str, Any] | None = None
    locale: Locale = "en"
    zone: str = "UTC"


class CustomerPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What may change; what is absent stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    sla: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    locale: Locale | msgspec.UnsetType = msgspec.UNSET
    zone: str | msgspec.UnsetType = msgspec.UNSET
    status: Literal["active", "suspended"] | msgspec.UnsetType = msgspec.UNSET


class CustomerView(msgspec.Struct, kw_only=True):
    id: UUID
    slug: str
    name: str
    sla: dict[str, Any] | None
    locale: str
    zone: str
    status: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A person and their first role; `customer_id` makes them that customer's, and customer roles need it.

    `only_customers` gives somebody of the partner the role for these customers alone.
    """

    email: Email
    role: RoleName
    name: Annotated[str, Meta(max_length=200)] = ""
    customer_id: UUID | None = None
    only_customers: Annotated[list[UUID], Meta(max_length=100)] = []
    locale: Locale | None = None
    zone: str | None = None


class Profile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What somebody says of themselves; language and zone left out are those of their customer, else of the brand."""

    name: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    locale: Locale | None = None
    zone: Annotated[str, Meta(max_length=64)] | None = None


class Grant(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One more role; `customer_id` gives it to somebody of the partner for that customer alone."""

    role: RoleName
    customer_id: UUID | None = None


class MembershipView(msgspec.Struct, kw_only=True):
    id: UUID
    role: str
    customer_id: UUID | None


class UserView(msgspec.Struct, kw_only=True):
    id: UUID
    email: str
    name: str
    customer_id: UUID | None
    status: str
    locale: str | None
    zone: str | None
    memberships: list[MembershipView]


class NewRole(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: RoleName
    scope: Literal["partner", "customer"]
    permissions: Annotated[list[str], Meta(min_length=1, max_length=200)]


class RoleView(msgspec.Struct, kw_only=True):
    name: str
    scope: str
    permissions: list[str]
    built_in: bool
    id: UUID | None = None


class NewKey(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A key for the whole tenant (`partner`), one customer (`customer`, with `customer_id`) or one source (`source`, with its name).

    With `rotate_days` it, and each successor, works for so many days: its holder renews it before, by itself (POST /v1/keys/current/rotate).
    """

    name: Name
    scope: Literal["partner", "customer", "source"]
    roles: Annotated[list[RoleName], Meta(min_length=1, max_length=20)]
    customer_id: UUID | None = None
    source: Annotated[str, Meta(max_length=100)] | None = None
    addresses: Annotated[list[str], Meta(max_length=50)] = []
    expires_at: datetime | None = None
    rotate_days: Annotated[int, Meta(ge=1, le=366)] | None = None


class RotateKey(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long, in seconds, the old key goes on working beside its successor: up to 30 days."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * 86400)] = 86400


class KeyView(msgspec.Struct, kw_only=True):
    id: UUID
    key: str
    name: str
    scope: str
    roles: list[str]
    customer_id: UUID | None
    source: str | None
    addresses: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    successor_id: UUID | None
    rotate_days: int | None = None
    renew_at: datetime | None = None


class MadeKey(msgspec.Struct, kw_only=True):
    """A new key; `secret` is the whole key and is shown this once."""

    key: KeyView
    secret: str


class SignInByEmail(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whoever has this address gets a link; on the API's own host the partner (and environment) must be named."""

    email: Email
    partner: Slug | None = None
    environment: Environment = "live"


class SignInAccepted(msgspec.Struct, kw_only=True):
    """The same whether the address is known or not."""

    detail: str = "If this address may sign in, a link is on its way."


class SessionView(msgspec.Struct, kw_only=True):
    """Who is signed in, with what they may do; `csrf_token` goes with a browser's changing requests."""

    user_id: UUID | None
    key_id: UUID | None
    customer_id: UUID | None
    scope: str
    permissions: list[str]
    csrf_token: str | None = None


class SignedInView(msgspec.Struct, kw_only=True):
    """A new session: its token works as a cookie or as a bearer on this host until it expires."""

    user_id: UUID
    customer_id: UUID | None
    expires_at: datetime
    token: str
    csrf_token: str


class Applied(msgspec.Struct, kw_only=True):
    """What a manifest changes (dry run) or changed; `admin_key` is the first partner admin's key, given once by the first apply."""

    dry_run: bool
    partner: str
    environment: str
    changes: list[Change]
    admin_key: str | None = None
