"""What the parsing gate says when it refuses, and what it refuses in any text or number, whatever the format."""

import math
from typing import Any, NamedTuple

from app.core.errors import FieldError, Invalid

_LARGEST_INT = 2**63
Path = tuple[Any, ...]  # (parent path, key), or (root,): only written out when something is wrong


class Unreadable(Invalid):
    """This can't be read."""


class TooLarge(Invalid):
    """This is larger than what is taken here."""

    status = 413


class Limits(NamedTuple):
    """How many values a document may have, and how deep they may be nested."""

    nodes: int = 20_000
    depth: int = 32


def refuse(pointer: str, detail: str, remedy: str, *, status: int | None = None) -> Unreadable:
    """The error that names one place; `pointer` is a JSON Pointer, or `line N` where the text itself is wrong."""
    return Unreadable(f"{detail} ({pointer or 'the document'})", errors=[FieldError(pointer, detail, remedy)], status=status)


def escape(key: str) -> str:
    """A key as one segment of a JSON Pointer (RFC 6901), printable whatever it holds."""
    key = key if key.isprintable() else key.encode("unicode_escape", "backslashreplace").decode()
    return key.replace("~", "~0").replace("/", "~1")


def text_of(raw: bytes, most: int) -> str:
    """The bytes as text, when they are few enough and UTF-8."""
    if len(raw) > most:
        raise TooLarge(f"This has {len(raw)} bytes; at most {most} are taken here.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise refuse(f"byte {error.start}", "The text is not valid UTF-8.", "Send UTF-8.") from None


def written(path: Path) -> str:
    """The path as a JSON Pointer."""
    parts: list[str] = []
    while len(path) == 2:
        parts.append(escape(path[1]))
        path = path[0]
    return "/".join([path[0], *reversed(parts)])


def check_scalar(item: Any, path: Path, *, hidden: bool = True) -> None:
    """Refuse text with NUL or a lone surrogate, and numbers that don't survive a database or another JSON reader."""
    if isinstance(item, str):
        if hidden and "\0" in item:
            raise refuse(written(path), "The text holds a NUL character.", "Leave NUL characters out.", status=422)
        if hidden and not _is_utf8(item):
            raise refuse(written(path), "The text holds half a surrogate pair.", "Send whole characters.", status=422)
    elif isinstance(item, float) and not math.isfinite(item):
        raise refuse(written(path), "The number is too large.", "Write long numbers as text.")
    elif isinstance(item, int) and not -_LARGEST_INT <= item < _LARGEST_INT:
        raise refuse(written(path), "The number has more than 64 bits.", "Write long numbers as text.")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
