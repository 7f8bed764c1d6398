"""Steps 1 to 3: what comes in, what it becomes, and what changes nothing."""

import httpx

from simulator.story.book import Page
from simulator.story.client import was_repeated
from simulator.story.stage import Stage

FORGED = "whsec_Zm9yZ2VkLWZvcmdlZC1mb3JnZWQ="


def master_data(stage: Stage) -> None:
    """The order and its shipment, as the ERP told them hours ago; the outside world knows both too."""
    page = stage.page(0)
    order = stage.order
    stage.outside.add_order(
        partner=stage.cast.partner,
        customer=stage.cast.customer,
        order=order.number,
        shipment=order.shipment,
        sku=order.sku,
        promised_at=order.deliver_by.isoformat(),
    )
    for name in ("order-recorded.json", "shipment-recorded.json"):
        answer = stage.event(name)
        page.need(f"{name.removesuffix('.json')} accepted", _is_accepted(answer), answer.text)
        stage.settled(answer.json())


def webhook(stage: Stage) -> None:
    """1: the warehouse's signed webhook."""
    page = stage.page(1)
    answer = stage.webhook(f"msg_{stage.order.number}")
    page.need("a signed webhook is accepted with 202", _is_accepted(answer), answer.text)
    receipt = answer.json()
    page.check("the answer is a receipt with an id and where to ask for it", _is_receipt(receipt), receipt)
    signal = stage.settled(receipt)
    page.equal("it became one signal that was mapped", signal["status"], "mapped")
    cases = stage.until("a case for the order", lambda: stage.cases(stage.admin))
    page.equal("it opened one case", len(cases), 1)
    stage.case_id = cases[0]["id"]
    page.equal("of type cutoff.missed", cases[0]["type"], "cutoff.missed")


def carrier_message(stage: Stage) -> None:
    """2: the carrier's X12 214 says the same in other words."""
    page = stage.page(2)
    answer = stage.edi()
    page.need("the 214 is accepted with 202", _is_accepted(answer), answer.text)
    page.check("it is acknowledged by a 997 that accepts it", _accepted_by_997(answer.text), answer.text)
    stage.until("the second signal on the case", lambda: stage.case().get("signals", 0) >= 2)
    page.equal("still one case, now with two signals", (len(stage.cases(stage.admin)), stage.case()["signals"]), (1, 2))
    key = stage.case()["group_key"]
    page.check("grouped by order and promise", stage.order.number in key and "promise" in key, key)
    page.equal("order and shipment are its subjects", sorted(stage.case()["subjects"]), ["order", "shipment"])


def duplicates_and_forgeries(stage: Stage) -> None:
    """3: both again, a forged signature, and another tenant's."""
    page = stage.page(3)
    before = _picture(stage)
    again = stage.webhook(f"msg_{stage.order.number}")
    page.check("the webhook again is named a duplicate", again.status_code == 200 and again.json()["duplicate"], again.text)
    again = stage.edi()
    page.check("the 214 again is named a duplicate", again.status_code == 200 and again.json()["receipt"]["duplicate"], again.text)
    _refused(page, stage, "a forged signature is refused", FORGED)
    if stage.stranger is not None:
        stranger = stage.webhook(f"msg_{stage.order.number}_stranger", by=stage.stranger)
        page.equal("another tenant's, signed with our secret, is refused", stranger.status_code, 401)
    page.equal("nothing changed", _picture(stage), before)


def _refused(page: Page, stage: Stage, promise: str, secret: str) -> None:
    answer = stage.webhook(f"msg_{stage.order.number}_forged", secret=secret)
    page.equal(promise, answer.status_code, 401)


def _picture(stage: Stage) -> tuple[int, int, int]:
    case = stage.case()
    return len(stage.cases(stage.admin)), case["signals"], len(stage.admin.items("/v1/signals"))


def _is_accepted(answer: httpx.Response) -> bool:
    """202; or 200 for a message that is sent again because the first answer was lost."""
    return answer.status_code == 202 or (was_repeated(answer) and answer.status_code == 200)


def _is_receipt(answer: object) -> bool:
    return isinstance(answer, dict) and bool(answer.get("id")) and any("/v1/signals" in str(value) for value in answer.values())


def _accepted_by_997(text: str) -> bool:
    return "997" in text and "AK9*A" in text
