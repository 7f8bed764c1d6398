"""Reference pages made from the code itself: settings, HTTP interface, problems, tables, who hears what, and the features tests show.

usage: python -m docs.generate [--check]      with --check nothing is written and a stale page is an error
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, cast

import yaml
from sqlalchemy import Table

from app.core.errors import Fault
from app.core.settings import Settings
from app.core.tables import TenantRow

ROOT = Path(__file__).resolve().parent.parent
HEAD = "<!-- Made by `make docs`; edit the code instead. -->\n\n"


def main() -> int:
    stale = []
    for name, content in pages().items():
        path = ROOT / "docs" / name
        if path.exists() and path.read_text() == content:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if stale and "--check" in sys.argv:
        print(f"stale: {', '.join(stale)}; run: make docs", file=sys.stderr)
        return 1
    return 0


def pages() -> dict[str, str]:
    """Every generated page by its name under docs/."""
    load_everything()
    return {
        "reference/settings.md": settings_page(), "reference/http.md": http_page(), "reference/problems.md": problems_page(),
        "reference/tables.md": tables_page(), "reference/listeners.md": listeners_page(), "features.md": features_page(),
        "reference/kpis.md": kpis_page(),
    }  # fmt: skip


def kpis_page() -> str:
    """What each figure asks, its parts, and the SQL that lists its rows."""
    from app.intelligence.kpis import KPIS

    units = {
        "count": "how many rows", "minutes": "the median of `value`, in minutes", "average": "the mean of `value`", "percent": "rows of the counted parts in a hundred of their base",
        "per_100": "rows for each hundred cases opened in the period",
    }  # fmt: skip
    out = [
        HEAD + "# Figures\n",
        "Each figure is counted from the rows its definition lists, and opens exactly these: `GET /v1/kpis`, `GET /v1/kpis/{name}/rows`. "
        "`:since` and `:until` are the first moment of the period and the first after it, in the reader's time zone; `:now` is the moment of asking. "
        "A definition sees what its reader may see, so a customer's figures are of its own cases.\n",
    ]
    for kpi in KPIS.values():
        base = f" Counted: {', '.join(kpi.counted)}; of: {', '.join(kpi.of or kpi.parts)}." if kpi.counted else ""
        splits = f" Told apart: {', '.join(kpi.splits.values())}." if kpi.splits else ""
        seen = "" if kpi.for_customers else " The partner's own; customers don't see it."
        parts = "\n".join(f"| `{name}` | {says} |" for name, says in kpi.parts.items())
        out.append(
            f"## {kpi.title} (`{kpi.name}`)\n\n{kpi.asks} The figure is {units[kpi.unit]}.{base}{splits}{seen}\n\n| part | says |\n|---|---|\n{parts}\n\n"
            f"```sql\n{kpi.definition.strip()}\n```\n"
        )
    return "\n".join(out)


def load_everything() -> None:
    for top in ("app", "tenants", "branding"):
        package = importlib.import_module(top)
        for module in pkgutil.walk_packages(package.__path__, f"{top}."):
            if ".__main__" not in module.name and ".sandbox.child" not in module.name:
                importlib.import_module(module.name)


def settings_page() -> str:
    rows = ["| variable | meaning | default |", "|---|---|---|"]
    for f in fields(Settings):
        default = "required" if f.default is MISSING else ("" if f.metadata["secret"] and not f.default else _shown(f.default))
        rows.append(f"| `DETOUR_{f.name.upper()}` | {f.metadata['meaning']}{' (secret)' if f.metadata['secret'] else ''} | {default} |")
    return (
        HEAD
        + "# Settings\n\nRead once at the start, from the environment and `.env`. A wrong one stops the start with one sentence.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value not in ("", b"") else ""


def http_page() -> str:
    from app.main.application import create_litestar

    out = [
        HEAD + "# HTTP interface\n",
        "The whole of it, with bodies, is the OpenAPI document: `detour openapi`, or `/schema/openapi.json` of a running server.\n",
    ]
    by_tag: dict[str, list[str]] = defaultdict(list)
    for route in create_litestar(None).routes:
        for handler in getattr(route, "route_handlers", []):
            if not handler.tags:
                continue
            need = "public" if handler.opt.get("public") else handler.opt.get("permission", "")
            doc = (inspect.getdoc(handler.fn) or "").split("\n")[0]
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                by_tag[sorted(handler.tags)[0]].append(f"| `{method} {route.path_format}` | {need} | {doc} |")
    for tag in sorted(by_tag):
        out.append(f"## {tag}\n\n| route | needs | does |\n|---|---|---|\n" + "\n".join(sorted(set(by_tag[tag]))) + "\n")
    return "\n".join(out)


def problems_page() -> str:
    rows = sorted(
        {(f.slug_of(), f.status, " ".join((f.__doc__ or "").split())) for f in _subclasses(Fault) if not f.__name__.startswith("_")}
    )
    body = "\n".join(f"| `/problems/{slug}` | {status} | {doc} |" for slug, status, doc in rows)
    return (
        HEAD
        + "# Problems\n\nErrors are `application/problem+json` (RFC 9457); `type` is stable.\n\n| type | status | says |\n|---|---|---|\n"
        + body
        + "\n"
    )


def _subclasses(kind: type[Fault]) -> Iterator[type[Fault]]:
    for sub in kind.__subclasses__():
        if sub.__module__.split(".")[0] in ("app", "tenants", "branding"):
            yield sub
        yield from _subclasses(sub)


def tables_page() -> str:
    rows = []
    tables = {cast(Table, m.local_table).fullname: (m.class_, cast(Table, m.local_table).info) for m in TenantRow.registry.mappers}
    for name, (model, info) in sorted(tables.items()):
        if issubclass(model, TenantRow):
            rows.append(
                f"| `{name}` | {(model.__doc__ or '').strip().split(chr(10))[0]} | {info['data_class']} | {info['retention']} | {info['erasure']} |"
            )
    return (
        HEAD
        + "# Tenant tables\n\nWhat each holds, what kind of data that is, how long it is kept and how it is erased.\n\n| table | holds | data | kept | erased |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def listeners_page() -> str:
    from app.cli.map import diagram

    return HEAD + "# Who hears what\n\nDrawn from `app/listeners.py`.\n\n```mermaid\n" + diagram() + "```\n"


def features_page() -> str:
    names: dict[str, str] = yaml.safe_load((ROOT / "docs" / "features.yaml").read_text())
    shown = feature_marks()
    unknown = sorted(set(shown) - set(names))
    if unknown:
        raise SystemExit(f"no such feature: {', '.join(unknown)} (see docs/features.yaml)")
    rows = [f"| {i} | {names[i]} | {'<br>'.join(f'`{t}`' for t in sorted(shown[i]))} |" for i in names if i in shown]
    return (
        HEAD
        + f"# Features that tests show\n\n{len(rows)} of {len(names)} rows of the feature table have tests; a row is listed only with them, and may be shown in part.\n\n| id | feature | shown by |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def feature_marks() -> dict[str, set[str]]:
    """Feature ids by the test files marked with them."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.feature"):
                for argument in node.args:
                    if isinstance(argument, ast.Constant):
                        found[str(argument.value)].add(str(path.relative_to(ROOT)))
    return found


if __name__ == "__main__":
    sys.exit(main())
