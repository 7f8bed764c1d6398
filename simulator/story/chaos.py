"""Step 13: the same story while the carrier is down and processes die where it hurts most."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from simulator.story import play, provision
from simulator.story.book import Book, Page
from simulator.story.cast import CASTS
from simulator.story.stage import Stage

# Died here a worker has had its answer from outside, and nobody has written it down yet.
AFTER_EFFECT = "after-effect-before-turn"
STEP = 13


def tell_again(
    setting: play.Setting, book: Book, ready: dict[str, provision.Provisioned], *, outage: float, fault_dir: Path | None
) -> None:
    """Tell it again for every partner, the carrier dead from the start, its last answer lost, and a worker killed as it acts."""
    patient = replace(setting, patience=setting.patience + outage)
    stages = [play.stage_for(patient, book, ready, CASTS[partner], step=STEP) for partner in patient.partners]
    setting.outside.break_(kind="down", system="carrier", seconds=outage)
    play.side_by_side([lambda stage=stage: play.tell(stage, before=_disturb(stage, fault_dir)) for stage in stages])  # type: ignore[misc]
    setting.outside.mend()
    for stage in stages:
        _compare(stage, fault_dir)


def _disturb(stage: Stage, fault_dir: Path | None) -> Callable[[str], None]:
    def before(step: str) -> None:
        if step != "by_link":
            return
        stage.outside.break_(kind="reset_after", partner=stage.cast.partner, operation="amend", times=1)
        if fault_dir is not None:
            (fault_dir / AFTER_EFFECT).touch()

    return before


def each_effect_once(stage: Stage) -> None:
    """What counts after faults: nothing was done twice outside, though calls may have been repeated."""
    effects = [line["key"] for line in stage.calls() if line["effect"]]
    page = Page(stage.book, stage.cast.partner, STEP)
    page.check("every effect came with a key", all(effects), effects)
    page.equal("every key had its effect once", len(effects), len(set(effects)))


def _compare(stage: Stage, fault_dir: Path | None) -> None:
    each_effect_once(stage)
    page = Page(stage.book, stage.cast.partner, STEP)
    disturbed = [line for line in stage.outside.ledger(stage.cast.partner, after=stage.began_at) if line["fault"]]
    page.check("calls were disturbed", disturbed)
    if fault_dir is not None:
        page.check("a process died at the named point", not (fault_dir / AFTER_EFFECT).exists())
