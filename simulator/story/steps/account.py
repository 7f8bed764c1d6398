"""Step 12: what is counted equals what happened outside, the record verifies, and our name is nowhere."""

import contextlib

from simulator.story.book import StoryBroken
from simulator.story.stage import Stage

TRACES = ("detour", "litestar", "uvicorn")


def counts_chain_and_marks(stage: Stage) -> None:
    """12: usage against the ledger, the hash chain, and every page, mail and header a customer saw."""
    page = stage.page(12)
    with contextlib.suppress(StoryBroken):
        stage.until("usage equal to the ledger", lambda: stage.metered_effects() == stage.effects_in_ledger())
    page.equal("metered effects equal the ledger", stage.metered_effects(), stage.effects_in_ledger())
    report = stage.until("the chain up to date", stage.audit_report)
    page.check("the hash chains of partner and customers verify", report["holds"] and report["chains"], report)
    seen = [mail["raw"] for mail in stage.outside.mails(stage.cast.contact) if stage.order.number in str(mail["text"])]
    page.check("mails were seen", len(seen) >= 2, len(seen))
    page.equal("no mail carries our name", [trace for trace in TRACES if any(trace in mail.lower() for mail in seen)], [])
    page.equal("no page, header or error a customer saw does", stage.traces(TRACES), [])
    others = [api for email, api in stage.people.items() if email == stage.cast.bystander_contact]
    page.equal("another customer of the partner sees none of it", [stage.cases(api) for api in others], [[]])
    if stage.stranger is not None:
        foreign = stage.stranger.admin.request("GET", f"/v1/cases/{stage.case_id}")
        page.equal("another partner sees none of it", foreign.status_code, 404)
