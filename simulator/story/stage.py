"""Everything one partner's story has at hand, and what it learns on its way."""

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from simulator import manifests, payloads
from simulator.signing import sign
from simulator.story.book import Book, Page
from simulator.story.cast import Cast
from simulator.story.client import Api, Outside, until
from simulator.story.links import Form, Visitor
from simulator.story.provision import Provisioned

_numbers = itertools.count(int(time.time()) % 1_000_000)


@dataclass
class Stage:
    """One telling for one partner; `stranger` is another partner, when there is one."""

    cast: Cast
    book: Book
    outside: Outside
    base_url: str
    own: Provisioned
    stranger: Provisioned | None
    began_at: int
    step: int | None = None
    patience: float = 60.0
    order: payloads.Order = field(init=False)
    case_id: str = ""
    document_link: str = ""
    approved_option: str = ""
    signal_ids: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = next(_numbers) % 1_000_000
        missed = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=4)
        cast = self.cast
        self.order = payloads.Order(f"ORD-{number:06d}", f"SHP-{number:06d}", cast.account, cast.customer_name, missed, control=number)
        self.visitor = Visitor(self.base_url)

    @property
    def admin(self) -> Api:
        """The partner's own key."""
        return self.own.admin

    @property
    def people(self) -> dict[str, Api]:
        """Everybody's session, by address."""
        return self.own.people

    @property
    def is_disturbed(self) -> bool:
        """Whether this telling is one with faults, all of whose outcomes stand under one step."""
        return self.step is not None

    def page(self, step: int) -> Page:
        """Where this step's outcomes are written; all go to one step when the story is told again with faults."""
        return Page(self.book, self.cast.partner, self.step or step)

    def payload(self, name: str) -> bytes:
        """One of the world's payloads about this story's order."""
        return payloads.render(name, self.order)

    def webhook(self, message_id: str, *, by: Provisioned | None = None, secret: str | None = None) -> httpx.Response:
        """Post the warehouse's webhook with its key and signature, or with another partner's key or another secret."""
        body = self.payload("wms-cutoff-missed.json")
        headers = sign(secret or manifests.webhook_secret(self.cast.partner), message_id, datetime.now(UTC), body)
        api = (by or self.own).sources["wms"]
        return api.request("POST", "/v1/in/wms", content=body, headers={"content-type": "application/json", **headers})

    def edi(self) -> httpx.Response:
        """Post the carrier's 214."""
        return self.own.sources["edi"].request(
            "POST", "/v1/edi", content=self.payload("carrier-214.edi"), headers={"content-type": "application/edi-x12"}
        )

    def event(self, name: str) -> httpx.Response:
        """Post a CloudEvent of the ERP in structured mode."""
        return self.own.sources["erp"].request(
            "POST", "/v1/events", content=self.payload(name), headers={"content-type": "application/cloudevents+json"}
        )

    def settled(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """What became of an accepted signal, as soon as it is decided."""
        path = urlsplit(receipt["status_url"]).path

        def decided() -> dict[str, Any] | None:
            seen: dict[str, Any] = self.admin.get(path)
            return None if seen["status"] == "accepted" else seen

        return dict(self.until(f"signal {receipt['id']} to be settled", decided))

    def cases(self, api: Api) -> list[dict[str, Any]]:
        """Every case about this story's order that this actor can see."""
        return [case for case in api.items("/v1/cases", status="all") if self.order.number in case["title"]]

    def case(self) -> dict[str, Any]:
        """The case in full, as its partner's admin sees it."""
        return dict(self.admin.get(f"/v1/cases/{self.case_id}"))

    def timeline(self) -> list[dict[str, Any]]:
        """What happened on the case so far."""
        return self.admin.items(f"/v1/cases/{self.case_id}/timeline")

    def until(self, what: str, probe: Any) -> Any:
        """Wait for something as long as this telling is patient."""
        return until(what, probe, seconds=self.patience)

    def mail(self, to: str, subject: str = "") -> dict[str, Any]:
        """The newest mail to an address about this story's order whose subject says `subject`, once it is there."""

        def newest() -> dict[str, Any] | None:
            found = [mail for mail in self.outside.mails(to) if self.order.number in str(mail["text"]) and subject in mail["subject"]]
            return found[-1] if found else None

        return dict(self.until(f"a mail to {to} about {self.order.number}", newest))

    def effects(self, system: str, operation: str) -> list[dict[str, Any]]:
        """What this telling changed at a system of the customer's."""
        return [line for line in self.calls(system=system, operation=operation) if line["effect"]]

    def calls(self, **narrowed: str) -> list[dict[str, Any]]:
        """What the customer's systems received since this telling began."""
        return self.outside.ledger(self.cast.partner, account=self.cast.customer, after=self.began_at, **narrowed)

    def decisions(self) -> list[dict[str, Any]]:
        """The decisions on the case, oldest first."""
        return [entry["facts"] for entry in self.timeline() if entry["type"] == "decision.made"]

    def options(self) -> list[dict[str, Any]]:
        """The services the carrier offered, as its answer was recorded."""
        calls = self.admin.items("/v1/calls", case=self.case_id, capability="carrier.expedite_options")
        return list(next(call["response"] for call in calls if call["status"] == "done"))

    def offer(self) -> dict[str, Any]:
        """The offer made on the case."""
        return dict(self.admin.items("/v1/offers", case=self.case_id)[0])

    def documents(self) -> list[dict[str, Any]]:
        """The documents of the case's order."""
        return self.admin.items("/v1/documents", case=self.case_id)

    def upload(self, link: str, name: str) -> httpx.Response:
        """Upload a document through the link in the mail."""
        form = Form(self.visitor.get(link).text)
        return self.visitor.post(link, data=form.hidden, files={"file": (name, self.payload(name), "application/json")})

    def customer_id(self) -> str:
        """The id of the customer the story happens to."""
        return next(str(each["id"]) for each in self.admin.items("/v1/customers") if each["slug"] == self.cast.customer)

    def metered_effects(self) -> int:
        """What the customer is charged for: effects in connected systems, since there is a record of them."""
        since = (datetime.now(UTC) - timedelta(days=31)).date().isoformat()
        usage = self.admin.get("/v1/usage", customer_id=self.customer_id(), meter="effects_made", since=since)
        return sum(total["quantity"] for total in usage["totals"])

    def effects_in_ledger(self) -> int:
        """What really happened out there for the customer, all tellings together."""
        return sum(line["effect"] for line in self.outside.ledger(self.cast.partner, account=self.cast.customer))

    def audit_report(self) -> dict[str, Any] | None:
        """What verification found, once everything written is chained."""
        report = dict(self.admin.post("/v1/audit/verify", {}))
        return report if report["waiting"] == 0 else None
