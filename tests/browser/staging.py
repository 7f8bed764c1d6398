"""An exception of its own for a journey: the story played up to the moment somebody sits down at a screen."""

from collections.abc import Callable

from simulator.story.cast import CASTS
from simulator.story.play import stage_for
from simulator.story.stage import Stage
from simulator.story.steps import approve, arrive, decide, hold
from tests.installation import Running
from tests.world import Telling

OPENED = (arrive.master_data, arrive.webhook, arrive.carrier_message)
HELD = (*OPENED, decide.provisionally, decide.with_answers, hold.reroute_too_early)
"""The case is open, its goods are held, and the customer is asked for the certificate."""


def staged(installation: Running, telling: Telling, partner: str, steps: tuple[Callable[[Stage], None], ...]) -> Stage:
    """A fresh exception of this partner's customer, played so far."""
    stage = stage_for(installation.setting, telling.book, telling.ready, CASTS[partner])
    for step in steps:
        step(stage)
    return stage


def offered(stage: Stage) -> None:
    """Go on until the customer has two options to choose from."""
    approve.proposal(stage)
    stage.until("the offer", lambda: [each for each in stage.admin.items("/v1/offers", case=stage.case_id) if each["status"] == "open"])


def answered_and_over(stage: Stage) -> None:
    """Wait until the case is closed."""
    stage.until("the end of the case", lambda: stage.case()["status"] == "resolved")
