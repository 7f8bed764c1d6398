"""The manifest: a partner's whole environment as one document, checked before anything is touched.

Here stands what tenants themselves understand (partner, environment, customers, people, roles); every other key belongs to
the room that registered it. References the command line resolves before sending (`file:`, `env:`) are refused, so that
the server never reads its own disk or environment for a tenant.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from app.core.errors import FieldError, Invalid
from tenants import sla as contract
from tenants.identity_schemas import ButtonName, Claim, ClientId, Issuer, MailDomain, Reason, Scope, Secret
from tenants.schemas import Email, Environment, Locale, Name, NewRole, PartnerType, RoleName, Slug

VERSION = 1
OWN_KEYS = frozenset({"version", "partner", "environment", "prune", "customers", "users", "roles", "identity_providers"})
OWN_CUSTOMER_KEYS = frozenset({"slug", "name", "sla", "locale", "zone", "users", "identity_providers"})
_REFERENCE = re.compile(r"(file|env):")
_MOST_ERRORS = 50


class ManifestInvalid(Invalid):
    """The manifest can't be applied; nothing was changed."""

    status = 422


class PartnerEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    slug: Slug
    name: Name
    type: PartnerType = "msp"
    event_namespace: Slug


class UserEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Somebody and all their roles: `role` for one, `roles` for several."""

    email: Email
    role: RoleName | None = None
    roles: list[RoleName] = []
    name: Annotated[str, Meta(max_length=200)] = ""
    locale: Locale | None = None
    zone: str | None = None

    @property
    def wanted(self) -> list[str]:
        return sorted({*self.roles, *([self.role] if self.role else [])})


class SecretText(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A secret, marked as one on its way; it is sealed at once and never shown."""

    secret: Secret

    def __repr__(self) -> str:
        return "SecretText(…)"


class ProviderEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An OpenID provider that vouches for people; the fields of `POST /v1/identity-providers`, its client secret as `secret`."""

    name: ButtonName
    issuer: Issuer
    client_id: ClientId
    secret: SecretText | None = None
    scopes: list[Scope] = msgspec.field(default_factory=lambda: ["openid", "email", "profile"])
    email_claim: Claim = "email"
    requires_verified_email: bool = True
    reason: Reason | None = None
    domains: list[MailDomain] = []
    creates_users: bool = False
    default_role: RoleName | None = None


class CustomerEntry(msgspec.Struct, kw_only=True, frozen=True):
    """A customer and the parts of other rooms that stand under it."""

    slug: Slug
    name: Name
    sla: dict[str, Any] | None = None
    locale: Locale = "en"
    zone: str = "UTC"
    users: list[UserEntry] = []
    identity_providers: list[ProviderEntry] = []
    sections: dict[str, list[dict[str, Any]]] = {}


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """A checked manifest. `sections` hold the lists of other rooms by key; `prune` allows to take away what it doesn't name."""

    partner: PartnerEntry
    environment: Environment
    prune: bool = False
    users: list[UserEntry] = []
    roles: list[NewRole] = []
    identity_providers: list[ProviderEntry] = []
    customers: list[CustomerEntry] = []
    sections: dict[str, list[dict[str, Any]]] = {}


def parse(raw: object, *, sections: Collection[str], customer_sections: Collection[str]) -> Manifest:
    """Return the manifest a parsed document holds, or raise ManifestInvalid naming every place that is wrong.

    `sections` and `customer_sections` are the keys that rooms answer to at the top and inside a customer.
    """
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        raise ManifestInvalid(errors=[FieldError("/version", "This manifest's version is not known.", f"Write version: {VERSION}.")])
    shaped, errors = _shaped(raw, sections, customer_sections)
    errors += list(_references(raw, ""))
    if errors:
        raise ManifestInvalid(errors=errors[:_MOST_ERRORS])
    try:
        manifest = msgspec.convert(shaped, Manifest)
    except msgspec.ValidationError as error:
        raise ManifestInvalid(errors=[_placed(error)]) from None
    errors = list(_problems(manifest))
    if errors:
        raise ManifestInvalid(errors=errors[:_MOST_ERRORS])
    return manifest


def _shaped(raw: dict[str, Any], sections: Collection[str], customer_sections: Collection[str]) -> tuple[dict[str, Any], list[FieldError]]:
    """Sort other rooms' keys into `sections`, at the top and in each customer, refusing keys nobody answers to."""
    top, errors = _sorted(raw, OWN_KEYS, sections, "")
    top.pop("version", None)
    customers = top.get("customers", [])
    if isinstance(customers, list):
        pairs = [
            _sorted(c, OWN_CUSTOMER_KEYS, customer_sections, f"/customers/{i}") for i, c in enumerate(customers) if isinstance(c, dict)
        ]
        if len(pairs) == len(customers):
            top["customers"] = [shaped for shaped, _ in pairs]
            errors += [error for _, found in pairs for error in found]
    return top, errors


def _sorted(raw: dict[str, Any], own: frozenset[str], sections: Collection[str], pointer: str) -> tuple[dict[str, Any], list[FieldError]]:
    shaped: dict[str, Any] = {key: value for key, value in raw.items() if key in own}
    shaped["sections"] = {key: [raw[key]] if isinstance(raw[key], dict) else raw[key] for key in raw if key in sections}
    known = ", ".join(sorted({*own, *sections}))
    unknown = [
        FieldError(f"{pointer}/{key}", "There is no such section.", f"Known are {known}.") for key in raw if key not in {*own, *sections}
    ]
    return shaped, unknown


def _references(value: object, pointer: str) -> Iterator[FieldError]:
    """Find what only the command line may resolve. What stands under `content` is a file's text already and is left alone."""
    if isinstance(value, str) and _REFERENCE.match(value):
        yield FieldError(
            pointer, "The server reads no files and no environment.", "Apply with the command line, which sends what this refers to."
        )
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "file":
                yield FieldError(
                    f"{pointer}/file", "The server reads no files.", "Send the file's text as content, or apply with the command line."
                )
            elif key != "content":
                yield from _references(item, f"{pointer}/{_escaped(str(key))}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{pointer}/{index}")


def _problems(manifest: Manifest) -> Iterator[FieldError]:
    yield from _doubles([c.slug for c in manifest.customers], "/customers", "slug")
    yield from _doubles([r.name for r in manifest.roles], "/roles", "name")
    yield from _people(manifest.users, "/users")
    yield from _doubles([p.name for p in manifest.identity_providers], "/identity_providers", "name")
    for index, customer in enumerate(manifest.customers):
        at = f"/customers/{index}"
        yield from contract.problems(customer.sla, f"{at}/sla")
        if not contract.is_zone(customer.zone):
            yield FieldError(
                f"{at}/zone", f"{customer.zone!r} is not a time zone.", "Name one of the IANA database, such as Europe/Berlin."
            )
        yield from _people(customer.users, f"{at}/users")
        yield from _doubles([p.name for p in customer.identity_providers], f"{at}/identity_providers", "name")


def _people(users: list[UserEntry], pointer: str) -> Iterator[FieldError]:
    yield from _doubles([user.email.lower() for user in users], pointer, "email")
    for index, user in enumerate(users):
        if not user.wanted:
            yield FieldError(f"{pointer}/{index}/role", "Everybody has a role.", "Name a role.")


def _doubles(names: list[str], pointer: str, field: str) -> Iterator[FieldError]:
    for name, times in Counter(names).items():
        if times > 1:
            last = len(names) - 1 - names[::-1].index(name)
            yield FieldError(f"{pointer}/{last}/{field}", f"{name!r} stands here {times} times.", "Name each once.")


def _placed(error: msgspec.ValidationError) -> FieldError:
    """Turn msgspec's "… - at `$.customers[0].slug`" into a pointer and a sentence."""
    text, _, place = str(error).partition(" - at `$")
    pointer = "".join(f"/{part}" for part in re.findall(r"[^.\[\]`]+", place)).replace("/sections", "", 1)
    return FieldError(pointer, f"{text}.", "See the manifest's description in the documentation.")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
