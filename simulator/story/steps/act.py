"""Steps 10 and 11: what was decided happens once everywhere, and the case ends when the warehouse shows it."""

from simulator.story.stage import Stage

EFFECTS = {"carrier": "amend", "erp": "amend_order", "desk": "open_case", "crm": "add_note"}


def amended_everywhere(stage: Stage) -> None:
    """10: carrier, ERP, service desk and CRM each hear of it once, under a key."""
    page = stage.page(10)
    for system, operation in EFFECTS.items():
        stage.until(f"{operation} at {system}", lambda system=system, operation=operation: stage.effects(system, operation))
    for system, operation in EFFECTS.items():
        done = stage.effects(system, operation)
        page.equal(f"{system} shows {operation} once", len(done), 1)
        page.check(f"{system} got it with a key of its own", done and done[0]["key"], done)
    keys = [line["key"] for system, operation in EFFECTS.items() for line in stage.effects(system, operation)]
    page.equal("no two effects share a key", len(set(keys)), len(keys))


def closed_after_another_look(stage: Stage) -> None:
    """11: the warehouse is asked again, and the case ends with outcome and cause."""
    page = stage.page(11)
    stage.until("the case's end", lambda: stage.case()["status"] == "resolved")
    case = stage.case()
    looked = [
        line
        for line in stage.outside.ledger(stage.cast.partner, system="wms", operation="order_status")
        if stage.order.number in line["path"]
    ]
    page.check("the source was looked at again", looked and looked[-1]["answer"].get("state") == "REROUTED", looked)
    page.check("the case holds outcome and cause", case.get("outcome") and case.get("cause"), case)
    page.check("and the call that proves it", case.get("evidence_call_id"), case)
    page.check("its clocks stopped", all(clock["state"] in ("met", "breached") for clock in case["clocks"]), case["clocks"])
