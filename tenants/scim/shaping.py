"""Only what was asked for: `attributes` and `excludedAttributes` of RFC 7644 (3.9), pure."""

from collections.abc import Iterable, Mapping
from typing import Any

ALWAYS = frozenset({"id", "schemas"})


def shaped(document: Mapping[str, Any], attributes: Iterable[str], excluded: Iterable[str]) -> dict[str, Any]:
    """Return a resource with these attributes alone, or without those; what is always returned stays.

    Names come in any case, `a.b` means b within a, and a schema's URN may stand in front.
    """
    wanted, left_out = _tree(attributes), _tree(excluded)
    shown: dict[str, Any] = {}
    for key, value in document.items():
        name = key.lower()
        if key in ALWAYS:
            shown[key] = value
        elif wanted:
            if name in wanted:
                shown[key] = _parts(value, wanted[name], keep=True)
        elif name not in left_out:
            shown[key] = value
        elif left_out[name]:
            shown[key] = _parts(value, left_out[name], keep=False)
    return shown


def _parts(value: Any, names: set[str], *, keep: bool) -> Any:
    if not names:
        return value
    if isinstance(value, list):
        return [_parts(each, names, keep=keep) for each in value]
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if (key.lower() in names) is keep}
    return value


def _tree(names: Iterable[str]) -> dict[str, set[str]]:
    """`["name.formatted", "active"]` as `{"name": {"formatted"}, "active": set()}`; a whole attribute wins over a part of it."""
    found: dict[str, set[str]] = {}
    whole: set[str] = set()
    for each in names:
        path = each.strip().lower()
        path = path.rsplit(":", 1)[-1] if path.startswith("urn:") else path
        name, _, inner = path.partition(".")
        if name:
            found.setdefault(name, set()).add(inner)
            whole |= set() if inner else {name}
    return {name: set() if name in whole else inner for name, inner in found.items()}
