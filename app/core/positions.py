"""Where each value of a YAML document stands, so that a remark on it can say line and column."""

from typing import Any, NamedTuple

import yaml


class Position(NamedTuple):
    """1-based line and column where the text of a value begins, in the form (`plain`, `literal`, `folded`) it is written."""

    line: int
    column: int
    form: str = "plain"


def positions(text: str) -> dict[str, Position]:
    """JSON Pointer to position, of every value of a document that has already passed the parsing gate."""
    found: dict[str, Position] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _walk(root, "", text.splitlines(), found)
    return found


def place(known: dict[str, Position], pointer: str, line: int = 1, column: int = 1) -> Position:
    """The position of line and column inside the text at `pointer`; of the nearest parent where the value itself is missing.

    Folding loses the lines of a text, so a remark on folded text stands at its beginning.
    """
    while pointer not in known and pointer:
        pointer = pointer.rpartition("/")[0]
    at = known.get(pointer, Position(1, 1))
    if at.form == "folded":
        return at
    if at.form == "literal" or line == 1:
        return Position(at.line + line - 1, at.column + column - 1)
    return Position(at.line + line - 1, column)


def _walk(node: Any, pointer: str, lines: list[str], found: dict[str, Position]) -> None:
    found[pointer] = _position(node, lines)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _walk(value, f"{pointer}/{str(key.value).replace('~', '~0').replace('/', '~1')}", lines, found)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, f"{pointer}/{index}", lines, found)


def _position(node: Any, lines: list[str]) -> Position:
    line, column, style = node.start_mark.line + 1, node.start_mark.column + 1, getattr(node, "style", None)
    if style in ("|", ">"):
        first = lines[line] if line < len(lines) else ""
        return Position(line + 1, len(first) - len(first.lstrip(" ")) + 1, "literal" if style == "|" else "folded")
    return Position(line, column + (style in ("'", '"')))
