"""PATCH as RFC 7644 (3.5.2) says it: operations on a resource's own document, pure."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import Invalid
from tenants.scim.filters import Both, Either, Filter, Not, Term, parse

MOST_OPERATIONS = 1000
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class PatchUnreadable(Invalid):
    """The patch can't be read."""


class NoTarget(Invalid):
    """The path of an operation names nothing that is there."""


def apply(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `document` after the operations of `patch`; raises PatchUnreadable or NoTarget and changes nothing then.

    Attribute names are found without regard to case, `Operations` and `op` too, as directories write them.
    """
    operations = _any_case(patch, "operations")
    if PATCH_SCHEMA not in (patch.get("schemas") or []) or not isinstance(operations, list) or not operations:
        raise PatchUnreadable(f"A patch names the schema {PATCH_SCHEMA} and holds Operations.")
    if len(operations) > MOST_OPERATIONS:
        raise PatchUnreadable(f"A patch holds at most {MOST_OPERATIONS} operations.")
    made = copy.deepcopy(dict(document))
    for operation in operations:
        if not isinstance(operation, dict):
            raise PatchUnreadable("An operation is an object with op, path and value.")
        _one(made, str(_any_case(operation, "op") or "").lower(), _any_case(operation, "path"), _any_case(operation, "value"))
    return made


def _one(document: dict[str, Any], op: str, path: Any, value: Any) -> None:
    if op not in ("add", "replace", "remove"):
        raise PatchUnreadable(f"{op!r} is no operation; use add, replace or remove.")
    if path is None or path == "":
        if op == "remove":
            raise NoTarget("A removal names a path.")
        if not isinstance(value, dict):
            raise PatchUnreadable("An operation without a path takes an object of attributes.")
        for name, each in value.items():
            _one(document, op, name, each)
        return
    name, condition, inner = _parts(str(path))
    if condition is not None:
        _members(document, op, name, condition, inner, value)
    elif inner:
        holder = document.setdefault(_known(document, name), {})
        if isinstance(holder, list):
            for each in holder:
                _put(each, op, inner, value)
        elif isinstance(holder, dict):
            _put(holder, op, inner, value)
        else:
            raise NoTarget(f"{name} has no attributes of its own.")
    else:
        _put(document, op, name, value)


def _members(document: dict[str, Any], op: str, name: str, condition: Filter, inner: str, value: Any) -> None:
    key = _known(document, name)
    there = document.get(key)
    there = there if isinstance(there, list) else []
    chosen = [each for each in there if isinstance(each, dict) and holds(condition, each)]
    if op == "remove" and not inner:
        document[key] = [each for each in there if each not in chosen]
        return
    if not chosen:
        if op == "replace":
            raise NoTarget(f"Nothing of {name} is meant by this path.")
        chosen = [_made_of(condition)]
        document[key] = [*there, *chosen]
    for each in chosen:
        if inner:
            _put(each, op, inner, value)
        elif isinstance(value, dict):
            each.update(value)


def _put(holder: dict[str, Any], op: str, name: str, value: Any) -> None:
    key = _known(holder, name)
    there = holder.get(key)
    if op == "remove":
        if isinstance(there, list) and isinstance(value, list):
            holder[key] = [each for each in there if each not in value and not any(_same(each, gone) for gone in value)]
        else:
            holder.pop(key, None)
    elif op == "add" and isinstance(there, list):
        wanted = value if isinstance(value, list) else [value]
        holder[key] = [*there, *(each for each in wanted if not any(_same(each, old) for old in there))]
    elif op == "add" and isinstance(there, dict) and isinstance(value, dict):
        there.update(value)
    else:
        holder[key] = value


def holds(condition: Filter, item: Mapping[str, Any]) -> bool:
    """Tell whether an item of a list is meant by the filter of a path."""
    match condition:
        case Not():
            return not holds(condition.inner, item)
        case Both():
            return holds(condition.left, item) and holds(condition.right, item)
        case Either():
            return holds(condition.left, item) or holds(condition.right, item)
    there = item.get(_known(item, condition.path.split(".")[-1]))
    if condition.operator == "pr":
        return there not in (None, "", [])
    left, right = (v.lower() if isinstance(v, str) else v for v in (there, condition.value))
    if condition.operator in ("eq", "ne"):
        return (left == right) is (condition.operator == "eq")
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return {
        "co": right in left, "sw": left.startswith(right), "ew": left.endswith(right),
        "gt": left > right, "ge": left >= right, "lt": left < right, "le": left <= right,
    }[condition.operator]  # fmt: skip


def _parts(path: str) -> tuple[str, Filter | None, str]:
    """`emails[type eq "work"].value` as name, filter and inner name; a schema's URN in front is taken off."""
    if path.lower().startswith("urn:"):
        path = path.rsplit(":", 1)[-1]
    if "[" in path:
        name, _, rest = path.partition("[")
        condition, closes, inner = rest.rpartition("]")
        if not closes:
            raise PatchUnreadable(f"The path {path!r} can't be read.")
        return name, parse(condition), inner.lstrip(".")
    name, _, inner = path.partition(".")
    return name, None, inner


def _made_of(condition: Filter) -> dict[str, Any]:
    match condition:
        case Term(operator="eq"):
            return {condition.path.split(".")[-1]: condition.value}
        case Both():
            return {**_made_of(condition.left), **_made_of(condition.right)}
    raise NoTarget("Nothing is meant by this path.")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict) and "value" in one and "value" in other:
        return bool(one["value"] == other["value"])
    return bool(one == other)


def _known(holder: Mapping[str, Any], name: str) -> str:
    return next((key for key in holder if key.lower() == name.lower()), _SPELT.get(name.lower(), name))


def _any_case(given: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in given.items() if key.lower() == name), None)


_NAMES: Sequence[str] = (
    "userName",
    "displayName",
    "externalId",
    "name",
    "emails",
    "active",
    "locale",
    "timezone",
    "members",
    "groups",
    "givenName",
    "familyName",
)
_SPELT = {name.lower(): name for name in _NAMES}
