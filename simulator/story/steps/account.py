"""Step 12: what is counted equals what happened outside, the record verifies, and our name is nowhere."""

import contextlib
import uuid

import httpx

from simulator.story import provision
from simulator.story.book import Page, StoryBroken
from simulator.story.cast import CASTS
from simulator.story.stage import Stage
from simulator.story.walk import walk

TRACES = ("detour", "litestar", "uvicorn")
FEWEST_PAGES = 10


def counts_chain_and_marks(stage: Stage) -> None:
    """12: usage against the ledger, the hash chain, and every page, mail and header a customer saw."""
    page = stage.page(12)
    with contextlib.suppress(StoryBroken):
        stage.until("usage equal to the ledger", lambda: stage.metered_effects() == stage.effects_in_ledger())
    page.equal("metered effects equal the ledger", stage.metered_effects(), stage.effects_in_ledger())
    report = stage.until("the chain up to date", stage.audit_report)
    page.check("the hash chains of partner and customers verify", report["holds"] and report["chains"], report)
    _marks(page, stage)
    _portals(page, stage)
    _walls(page, stage)


def _marks(page: Page, stage: Stage) -> None:
    """Every mail, page, header and error the customer saw carries the partner's name where it carries one, and never ours."""
    customer = stage.people[stage.cast.contact]
    wrong = customer.request("GET", f"/v1/cases/{uuid.uuid4()}")
    page.equal("a customer's mistake is answered with a problem", wrong.headers["content-type"], "application/problem+json")
    mails = [mail for mail in stage.outside.mails(stage.cast.contact) if stage.order.number in str(mail["text"])]
    # A letter whose delivery was in doubt is sent again under its Message-ID, so that mailboxes show it once.
    letters = {dict(mail["headers"])["Message-ID"]: mail for mail in mails}
    page.equal("two letters went to the customer", len(letters), 2)
    named = [mail for mail in letters.values() if stage.cast.brand in str(mail["from"]) and stage.cast.brand in str(mail["html"])]
    page.equal("both are the partner's, sender and frame", len(named), 2)
    seen = [mail["raw"] for mail in mails] + stage.visitor.seen + customer.seen
    page.check("pages and answers were seen", len(seen) > len(mails) + 5, len(seen))
    page.equal("nothing of it carries our name", [trace for trace in TRACES if any(trace in each.lower() for each in seen)], [])


def _portals(page: Page, stage: Stage) -> None:
    """The portal as its people meet it: every kind of page a link leads to is there, in this partner's voice alone."""
    cast = stage.cast
    admin = provision.sign_in(stage.base_url, stage.outside, cast.host, cast.admin)
    walks = (("customer", stage.people[cast.contact], "/"), ("operator", stage.people[cast.operator], "/ops"), ("admin", admin, "/admin"))
    others = [
        name for other in CASTS.values() if other.partner != cast.partner for name in (other.brand, other.domain, other.customer_name)
    ]
    for who, person, start in walks:
        seen = walk(person, start)
        page.check(f"the {who}'s portal has pages to walk through", len(seen) >= FEWEST_PAGES, sorted(seen))
        page.equal(f"every page of the {who} is there", {path: a.status_code for path, a in seen.items() if a.status_code >= 400}, {})
        page.equal(
            f"every page of the {who} is in the partner's voice",
            [p for p, a in seen.items() if _is_page(a) and cast.brand not in a.text],
            [],
        )
        told = {path: f"{a.headers}\n{a.text}".lower() for path, a in seen.items()}
        marks = [(path, mark) for path, text in told.items() for mark in (*TRACES, *others) if mark.lower() in text]
        page.equal(f"no page of the {who} carries our name or another partner's", marks, [])


def _is_page(answer: httpx.Response) -> bool:
    return answer.status_code < 300 and str(answer.headers.get("content-type", "")).startswith("text/html")


def _walls(page: Page, stage: Stage) -> None:
    """The customer sees its case; its neighbour and another partner see nothing."""
    own = stage.cases(stage.people[stage.cast.contact])
    page.equal("the customer sees its case", [case["id"] for case in own], [stage.case_id])
    page.equal("another customer of the partner sees none of it", stage.cases(stage.people[stage.cast.bystander_contact]), [])
    if stage.stranger is not None:
        foreign = stage.stranger.admin.request("GET", f"/v1/cases/{stage.case_id}")
        page.equal("another partner sees none of it", foreign.status_code, 404)
