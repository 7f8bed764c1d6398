"""The twelve steps, in the order they are played; each takes the stage and writes its outcomes into its page."""

from collections.abc import Callable

from simulator.story.stage import Stage
from simulator.story.steps import account, act, answer, approve, arrive, decide, hold

STEPS: tuple[Callable[[Stage], None], ...] = (
    arrive.master_data,
    arrive.webhook,
    arrive.carrier_message,
    arrive.duplicates_and_forgeries,
    decide.provisionally,
    decide.with_answers,
    hold.reroute_too_early,
    hold.certificate,
    approve.proposal,
    answer.by_link,
    act.amended_everywhere,
    act.closed_after_another_look,
    account.counts_chain_and_marks,
)
