"""Roles: who may do what. Nine are built in; a tenant adds its own by combining permissions.

A custom role never exceeds its maker: it may hold only what the person or key making it holds, and a role for
customers only what customers may ever hold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.core.errors import Conflict, FieldError, Invalid, NotAllowed
from tenants.permissions import CUSTOMER_PERMISSIONS, PERMISSIONS, PLATFORM_PERMISSIONS

RoleScope = Literal["platform", "partner", "customer", "link", "source"]


class RoleUnknown(Invalid):
    """There is no such role; use a built-in role or one of your own."""

    status = 422


class RoleNameTaken(Conflict):
    """A built-in role has this name; choose another."""


class PermissionUnknown(Invalid):
    """A role combines permissions from the published list."""

    status = 422


class RoleExceedsMaker(NotAllowed):
    """You can't hand out permissions that you don't hold yourself."""


class RoleOutOfScope(Invalid):
    """This role doesn't fit here: partner roles are given tenant-wide, customer roles for one customer."""

    status = 422


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions and whom it is for.

    `scope` says where it can be given: `partner` tenant-wide, `customer` only together with one customer, `platform`,
    `link` and `source` only to what their name says.
    """

    name: str
    scope: RoleScope
    permissions: frozenset[str]


# fmt: off
_CONFIGURATION_READ = """customers.read users.read keys.read brand.read connections.read templates.read sources.read
    policies.read workflows.read mappings.read"""
_WORK_READ = "signals.read model.read cases.read runs.read approvals.read offers.read notices.read"

_BUILT_IN: tuple[tuple[str, RoleScope, str], ...] = (
    ("platform_operator", "platform", "partners.read partners.write usage.read audit.read provisioning.write"),
    ("partner_admin", "partner", f"""partners.read {_CONFIGURATION_READ} {_WORK_READ}
        customers.write users.write keys.write identity.read identity.write consent.read consent.ask brand.write connections.write templates.write sources.write
        policies.write policies.publish policies.simulate workflows.write workflows.publish mappings.write mappings.publish
        signals.replay documents.write usage.read audit.read audit.verify provisioning.write"""),
    ("operator", "partner", f"""{_CONFIGURATION_READ} {_WORK_READ}
        signals.replay documents.write cases.comment cases.work cases.propose runs.work offers.make consent.read consent.ask"""),
    ("approver", "partner", f"""{_CONFIGURATION_READ} {_WORK_READ}
        documents.write cases.comment cases.work cases.propose runs.work approvals.decide offers.make"""),
    ("analyst", "partner", f"{_CONFIGURATION_READ} {_WORK_READ} policies.simulate usage.read audit.read"),
    ("customer_admin", "customer", """customers.read users.read users.write keys.read keys.write identity.read identity.write
        consent.read consent.decide
        signals.read model.read documents.write cases.read cases.comment runs.read offers.read offers.answer notices.read
        usage.read audit.read"""),
    ("customer_user", "customer", """customers.read signals.read model.read documents.write cases.read cases.comment runs.read
        offers.read offers.answer notices.read audit.read"""),
    ("counterparty_link", "link", "cases.read offers.read offers.answer documents.write"),
    ("source_key", "source", "signals.create"),
)
# fmt: on

BUILT_IN: Mapping[str, Role] = {name: Role(name, scope, frozenset(held.split())) for name, scope, held in _BUILT_IN}


def custom_role(name: str, scope: RoleScope, permissions: Iterable[str], *, maker: frozenset[str]) -> Role:
    """Return a tenant's own role, or refuse it.

    `maker` is what the person or key asking holds. Refused: a built-in name (RoleNameTaken), a permission that doesn't
    exist or that this scope may never hold (PermissionUnknown, with pointers), more than the maker holds (RoleExceedsMaker).
    """
    if name in BUILT_IN:
        raise RoleNameTaken()
    wanted = list(permissions)
    ceiling = ceiling_of(scope)
    wrong = [
        FieldError(f"/permissions/{i}", f"{p!r} is not a permission a {scope} role can hold.", f"Choose among {' '.join(sorted(ceiling))}.")
        for i, p in enumerate(wanted)
        if p not in ceiling
    ]
    if wrong:
        raise PermissionUnknown(errors=wrong)
    check_within(frozenset(wanted), maker)
    return Role(name, scope, frozenset(wanted))


def ceiling_of(scope: RoleScope) -> frozenset[str]:
    """Return everything a role of this scope may ever hold."""
    if scope == "partner":
        return PERMISSIONS - PLATFORM_PERMISSIONS
    if scope == "customer":
        return CUSTOMER_PERMISSIONS
    return frozenset().union(*(role.permissions for role in BUILT_IN.values() if role.scope == scope))


def check_within(wanted: frozenset[str], maker: frozenset[str]) -> None:
    """Raise RoleExceedsMaker, naming what is too much, when `wanted` holds anything that `maker` doesn't."""
    beyond = sorted(wanted - maker)
    if beyond:
        raise RoleExceedsMaker("You can't hand out permissions that you don't hold yourself: " + ", ".join(beyond) + ".")


def check_grant(role: Role, *, maker: frozenset[str], maker_scope: RoleScope) -> None:
    """Raise RoleExceedsMaker unless somebody of `maker_scope` holding `maker` may give `role` to another.

    Nobody gives more than they hold, with one exception that stays inside the tenant: whoever holds all of partner_admin
    appoints any partner, customer or source role (an admin appoints approvers without being one).
    """
    if role.scope in ("platform", "link") and maker_scope != "platform":
        raise RoleExceedsMaker()
    if maker_scope == "platform" or (maker_scope == "partner" and maker >= BUILT_IN["partner_admin"].permissions):
        return
    check_within(role.permissions, maker)


def permissions_of(roles: Iterable[Role], *, customer: bool) -> frozenset[str]:
    """Return what these roles add up to; for somebody confined to one customer never beyond what customers may hold."""
    held: frozenset[str] = frozenset().union(*(role.permissions for role in roles))
    return held & CUSTOMER_PERMISSIONS if customer else held
