"""Step 8: the dearest option is above the boundary, so two people are needed."""

from simulator.story.stage import Stage


def proposal(stage: Stage) -> None:
    """8: an approver proposes, may not approve it, and a second one does."""
    page = stage.page(8)
    option = max(stage.options(), key=lambda each: each["cost_minor"])
    params = {
        "shipment": stage.order.shipment,
        "option_id": option["id"],
        "amount_minor": option["cost_minor"],
        "currency": option["currency"],
    }
    proposer, second = stage.people[stage.cast.approver], stage.people[stage.cast.second_approver]
    made = proposer.post(
        f"/v1/cases/{stage.case_id}/propose", {"capability": "carrier.amend", "params": params, "note": "Vaccines can't wait."}
    )
    page.need("the dearest option needs an approval", made["approvals"], made)
    approval = made["approvals"][0]
    refused = proposer.request("POST", f"/v1/approvals/{approval}/decide", json={"outcome": "approved"})
    page.equal("the proposer, though an approver, gets 403", refused.status_code, 403)
    done = second.post(f"/v1/approvals/{approval}/decide", {"outcome": "approved", "note": "Agreed."})
    page.equal("a second approver approves", done["status"], "approved")
    page.check("who proposed and who approved are two people", done["requested_by"] != done["decided_by"], done)
    stage.approved_option = option["id"]
