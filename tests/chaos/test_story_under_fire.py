"""The story ends the same with the carrier dead and processes killed: nothing acknowledged is lost, every effect happens once."""

import threading
import time
from collections.abc import Callable

import pytest

from simulator.story import chaos
from simulator.story.book import Book
from simulator.story.cast import CASTS
from simulator.story.play import stage_for, tell
from simulator.story.provision import Provisioned
from simulator.story.steps import STEPS, answer
from tests.installation import Running, broken

pytestmark = pytest.mark.feature("M143")

POINTS = (
    "after-accept-before-answer",
    "after-commit-before-answer",
    "before-settle-commit",
    "after-effect-before-turn",
    "call-sent",
    "notice-before-data",
    "notice-after-data",
)


def told(installation: Running, ready: dict[str, Provisioned], before: Callable[[str], None] = lambda step: None) -> Book:
    """The story of one partner, and afterwards its keys against the ledger."""
    book = Book()
    stage = stage_for(installation.setting, book, ready, CASTS["northwind"], step=chaos.STEP)
    tell(stage, before=before)
    chaos.each_effect_once(stage)
    return book


def held(book: Book, installation: Running) -> None:
    """Fail with what did not hold and the ends of the logs."""
    seen = "\n".join(f"{check.partner}: {check.promise}: {check.detail}" for check in broken(book))
    assert book.held, f"{seen}\n{installation.log_tail('worker')}\n{installation.log_tail('api')}"


class TestStoryUnderFire:
    def test_ends_the_same_with_the_carrier_down_and_a_worker_killed(self, installation: Running, ready: dict[str, Provisioned]) -> None:
        book = Book()
        chaos.tell_again(installation.setting, book, ready, outage=10, fault_dir=installation.faults)
        held(book, installation)

    @pytest.mark.parametrize("point", POINTS)
    def test_ends_the_same_with_a_process_killed_at_a_named_point(
        self, installation: Running, ready: dict[str, Provisioned], point: str
    ) -> None:
        armed = installation.faults / point
        armed.touch()
        book = told(installation, ready)
        assert not armed.exists(), f"nothing passed {point}"
        held(book, installation)

    @pytest.mark.parametrize("name", ["worker", "api", "postgres", "valkey"])
    def test_ends_the_same_with_a_process_killed_again_and_again(
        self, installation: Running, ready: dict[str, Provisioned], name: str
    ) -> None:
        over = threading.Event()

        def keep_killing() -> None:
            while not over.wait(4):
                installation.kill(name)

        killer = threading.Thread(target=keep_killing)
        killer.start()
        try:
            book = told(installation, ready)
        finally:
            over.set()
            killer.join()
        held(book, installation)

    def test_ends_the_same_with_the_doorbell_flushed_again_and_again(self, installation: Running, ready: dict[str, Provisioned]) -> None:
        import redis

        client, over = redis.Redis.from_url(installation.installation.valkey.url), threading.Event()

        def keep_flushing() -> None:
            while not over.is_set():
                client.flushall()
                time.sleep(0.3)

        flusher = threading.Thread(target=keep_flushing)
        flusher.start()
        try:
            book = told(installation, ready)
        finally:
            over.set()
            flusher.join()
        held(book, installation)


class TestLies:
    def test_a_carrier_that_lies_leaves_the_case_open_for_people(self, installation: Running, ready: dict[str, Provisioned]) -> None:
        book = Book()
        stage = stage_for(installation.setting, book, ready, CASTS["harborline"], step=chaos.STEP)
        for step in STEPS[: STEPS.index(answer.by_link)]:
            step(stage)
        stage.outside.break_(kind="lie", partner="harborline", operation="amend", times=1)
        answer.by_link(stage)
        stage.until("somebody to be called", lambda: [line for line in stage.timeline() if line["type"] == "case.escalated"])
        assert stage.case()["status"] != "resolved"
        assert stage.effects("carrier", "amend") == []
