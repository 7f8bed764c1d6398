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


def show(console: Console, api: Api, path: Path, signals: list[dict[str, Any]], before: dict[str, set[str]]) -> None:
    """Signals, shipments, milestones and cases that are new, as tables, and what is parked with its reason."""
    _print(console, f"{path.name}: signals", signals, ("id", "status", "items", "events", "duplicates", "parked", "mapping"))
    problems = [problem for signal in signals for problem in signal.get("problems", [])]
    if problems:
        _print(console, "parked", problems, ("label", "reason", "detail", "remedy"))
    reported = [line for shipment in fresh(api, before)["shipments"] for line in milestones(api, shipment)]
    _print(console, "what happened", reported, ("shipment", "milestone", "at", "status_code", "reason_code", "moved"))
    _print(console, "new cases", fresh(api, before)["cases"], ("type", "title", "opened_at"))


def milestones(api: Api, shipment: dict[str, Any]) -> list[dict[str, Any]]:
    """What was reported about a shipment, oldest first."""
    full = api.get(f"/v1/shipments/{shipment['id']}")
    return [{"shipment": shipment["number"], **each} for each in reversed(full["milestones"])]


def present(api: Api) -> dict[str, list[dict[str, Any]]]:
    """Every case and shipment there is."""
    return {"cases": api.items("/v1/cases", status="all"), "shipments": api.items("/v1/shipments")}


def ids(found: dict[str, list[dict[str, Any]]]) -> dict[str, set[str]]:
    """Their ids by kind."""
    return {kind: {each["id"] for each in items} for kind, items in found.items()}


def fresh(api: Api, before: dict[str, set[str]]) -> dict[str, list[dict[str, Any]]]:
    """What there is now and was not before."""
    return {kind: [each for each in items if each["id"] not in before[kind]] for kind, items in present(api).items()}


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
    # Numbers are what one looks for here, so a pipe gets lines wide enough to keep them whole.
    console, settled = Console(highlight=False, width=None if sys.stdout.isatty() else 160), []
    try:
        api, _ = apply(options.base_url, options.platform_key, options.simulator, options.partner, Keyring(options.keys))
        sources = source_keys(options.base_url, api)
        for path in options.files:
            before = ids(present(api))
            signals = feed(api, sources, path)
            show(console, api, path, signals, before)
            settled += signals
    except (StoryBroken, ValueError, OSError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    return 0 if all(signal["status"] == "mapped" for signal in settled) else 1


if __name__ == "__main__":
    sys.exit(main())
