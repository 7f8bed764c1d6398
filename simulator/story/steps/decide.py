"""Steps 4 and 5: what the policy makes of it, alone and with what the other systems know."""

from simulator.story.stage import Stage

QUESTIONS = {"crm": "customer_tier", "erp": "inventory_alternatives", "carrier": "expedite_options"}


def provisionally(stage: Stage) -> None:
    """4: the first decision knows that it doesn't know the tier."""
    page = stage.page(4)
    first = stage.decisions()[0]
    page.check("the first priority is provisional", first["priority"]["provisional"], first["priority"])
    page.check("the customer's tier is listed as missing", "customer.tier" in first["missing"], first["missing"])
    page.equal("money at risk is the order's value", first["money_at_risk"]["minor"], stage.order.value_minor)
    stage.facts["first_score"] = first["priority"]["score"]


def with_answers(stage: Stage) -> None:
    """5: CRM, ERP and carrier are asked at once, and the policy decides again."""
    page = stage.page(5)
    again = stage.until("the policy to decide again", lambda: [each for each in stage.decisions() if each.get("earlier")])[-1]
    for system, operation in QUESTIONS.items():
        answered = [line for line in stage.calls(system=system, operation=operation) if line["status"] == 200 and not line["fault"]]
        # A question changes nothing, so a process that dies before it wrote the answer down may ask again.
        page.check(f"{system} was asked once", len(answered) == 1 or (stage.is_disturbed and answered), len(answered))
    page.check("the second priority is final", not again["priority"]["provisional"], again["priority"])
    page.check("it rose with the tier", again["priority"]["score"] > stage.facts["first_score"], again["priority"])
    tier = next((known for known in again["inputs"] if known["name"] == "customer.tier"), None)
    page.check("the tier stands there with value and source", tier and tier["value"] and tier["source"].startswith("call:"), tier)
    page.equal("the case shows the final priority", stage.case()["priority"]["provisional"], False)
