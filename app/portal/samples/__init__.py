"""What an empty account can start from: a source with its mapping, a workflow, and messages in real formats to try them with.

`$name` marks what differs from one message to the next.
"""

from datetime import datetime
from importlib import resources
from string import Template

MESSAGES = {
    "webhook": ("warehouse.json", "application/json"),
    "cloudevents": ("event.json", "application/cloudevents+json"),
    "x12": ("carrier.edi", "application/edi-x12"),
}
"""The message for each kind of source, with its media type."""


def text(name: str) -> str:
    """Return a sample as it is shipped."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


def message(kind: str, *, order: str, account: str, now: datetime) -> bytes:
    """Return a message for a source of this kind: an order that missed its cutoff, and the carrier that did not find it."""
    number = order.partition("-")[2]
    values = {
        "order": order, "shipment": f"SHP-{number}", "account": account, "now": now.isoformat(timespec="seconds"),
        "control": f"{int(number, 16) % 10**9:09d}", "x12_day": now.strftime("%y%m%d"), "x12_date": now.strftime("%Y%m%d"),
        "x12_time": now.strftime("%H%M"),
    }  # fmt: skip
    return Template(text(MESSAGES[kind][0])).substitute(values).encode()
