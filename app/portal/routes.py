"""Every page and what its forms lead to."""

import importlib
import pkgutil
from typing import Any

from app.portal import admin, assets, home, identity, live, ops, views

AREAS = (identity, home, ops, admin)


def _of(area: Any) -> list[Any]:
    """The routes of an area's modules, one module a noun."""
    modules = sorted(m.name for m in pkgutil.iter_modules(area.__path__, f"{area.__name__}."))
    return [route for name in modules for route in getattr(importlib.import_module(name), "ROUTES", ())]


ROUTES: list[Any] = [*assets.ROUTES, *live.ROUTES, *views.ROUTES, *(route for area in AREAS for route in _of(area))]
