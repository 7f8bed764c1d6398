"""`python -m simulator.feed FILE…`: post files to a demo partner, wait until they are settled, and print what became of them."""

import argparse
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from simulator.story.book import StoryBroken
from simulator.story.client import Api, until
from simulator.story.provision import Keyring, apply, source_keys

X12 = ("application/edi-x12", "/v1/edi")
EVENTS = ("application/cloudevents+json", "/v1/events")
BATCH = ("application/cloudevents-batch+json", "/v1/events")


def kind_of(raw: bytes) -> tuple[str, str]:
    """Content type and route for a file: X12 begins with ISA, JSON is a CloudEvent or a batch of them; ValueError for anything else."""
    start = raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:3]
    if start == b"ISA":
        return X12
    if start[:1] in (b"{", b"["):
        return EVENTS if start[:1] == b"{" else BATCH
    raise ValueError("it is neither X12 (ISA…) nor JSON")


def receipts(answer: Any) -> list[dict[str, Any]]:
    """Every receipt in an answer: a single one, an acknowledgment's, or a batch's."""
    if "items" in answer:
        return [item["receipt"] for item in answer["items"] if item.get("receipt")]
    return [answer.get("receipt", answer)]


def feed(api: Api, sources: dict[str, Api], path: Path) -> list[dict[str, Any]]:
    """Post one file through the source of its kind and wait for its signals; what became of each. StoryBroken when it is refused."""
    content = path.read_bytes()
    media, route = kind_of(content)
    sender = sources["edi" if route == "/v1/edi" else "erp"]
    answer = sender.request("POST", route, content=content, headers={"content-type": media, "accept": "application/json"})
    if answer.status_code >= 300:
        raise StoryBroken(f"{path.name} was refused with {answer.status_code}: {answer.text[:1000]}")
    return [_settled(api, receipt) for receipt in receipts(answer.json())]


def _settled(api: Api, receipt: dict[str, Any]) -> dict[str, Any]:
    status = urlsplit(receipt["status_url"]).path

    def decided() -> dict[str, Any] | None:
        seen: dict[str, Any] = api.get(status)
        return seen if seen["status"] != "accepted" else None

    return {**until(f"signal {receipt['id']} to be settled", decided), "duplicate": receipt.get("duplicate", False)}


def _print(console: Console, title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in columns))
    console.print(table)


def show(console: Console, api: Api, path: Path, signals: list[dict[str, Any]], before: set[str]) -> None:
    """Signals, shipments and new cases as tables, and what is parked with its reason."""
    _print(console, f"{path.name}: signals", signals, ("id", "status", "items", "events", "duplicates", "parked", "mapping"))
    problems = [problem for signal in signals for problem in signal.get("problems", [])]
    if problems:
        _print(console, "parked", problems, ("label", "reason", "detail", "remedy"))
    shown = [shipment for shipment in api.items("/v1/shipments") if _is_of(shipment, signals)]
    _print(console, "shipments touched", shown, ("number", "status", "status_at", "eta"))
    cases = [case for case in api.items("/v1/cases", status="all") if case["id"] not in before]
    _print(console, "new cases", cases, ("title", "type", "says", "opened_at"))


def _is_of(shipment: dict[str, Any], signals: list[dict[str, Any]]) -> bool:
    since: str = min(signal["received_at"] for signal in signals)
    return since <= str(shipment.get("updated_at", "9"))


def main(given: list[str] | None = None) -> int:
    """Feed every file; 0 when each was read and nothing of it is parked."""
    parser = argparse.ArgumentParser(prog="python -m simulator.feed", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--platform-key", required=True)
    parser.add_argument("--simulator", required=True)
    parser.add_argument("--partner", default="northwind")
    parser.add_argument("--keys", type=Path)
    options = parser.parse_args(given)
    console, settled = Console(highlight=False), []
    try:
        api, _ = apply(options.base_url, options.platform_key, options.simulator, options.partner, Keyring(options.keys))
        sources = source_keys(options.base_url, api)
        for path in options.files:
            before = {case["id"] for case in api.items("/v1/cases", status="all")}
            signals = feed(api, sources, path)
            show(console, api, path, signals, before)
            settled += signals
    except (StoryBroken, ValueError, OSError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    return 0 if all(signal["status"] == "mapped" for signal in settled) else 1


if __name__ == "__main__":
    sys.exit(main())
