"""Who hears what, drawn from the one page that says it."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.listeners import LATER, NOW, WORK


@dataclass(frozen=True)
class Edge:
    """`heard` (an event's pattern or a kind of work) reaches `handler`, `when`: now, later or due."""

    heard: str
    when: str
    handler: str


def edges() -> Iterator[Edge]:
    """Every listener and every kind of work, in the order they are called."""
    yield from (Edge(each.pattern, "now", _name(each.handle)) for each in NOW)
    yield from (Edge(each.pattern, "later", _name(each.handle)) for each in LATER)
    yield from (Edge(each.kind, "due", _name(each.handle)) for each in WORK)


def diagram() -> str:
    """A Mermaid flow chart: events and what hears them now, what hears them later, and the kinds of due work."""
    return "\n".join(["flowchart LR", *map(_line, edges())]) + "\n"


def _line(edge: Edge) -> str:
    handler = f'{_node(edge.handler)}["{edge.handler}"]'
    match edge.when:
        case "now":
            return f'  {_node(edge.heard)}["{edge.heard}"] -->|now| {handler}'
        case "later":
            return f'  {_node(edge.heard)}["{edge.heard}"] -.->|later| {handler}'
    return f'  due_{_node(edge.heard)}(("{edge.heard}")) ==>|when due| {handler}'


def _name(handle: object) -> str:
    return f"{getattr(handle, '__module__', '')}.{getattr(handle, '__qualname__', '')}"


def _node(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)
