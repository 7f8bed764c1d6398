"""`make bench [B=ingest|engine|pickup|portal]`: one JSON line a metric, then a table."""

import asyncio
import importlib
import sys

from rich.console import Console
from rich.table import Table

GROUPS = ("pickup", "ingest", "engine", "portal")


def main() -> int:
    chosen = sys.argv[1:] or list(GROUPS)
    unknown = [g for g in chosen if g not in GROUPS]
    if unknown:
        sys.stderr.write(f"no group {unknown[0]}; there are {', '.join(GROUPS)}\n")
        return 2
    results = []
    for group in chosen:
        for result in asyncio.run(importlib.import_module(f"benchmarks.{group}").measure()):
            results.append(result)
            sys.stdout.write(result.line() + "\n")
            sys.stdout.flush()
    table = Table("metric", "what", "ratio", "goal", "ours", "reference", "foreign cores", "rows")
    for r in results:
        table.add_row(
            r.metric,
            r.what,
            f"{r.ratio:.3f}",
            r.goal,
            f"{r.ours:.4g}",
            f"{r.reference:.4g}",
            f"{r.foreign_cores:.2f}",
            "ok" if r.rows_ok else "WRONG",
        )
    Console(width=160).print(table)
    return 0 if all(r.rows_ok for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
