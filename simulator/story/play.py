"""The telling: every step for every partner, the partners side by side, and the thirteenth when asked."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.story import provision
from simulator.story.book import Book, Page, StoryBroken
from simulator.story.cast import CASTS, Cast
from simulator.story.client import Outside
from simulator.story.stage import Stage
from simulator.story.steps import STEPS


@dataclass(frozen=True)
class Setting:
    """Where the story is played: the instance, the key of its platform operator, the simulated world, and how long to wait for things."""

    base_url: str
    platform_key: str
    outside: Outside
    partners: tuple[str, ...] = tuple(CASTS)
    patience: float = 60.0
    keyring: provision.Keyring = field(default_factory=provision.Keyring)


def prepare(setting: Setting, book: Book) -> dict[str, provision.Provisioned]:
    """Provision every partner of the setting, and sign its people in."""
    ready = {}
    for partner in setting.partners:
        cast, page = CASTS[partner], Page(book, partner, 0)
        admin, changes = provision.apply(setting.base_url, setting.platform_key, setting.outside.base_url, partner, setting.keyring)
        page.equal("its manifest is applied; again it would change nothing", changes, [])
        sources = provision.source_keys(setting.base_url, admin)
        people = {email: provision.sign_in(setting.base_url, setting.outside, cast.host, email) for email in cast.people}
        page.check("its people signed in by mail", len(people) == len(cast.people))
        ready[partner] = provision.Provisioned(admin, sources, people)
    return ready


def stage_for(setting: Setting, book: Book, ready: dict[str, provision.Provisioned], cast: Cast, *, step: int | None = None) -> Stage:
    """A fresh stage with an order of its own."""
    other = next((ready[name] for name in ready if name != cast.partner), None)
    began = max([line["seq"] for line in setting.outside.ledger(cast.partner)], default=0)
    mine = ready[cast.partner]
    return Stage(cast, book, setting.outside, setting.base_url, mine, other, began, step, setting.patience)


def tell(stage: Stage, *, before: Callable[[str], None] = lambda name: None) -> None:
    """All steps for one partner; what breaks off is written down as not held. `before` hears each step's name as it begins."""
    for step in STEPS:
        before(step.__name__)
        try:
            step(stage)
        except Exception as broken:  # whatever ends a step early is an outcome that did not hold
            reason = broken if isinstance(broken, StoryBroken) else traceback.format_exc()
            stage.page(_number(step)).check(f"“{step.__name__}” came to its end", False, reason)
            return


def side_by_side(tellings: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own and wait for all."""
    threads = [threading.Thread(target=telling) for telling in tellings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def play(setting: Setting, book: Book) -> dict[str, provision.Provisioned]:
    """Steps 1 to 12 for every partner."""
    try:
        ready = prepare(setting, book)
    except StoryBroken as broken:
        Page(book, "platform", 0).check("the stage was set", False, broken)
        return {}
    stages = [stage_for(setting, book, ready, CASTS[partner]) for partner in setting.partners]
    side_by_side([lambda stage=stage: tell(stage) for stage in stages])  # type: ignore[misc]
    return ready


def _number(step: Callable[[Stage], None]) -> int:
    """The step's number, which its docstring begins with; the stage itself is 0."""
    first = (step.__doc__ or "").split(":")[0]
    return int(first) if first.isdigit() else 0
