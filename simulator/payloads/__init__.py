"""What the outside world sends, written by us in real formats; `$name` marks what differs from one order to the next.

- `wms-cutoff-missed.json`: a warehouse's webhook, signed by Standard Webhooks (https://www.standardwebhooks.com).
- `carrier-214.edi`: X12 004010 transaction set 214; AT7 SN/AW says not picked up, past the cut-off time.
- `carrier-day.edi`: a day of the same carrier, ready to send: a delivery, a failed attempt (AH/AG) and a departure.
- `order-recorded.json`, `shipment-recorded.json`: master data as CloudEvents 1.0, structured mode.
- `certificate-wrong.json`, `certificate.json`: a certificate of compliance for regulated goods, once for another order, once right.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from string import Template


@dataclass(frozen=True)
class Order:
    """One order of a story: numbers, money in minor units, and the moment its cutoff was missed."""

    number: str
    shipment: str
    account: str
    customer_name: str
    missed_at: datetime
    sku: str = "VAC-10"
    value_minor: int = 4_520_000
    currency: str = "EUR"
    un_number: str = "UN3373"
    control: int = 1

    @property
    def deliver_by(self) -> datetime:
        """When the consignee was promised the goods."""
        return self.missed_at + timedelta(hours=18)

    @property
    def document(self) -> str:
        """The number of its certificate."""
        return self.number.replace("ORD", "CERT")

    def values(self) -> dict[str, str]:
        """Everything a payload can name."""
        seen = self.missed_at
        return {
            "order": self.number,
            "shipment": self.shipment,
            "account": self.account,
            "receiver": f"{self.account:<15}",
            "customer_name": self.customer_name,
            "sku": self.sku,
            "value_minor": str(self.value_minor),
            "currency": self.currency,
            "un_number": self.un_number,
            "document": self.document,
            "missed_at": seen.isoformat(timespec="seconds"),
            "ship_by": seen.isoformat(timespec="seconds"),
            "recorded_at": (seen - timedelta(hours=5)).isoformat(timespec="seconds"),
            "deliver_by": self.deliver_by.isoformat(timespec="seconds"),
            "valid_until": (seen + timedelta(days=90)).date().isoformat(),
            "other_order": f"{self.number}-X",
            "control": f"{self.control:09d}",
            "short_control": f"{self.control % 10**4:04d}",
            "x12_day": seen.strftime("%y%m%d"),
            "x12_date": seen.strftime("%Y%m%d"),
            "x12_time": seen.strftime("%H%M"),
        }


def render(name: str, order: Order) -> bytes:
    """The payload of that file for an order; KeyError names a value the file asks for and nobody gives."""
    text = (resources.files(__name__) / name).read_text(encoding="utf-8")
    return Template(text).substitute(order.values()).encode()
