"""What comparisons of models and database look at, and what they leave out."""

import importlib.util
import pkgutil
import re

from app.core.migrate import SCHEMAS

_PARTITION = re.compile(r"_p(0|\d{6})$")


def include_name(name: str | None, kind: str, _parents: dict[str, str | None]) -> bool:
    """Leave partitions and foreign schemas out: partitions come and go with time."""
    if kind == "schema":
        return name in OURS
    return not (kind == "table" and name is not None and _PARTITION.search(name))


OURS = frozenset(SCHEMAS)


def load_models() -> None:
    """Import every room's tables, so that the one metadata holds them all."""
    import app

    rooms = ["tenants", "branding", *(f"app.{m.name}" for m in pkgutil.iter_modules(app.__path__) if m.ispkg)]
    for room in rooms:
        if importlib.util.find_spec(f"{room}.models"):
            importlib.import_module(f"{room}.models")
    importlib.import_module("app.core.secrets")
