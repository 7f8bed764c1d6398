"""Identity providers as they are asked for and shown; the secret goes in and never comes out."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tenants.schemas import RoleName

ButtonName = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Acme work account"])]
Issuer = Annotated[str, Meta(min_length=8, max_length=500, examples=["https://login.example.com"])]
ClientId = Annotated[str, Meta(min_length=1, max_length=300)]
Secret = Annotated[str, Meta(min_length=1, max_length=1000)]
Scope = Annotated[str, Meta(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]
Claim = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_:/.-]{1,200}$")]
MailDomain = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,188}[A-Za-z0-9])?$", examples=["acme.example"])]
Reason = Annotated[str, Meta(min_length=3, max_length=500)]
Status = Literal["active", "disabled"]


class NewIdentityProvider(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A provider for the partner's own people, or with `customer_id` for that customer's.

    `requires_verified_email` may be given up only with a `reason`, which stays in the log. `creates_users` lets people in on
    their first sign-in, with `default_role`, from `domains` only; otherwise only people who were invited.
    """

    name: ButtonName
    issuer: Issuer
    client_id: ClientId
    client_secret: Secret | None = None
    customer_id: UUID | None = None
    scopes: Annotated[list[Scope], Meta(max_length=20)] = msgspec.field(default_factory=lambda: ["openid", "email", "profile"])
    email_claim: Claim = "email"
    requires_verified_email: bool = True
    reason: Reason | None = None
    domains: Annotated[list[MailDomain], Meta(max_length=50)] = []
    creates_users: bool = False
    default_role: RoleName | None = None


class IdentityProviderPatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What may change; what is absent stays. A null secret makes us a public client there."""

    name: ButtonName | UnsetType = UNSET
    issuer: Issuer | UnsetType = UNSET
    client_id: ClientId | UnsetType = UNSET
    client_secret: Secret | UnsetType | None = UNSET
    scopes: Annotated[list[Scope], Meta(max_length=20)] | UnsetType = UNSET
    email_claim: Claim | UnsetType = UNSET
    requires_verified_email: bool | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    domains: Annotated[list[MailDomain], Meta(max_length=50)] | UnsetType = UNSET
    creates_users: bool | UnsetType = UNSET
    default_role: RoleName | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET


class IdentityProviderView(msgspec.Struct, kw_only=True):
    """A provider. `callback_path`, under each host of the partner's, is what must be registered with it; it is found by
    `domains` once they aren't among the `unconfirmed_domains`, which wait for the partner."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    has_secret: bool
    customer_id: UUID | None
    scopes: list[str]
    email_claim: str
    requires_verified_email: bool
    domains: list[str]
    unconfirmed_domains: list[str]
    creates_users: bool
    default_role: str | None
    status: str
    callback_path: str


class Check(msgspec.Struct, kw_only=True, frozen=True):
    """One thing looked at when a provider is tested, whether it holds, and what was found."""

    name: str
    holds: bool
    detail: str = ""


class ProviderTest(msgspec.Struct, kw_only=True):
    """What a test of a provider found; `works` when every check holds."""

    works: bool
    checks: list[Check]


class IdentityView(msgspec.Struct, kw_only=True):
    """Who somebody is to a provider."""

    id: UUID
    issuer: str
    subject: str
    bound_at: str
