"""Who hears what, drawn from the one page that says it."""

from app.listeners import LATER, NOW, WORK


def diagram() -> str:
    """A Mermaid flow chart: events and what hears them now, what hears them later, and the kinds of due work."""
    lines = ["flowchart LR"]
    for listener in NOW:
        lines.append(
            f'  {_node(listener.pattern)}["{listener.pattern}"] -->|now| {_node(_name(listener.handle))}["{_name(listener.handle)}"]'
        )
    for later in LATER:
        lines.append(f'  {_node(later.pattern)}["{later.pattern}"] -.->|later| {_node(_name(later.handle))}["{_name(later.handle)}"]')
    for work in WORK:
        lines.append(f'  due_{_node(work.kind)}(("{work.kind}")) ==>|when due| {_node(_name(work.handle))}["{_name(work.handle)}"]')
    return "\n".join(lines) + "\n"


def _name(handle: object) -> str:
    return f"{getattr(handle, '__module__', '')}.{getattr(handle, '__qualname__', '')}"


def _node(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)
