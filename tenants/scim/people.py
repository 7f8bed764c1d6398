"""Users: our people as a directory sees and changes them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import orjson
from sqlalchemy import Select, and_, false, func, not_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from app.core.errors import Conflict, FieldError, Invalid, NotFound
from app.core.uow import UnitOfWork
from tenants.commands.sessions import end_all
from tenants.commands.users import check_reach
from tenants.models import DirectoryEntry, Membership, User
from tenants.principal import Principal
from tenants.schemas import Email, Locale
from tenants.scim import patches
from tenants.scim.discovery import MOST, USER, listed
from tenants.scim.filters import Both, Either, Filter, FilterUnreadable, Not, Term, parse
from tenants.sla import is_zone

Text64 = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text200 = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text500 = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class UserNameTaken(Conflict):
    """Somebody with this userName is here already."""


class AttributeWrong(Invalid):
    """An attribute of this User can't be used."""


class ResourceChanged(Conflict):
    """This resource changed since you read it; read it again."""

    status = 412


async def find(uow: UnitOfWork, *, filter: str, start: int, count: int, base: str) -> dict[str, Any]:
    """One page of the people of this scope, narrowed by a filter of RFC 7644, in the order they came."""
    wanted = _ours(uow)
    if filter:
        wanted = wanted.where(condition(parse(filter)))
    total = int(await uow.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0)
    size = max(0, min(count, MOST))
    rows = (await uow.execute(wanted.order_by(User.id).offset(max(1, start) - 1).limit(size))).all() if size else []
    held = await _roles(uow, [row.User.id for row in rows])
    return listed([view(row.User, row.DirectoryEntry, held.get(row.User.id, []), base) for row in rows], total=total, start=max(1, start))


async def get(uow: UnitOfWork, user_id: UUID, base: str) -> dict[str, Any]:
    """One person; NotFound also for whom the directory took away."""
    user, entry = await _row(uow, user_id)
    return view(user, entry, (await _roles(uow, [user_id])).get(user_id, []), base)


async def create(uow: UnitOfWork, given: Mapping[str, Any], *, maker: Principal, base: str) -> dict[str, Any]:
    """Take somebody in, without a role. Whom the directory took away before comes back as the same person.

    Raises UserNameTaken, AttributeWrong. Says user.created or user.restored.
    """
    known = _known(given)
    there = await _of_address(uow, known["email"])
    if there is not None:
        entry = await uow.find(DirectoryEntry, there.id)
        if entry is None or entry.removed_at is None:
            raise UserNameTaken()
        await check_reach(uow, there.id, maker=maker)
        _take_over(there, known)
        entry.removed_at, entry.external_id, entry.changed_at = None, known["external_id"], uow.now
        uow.publish("user.restored", of=there, also=[entry], key=f"user:{there.id}", data={"by": "directory"})
        return await _shown(uow, there.id, base)
    user = User(customer_id=uow.customer_id, created_at=uow.now)
    _take_over(user, known)
    uow.add(user)
    await uow.session.flush()
    entry = DirectoryEntry(id=user.id, customer_id=user.customer_id, external_id=known["external_id"], changed_at=uow.now, removed_at=None)
    uow.add(entry)
    uow.publish("user.created", of=user, also=[entry], key=f"user:{user.id}", data={"by": "directory"})
    return await _shown(uow, user.id, base)


async def replace(
    uow: UnitOfWork, user_id: UUID, given: Mapping[str, Any], *, maker: Principal, base: str, expected: str = ""
) -> dict[str, Any]:
    """Make somebody as the directory has them; what it leaves out becomes empty, `active` true.

    Raises NotFound, ResourceChanged, AttributeWrong, UserNameTaken, RoleExceedsMaker. Says user.changed, and user.suspended or
    user.restored when `active` changed; whoever is no longer active is signed out.
    """
    user, entry = await _row(uow, user_id, lock=True)
    check_version(await get(uow, user_id, base), expected)
    await check_reach(uow, user_id, maker=maker)
    known = _known(given)
    other = await _of_address(uow, known["email"])
    if other is not None and other.id != user.id:
        raise UserNameTaken()
    before = _kept(user)
    was_active = user.status == "active"
    _take_over(user, known)
    entry = await _entered(uow, user, entry)
    if before != _kept(user) or entry.external_id != known["external_id"]:
        entry.external_id, entry.changed_at = known["external_id"], uow.now
        uow.publish("user.changed", of=user, also=[entry], key=f"user:{user.id}", data={"by": "directory"})
    if was_active and user.status != "active":
        await _signed_out(uow, user)
    elif not was_active and user.status == "active":
        uow.publish("user.restored", of=user, key=f"user:{user.id}", data={"by": "directory"})
    return await _shown(uow, user.id, base)


def patched(shown: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A User after a patch; a whole name that came in its parts becomes the name people see."""
    made = patches.apply(shown, patch)
    if made.get("displayName") == shown.get("displayName") and (whole := _whole_name(made.get("name"))):
        made["displayName"] = whole
    return made


async def remove(uow: UnitOfWork, user_id: UUID, *, maker: Principal, base: str, expected: str = "") -> None:
    """Take somebody away: suspended, signed out, no longer listed. What they did stays on record. Says user.suspended."""
    user, entry = await _row(uow, user_id, lock=True)
    check_version(await get(uow, user_id, base), expected)
    await check_reach(uow, user_id, maker=maker)
    entry = await _entered(uow, user, entry)
    entry.removed_at, entry.changed_at, entry.external_id, user.status = uow.now, uow.now, None, "suspended"
    await _signed_out(uow, user, also=entry)


def view(user: User, entry: DirectoryEntry | None, roles: Sequence[str], base: str) -> dict[str, Any]:
    """Somebody as a User resource; its version follows from its content."""
    shown: dict[str, Any] = {
        "schemas": [USER], "id": str(user.id), "userName": user.email, "active": user.status == "active",
        "emails": [{"value": user.email, "primary": True}],
    }  # fmt: skip
    optional = {"displayName": user.name, "externalId": entry.external_id if entry else None, "locale": user.locale, "timezone": user.zone}
    shown |= {name: value for name, value in optional.items() if value}
    if roles:
        shown["groups"] = [{"value": role, "display": role, "$ref": f"{base}/Groups/{role}"} for role in roles]
    changed = entry.changed_at if entry else user.created_at
    return {
        **shown,
        "meta": {**meta("User", f"{base}/Users/{user.id}", shown), "created": _stamp(user.created_at), "lastModified": _stamp(changed)},
    }


def meta(kind: str, location: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What every resource says of itself; the version is a hash of what is shown."""
    version = hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]
    return {"resourceType": kind, "location": location, "version": f'W/"{version}"'}


def check_version(shown: Mapping[str, Any], expected: str) -> None:
    """Raise ResourceChanged unless `expected` (an If-Match header, "" for none) names this version."""
    if expected and expected.strip() not in ("*", shown["meta"]["version"]):
        raise ResourceChanged()


def condition(tree: Filter) -> ColumnElement[bool]:
    """A filter's tree as a condition on our people; raises FilterUnreadable for an attribute that can't be asked for."""
    match tree:
        case Not():
            return not_(condition(tree.inner))
        case Both():
            return and_(condition(tree.left), condition(tree.right))
        case Either():
            return or_(condition(tree.left), condition(tree.right))
    path = tree.path.rsplit(":", 1)[-1].lower() if tree.path.lower().startswith("urn:") else tree.path.lower()
    if path == "active":
        return _is(User.status == "active", tree)
    if path == "id":
        return _is(User.id == _uuid(tree.value), tree) if _uuid(tree.value) else false()
    if path in ("groups", "groups.value", "groups.display"):
        return User.id.in_(select(Membership.user_id).where(Membership.role == str(tree.value)))
    column = _COLUMNS.get(path)
    if column is None:
        raise FilterUnreadable(f"{tree.path} can't be asked for; use one of {', '.join(sorted(_COLUMNS))}, active, id, groups.")
    return _compared(column, tree, exact=path == "externalid")


_COLUMNS: Mapping[str, Any] = {
    "username": User.email, "emails": User.email, "emails.value": User.email, "displayname": User.name, "name.formatted": User.name,
    "externalid": DirectoryEntry.external_id, "locale": User.locale, "timezone": User.zone,
    "meta.created": User.created_at, "meta.lastmodified": func.coalesce(DirectoryEntry.changed_at, User.created_at),
}  # fmt: skip


def _compared(column: Any, term: Term, *, exact: bool) -> ColumnElement[bool]:
    if term.operator == "pr":
        return column.is_not(None) if term.path.lower().startswith("meta") else and_(column.is_not(None), column != "")
    value: Any = term.value
    if term.path.lower().startswith("meta"):
        value = _moment(value)
    elif value is not None and not isinstance(value, str):
        raise FilterUnreadable(f"{term.path} is compared with text.")
    left = column if exact or isinstance(value, datetime) or value is None else func.lower(column)
    right = value if exact or not isinstance(value, str) else value.lower()
    match term.operator:
        case "eq":
            return column.is_(None) if right is None else left == right
        case "ne":
            return column.is_not(None) if right is None else or_(column.is_(None), left != right)
        case "co":
            return left.contains(right, autoescape=True)
        case "sw":
            return left.startswith(right, autoescape=True)
        case "ew":
            return left.endswith(right, autoescape=True)
        case "gt":
            return left > right
        case "ge":
            return left >= right
        case "lt":
            return left < right
        case _:
            return left <= right


def _is(holding: ColumnElement[bool], term: Term) -> ColumnElement[bool]:
    if term.operator not in ("eq", "ne", "pr"):
        raise FilterUnreadable(f"{term.path} is compared with eq or ne.")
    wanted = term.value is not False if term.operator != "ne" else term.value is False
    return holding if wanted else not_(holding)


def _ours(uow: UnitOfWork) -> Select[User, DirectoryEntry]:
    """The people of the key's own scope that the directory has not taken away."""
    owner = User.customer_id.is_(None) if uow.customer_id is None else User.customer_id == uow.customer_id
    joined = (DirectoryEntry.tenant_id == User.tenant_id) & (DirectoryEntry.id == User.id)
    return select(User, DirectoryEntry).outerjoin(DirectoryEntry, joined).where(owner, DirectoryEntry.removed_at.is_(None))


async def _row(uow: UnitOfWork, user_id: UUID, *, lock: bool = False) -> tuple[User, DirectoryEntry | None]:
    wanted = _ours(uow).where(User.id == user_id)
    found = (await uow.execute(wanted.with_for_update(of=User) if lock else wanted)).one_or_none()
    if found is None:
        raise NotFound()
    return found.User, found.DirectoryEntry


async def _of_address(uow: UnitOfWork, email: str) -> User | None:
    owner = User.customer_id.is_(None) if uow.customer_id is None else User.customer_id == uow.customer_id
    found: User | None = (await uow.execute(select(User).where(User.email == email, owner))).scalar_one_or_none()
    return found


async def _roles(uow: UnitOfWork, user_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    rows = (await uow.execute(select(Membership.user_id, Membership.role).where(Membership.user_id.in_(user_ids)).distinct())).all()
    held: dict[UUID, list[str]] = {}
    for row in rows:
        held.setdefault(row.user_id, []).append(row.role)
    return {user_id: sorted(roles) for user_id, roles in held.items()}


async def _entered(uow: UnitOfWork, user: User, entry: DirectoryEntry | None) -> DirectoryEntry:
    """The directory's entry of somebody, made when they were invited by hand before."""
    if entry is None:
        entry = DirectoryEntry(id=user.id, customer_id=user.customer_id, external_id=None, changed_at=uow.now, removed_at=None)
        uow.add(entry)
    return entry


async def _signed_out(uow: UnitOfWork, user: User, also: DirectoryEntry | None = None) -> None:
    await end_all(uow, user.id)
    uow.publish("user.suspended", of=user, also=[also] if also else [], key=f"user:{user.id}", data={"by": "directory"})


async def _shown(uow: UnitOfWork, user_id: UUID, base: str) -> dict[str, Any]:
    await uow.session.flush()
    return await get(uow, user_id, base)


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    """What we keep of a User as it was sent; raises AttributeWrong naming the attribute."""
    named = {key.lower(): value for key, value in given.items()}
    active = named.get("active", True)
    active = {"true": True, "false": False}.get(active.lower()) if isinstance(active, str) else active
    zone = _as(Text64, named.get("timezone") or "UTC", "timezone", "is an IANA time zone, such as Europe/Berlin")
    if not is_zone(zone):
        raise _wrong("timezone", "is an IANA time zone, such as Europe/Berlin")
    return {
        "email": _as(Email, str(named.get("username") or "").strip().lower(), "userName", "is the e-mail address somebody signs in with"),
        "name": _as(
            Text200, named.get("displayname") or _whole_name(named.get("name")) or "", "displayName", "is text of at most 200 characters"
        ),
        "active": _as(bool, active, "active", "is true or false"),
        "external_id": _as(Text500 | None, named.get("externalid") or None, "externalId", "is text of at most 500 characters"),
        "locale": _as(Locale | None, named.get("locale") or None, "locale", "is a language tag (BCP 47), such as de or de-AT"),
        "zone": zone if named.get("timezone") else None,
    }


def _as(kind: Any, value: Any, attribute: str, detail: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise _wrong(attribute, detail) from None


def _whole_name(parts: Any) -> str | None:
    if not isinstance(parts, dict):
        return None
    named = {key.lower(): value for key, value in parts.items() if isinstance(value, str)}
    both = named.get("givenname"), named.get("familyname")
    return named.get("formatted") or (" ".join(both) if all(both) else None)  # type: ignore[arg-type]


def _take_over(user: User, known: Mapping[str, Any]) -> None:
    user.email, user.name, user.locale, user.zone = known["email"], known["name"], known["locale"], known["zone"]
    user.status = "active" if known["active"] else "suspended"


def _kept(user: User) -> tuple[Any, ...]:
    return user.email, user.name, user.locale, user.zone, user.status


def _wrong(attribute: str, detail: str) -> AttributeWrong:
    return AttributeWrong(f"{attribute} {detail}.", errors=[FieldError(f"/{attribute}", detail)])


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _moment(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise FilterUnreadable(f"{value!r} is no moment; write it as 2026-11-23T10:00:00Z.") from None
    if found.tzinfo is None:
        raise FilterUnreadable(f"{value!r} names no time zone; write it as 2026-11-23T10:00:00Z.")
    return found


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
