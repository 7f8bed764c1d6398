"""The parsing gate: bytes from outside become plain data here or are refused, with the place and the remedy.

Limits are those of the media type. What the gate lets through has no duplicate key, no NUL, no lone surrogate, no number that JSON can't
hold, and is neither deeper nor larger than anything behind it expects.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from app.core.unreadable import Limits, Path, TooLarge, Unreadable, check_scalar, escape, refuse, text_of, written
from app.core.yaml_documents import read_yaml

__all__ = ["Limits", "TooLarge", "Unreadable", "canonical_json", "escape", "inflate", "parse_json", "parse_json_batch", "parse_yaml"]

JSON_BYTES = 1 << 20
BATCH_BYTES = 8 << 20
BATCH_ITEMS = 1_000
BATCH_NODES = 100_000
YAML_BYTES = 256 << 10
INFLATE_RATIO = 100
_SMALL = 16 << 10  # below this a high ratio is only repetition in a short text


def parse_json(raw: bytes, *, most_bytes: int = JSON_BYTES, limits: Limits = Limits()) -> Any:  # noqa: B008 — an immutable value
    """Plain data from JSON (RFC 8259, strict). Raises Unreadable (400; 422 for text Postgres can't hold) or TooLarge (413)."""
    value = _read(text_of(raw, most_bytes))
    _check_tree(value, limits, hidden=b"\\u" in raw)
    return value


def parse_json_batch(raw: bytes) -> list[Any]:
    """The items of a JSON array: at most 1,000 in 8 MiB, each within the limits of one document, 100,000 values in all."""
    items = _read(text_of(raw, BATCH_BYTES))
    if not isinstance(items, list):
        raise refuse("", "A batch must be a JSON array.", "Send a list of items, or one item with its own media type.")
    if len(items) > BATCH_ITEMS:
        raise TooLarge(f"This batch has {len(items)} items; send at most {BATCH_ITEMS} at once.")
    left = BATCH_NODES
    for index, item in enumerate(items):
        left -= _check_tree(item, Limits(), hidden=b"\\u" in raw, root=f"/{index}")
        if left < 0:
            raise TooLarge(f"This batch has more than {BATCH_NODES} values; send fewer items at once.")
    return items


def inflate(raw: bytes, limit: int) -> bytes:
    """The content of a gzip body: one member after the other, at most `limit` bytes and a hundred times what was sent."""
    most = min(limit, max(len(raw) * INFLATE_RATIO, _SMALL))
    inflated = bytearray()
    rest = raw
    while rest:
        member = zlib.decompressobj(wbits=31)
        try:
            inflated += member.decompress(rest, most - len(inflated) + 1)
        except zlib.error:
            raise refuse("", "The body is not valid gzip.", "Send it plain, or compress it anew.") from None
        if len(inflated) > most:
            raise TooLarge(f"The body inflates to more than {most} bytes; send smaller pieces.")
        if not member.eof:
            raise refuse("", "The gzip body ends too early.", "Send all of it.")
        rest = member.unused_data
    return bytes(inflated)


def canonical_json(value: Any) -> bytes:
    """The one form a value is hashed in: sorted keys, no spaces, UTF-8; the same bytes as the standard library writes anywhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse_yaml(raw: bytes | str) -> Any:
    """Plain data from YAML as JSON could hold it; see `app.core.yaml_documents`. Errors name the line."""
    return read_yaml(text_of(raw.encode() if isinstance(raw, str) else raw, YAML_BYTES))


class _Duplicate(Exception):
    """A name that stands twice."""


def _read(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise refuse(f"line {error.lineno}, column {error.colno}", f"This is not JSON: {error.msg}.", "Send valid JSON.") from None
    except _Duplicate as error:
        key = str(error)
        raise refuse(_find_duplicate(text), f"The name {key[:100]!r} stands twice in one object.", "Keep one of the two.") from None
    except RecursionError:
        raise refuse("", "The values are nested too deeply.", f"Nest at most {Limits().depth} levels.") from None
    except ValueError as error:
        raise refuse("", f"A number can't be read: {str(error)[:100]}.", "Write long numbers as text.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        raise _Duplicate(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, to look for the duplicate in."""


def _find_duplicate(text: str) -> str:
    stack: list[tuple[str, Any]] = [("", json.loads(text, object_pairs_hook=_Pairs))]
    while stack:
        pointer, value = stack.pop()
        if not isinstance(value, list):
            continue
        keyed = value if isinstance(value, _Pairs) else [(str(index), item) for index, item in enumerate(value)]
        names = [key for key, _ in keyed]
        twice = next((key for key in names if names.count(key) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            return f"{pointer}/{escape(twice)}"
        stack += [(f"{pointer}/{escape(key)}", item) for key, item in keyed]
    return ""


def _check_tree(value: Any, limits: Limits, *, hidden: bool, root: str = "") -> int:
    """Count the values of a tree and refuse what can't be kept; `hidden`: the text holds escapes, so look into every string."""
    count = 0
    for pointer, item, depth in _walk(value, root):
        count += 1
        if count > limits.nodes:
            raise TooLarge(f"This has more than {limits.nodes} values; send smaller pieces.")
        if depth > limits.depth:
            raise refuse(written(pointer), "The values are nested too deeply.", f"Nest at most {limits.depth} levels.")
        check_scalar(item, pointer, hidden=hidden)
    return count


def _walk(value: Any, root: str) -> Iterator[tuple[Path, Any, int]]:
    stack: list[tuple[Path, Any, int]] = [((root,), value, 0)]
    while stack:
        path, item, depth = stack.pop()
        if isinstance(item, dict):
            depth += 1
            for key, child in item.items():
                check_scalar(key, (path, key), hidden=True)
                stack.append(((path, key), child, depth))
        elif isinstance(item, list):
            depth += 1
            stack.extend(((path, str(index)), child, depth) for index, child in enumerate(item))
        yield path, item, depth
