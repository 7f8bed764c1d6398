"""Where each value of a YAML document stands, so that a remark on a policy can say line and column."""

from typing import Any, NamedTuple

import yaml


class Position(NamedTuple):
    """1-based line and column of a value; `offset` is what quotes take from a one-line text, None for a block of text."""

    line: int
    column: int
    offset: int | None = 0


def positions(text: str) -> dict[str, Position]:
    """JSON Pointer to position, of every value of a document that has already passed the parsing gate."""
    found: dict[str, Position] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _walk(root, "", found)
    return found


def place(known: dict[str, Position], pointer: str, line: int = 1, column: int = 1) -> Position:
    """The position of line and column inside the text at `pointer`; of the nearest parent where the value itself is missing."""
    while pointer not in known and pointer:
        pointer = pointer.rpartition("/")[0]
    at = known.get(pointer, Position(1, 1))
    if at.offset is None:
        return Position(at.line + line, column)
    return Position(at.line, at.column + at.offset + column - 1) if line == 1 else Position(at.line + line - 1, column)


def _walk(node: Any, pointer: str, found: dict[str, Position]) -> None:
    found[pointer] = Position(node.start_mark.line + 1, node.start_mark.column + 1, _offset(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _walk(value, f"{pointer}/{str(key.value).replace('~', '~0').replace('/', '~1')}", found)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, f"{pointer}/{index}", found)


def _offset(node: Any) -> int | None:
    style = getattr(node, "style", None)
    if style in ("|", ">"):
        return None
    return 1 if style in ("'", '"') else 0
