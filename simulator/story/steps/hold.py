"""Steps 6 and 7: regulated goods stay where they are until their certificate is verified."""

from typing import Any

from simulator.story.client import is_taken
from simulator.story.links import links
from simulator.story.stage import Stage


def reroute_too_early(stage: Stage) -> None:
    """6: the workflow tries to reroute, then an operator by hand; both are refused and nothing reaches the carrier."""
    page = stage.page(6)
    stage.until("the workflow's refused reroute", lambda: len(_denials(stage)) >= 1)
    page.check("the workflow's reroute was refused and recorded", _denials(stage)[0]["by"].startswith("run:"), _denials(stage))
    params = {"shipment": stage.order.shipment, "option_id": "ROAD-STD", "amount_minor": 0, "currency": "EUR"}
    body = {"case_id": stage.case_id, "params": params}
    answer = stage.people[stage.cast.operator].request("POST", "/v1/capabilities/carrier.amend/invoke", json=body)
    page.equal("an operator's reroute by hand is refused with 403", answer.status_code, 403)
    page.check("the refusal names the certificate", "certificate" in answer.text, answer.text)
    stage.until("the second refusal on the timeline", lambda: len(_denials(stage)) >= 2)
    page.equal("access.denied was recorded twice", len(_denials(stage)), 2)
    page.equal("the carrier's ledger has no effect", stage.effects("carrier", "amend"), [])


def certificate(stage: Stage) -> None:
    """7: the customer uploads a certificate of another order, then the right one."""
    page = stage.page(7)
    mail = stage.mail(stage.cast.contact)
    stage.document_link = next(link for link in links(mail["text"]) if "/l/" in link)
    wrong = stage.upload(stage.document_link, "certificate-wrong.json")
    page.check("the wrong certificate is refused", wrong.status_code in (400, 422), wrong.status_code)
    page.check("the refusal names the field", "order" in wrong.text.lower(), wrong.text)
    page.equal("and the reroute is still held", stage.effects("carrier", "amend"), [])
    right = stage.upload(stage.document_link, "certificate.json")
    page.need("the right certificate is taken", is_taken(right), right.text)
    stage.until("the verified certificate", lambda: [d for d in stage.documents() if d["status"] == "verified"])
    page.check("it is verified", True)


def _denials(stage: Stage) -> list[dict[str, Any]]:
    return [entry for entry in stage.timeline() if entry["type"] == "access.denied"]
