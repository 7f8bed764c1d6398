"""The control API: put orders into the world, switch faults, read the ledger and the mailbox. Not part of any simulated system."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from simulator import ledger, seed
from simulator.faults import KINDS, Fault, Faults
from simulator.mail import Mailbox
from simulator.operations import Answer
from simulator.store import Store


def answer(
    store: Store, faults: Faults, mailbox: Mailbox, method: str, path: str, query: Mapping[str, str], raw: bytes, now: datetime
) -> Answer:
    """One control request; a mistake in it is answered 400 with its reason."""
    try:
        return _route(store, faults, mailbox, f"{method} {path}", query, json.loads(raw) if raw else {}, now)
    except (KeyError, TypeError, ValueError) as error:
        return Answer({"error": {"code": "bad_request", "message": repr(error)}}, 400)


def _route(
    store: Store, faults: Faults, mailbox: Mailbox, line: str, query: Mapping[str, str], body: dict[str, Any], now: datetime
) -> Answer:
    match line:
        case "GET /healthz":
            return Answer({"status": "ok"})
        case "GET /control/ledger":
            return Answer({"calls": ledger.read(store, after=int(query.get("after", "0")), **_narrowed(query))})
        case "GET /control/faults":
            return Answer({"faults": [asdict(fault) for fault in faults.current()]})
        case "POST /control/faults":
            return Answer({"fault": asdict(_add_fault(faults, body))}, 201)
        case "DELETE /control/faults":
            faults.clear()
            return Answer({"faults": []})
        case "POST /control/orders":
            seed.add_order(store, now=now, **{name: str(body[name]) for name in ORDER_FIELDS})
            return Answer({"order": body}, 201)
        case "GET /mail/messages":
            return Answer({"messages": mailbox.messages(query.get("to"), int(query.get("after", "0")))})
    return Answer({"error": {"code": "not_found", "message": f"There is no {line}."}}, 404)


ORDER_FIELDS = ("partner", "customer", "order", "shipment", "sku", "promised_at")
_COLUMNS = ("partner", "system", "operation", "account", "key")


def _narrowed(query: Mapping[str, str]) -> dict[str, str | None]:
    return {name: query.get(name) for name in _COLUMNS}


def _add_fault(faults: Faults, body: dict[str, Any]) -> Fault:
    seconds = body.pop("seconds", None)
    if body.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    return faults.add(Fault(**body), seconds)
