"""Step 9: the customer is asked by mail and answers with one click."""

from simulator.story.client import is_taken
from simulator.story.links import Form, links
from simulator.story.stage import Stage


def by_link(stage: Stage) -> None:
    """9: a branded mail with two options; looking changes nothing, answering works once."""
    page = stage.page(9)
    mail = stage.mail(stage.cast.contact, stage.cast.subject)
    page.check("the mail comes in the partner's name", stage.cast.brand in str(mail["from"]), mail["from"])
    link = next(found for found in links(mail["text"]) if "/l/" in found)
    shown = stage.visitor.get(link)
    page.equal("the link shows a page", shown.status_code, 200)
    form = Form(shown.text)
    page.equal("with two options", len(set(form.choices.get("option", []))), 2)
    page.check("in the partner's brand", stage.cast.brand in shown.text, shown.text[:500])
    offer = stage.offer()
    page.equal("a scanner's look at it changed nothing", offer["status"], "open")
    answered = stage.visitor.post(link, data={**form.hidden, "option": stage.approved_option})
    page.need("the customer's answer is taken", is_taken(answered), answered.text)
    page.equal(
        "there is one answer, the chosen one", (stage.offer()["status"], stage.offer()["option"]), ("answered", stage.approved_option)
    )
    second = stage.visitor.post(link, data={**form.hidden, "option": "ROAD-STD"})
    page.check("a second use is refused", second.status_code in (409, 410), second.status_code)
    page.equal("and changes nothing", stage.offer()["option"], stage.approved_option)
