"""The same story on the same installation with the carrier down for a while and a worker killed as it acts; more in tests/chaos."""

import pytest

from simulator.story import chaos
from simulator.story.book import Book
from simulator.story.play import prepare
from tests.installation import Running, broken


@pytest.mark.feature("M143")
class TestToldAgain:
    def test_ends_the_same_with_the_carrier_down_and_a_worker_killed(self, told: Book, installation: Running) -> None:
        book = Book()
        ready = prepare(installation.setting, book)
        chaos.tell_again(installation.setting, book, ready, outage=5, fault_dir=installation.faults)
        seen = "\n".join(f"{check.partner}: {check.promise}: {check.detail}" for check in broken(book))
        assert book.held, f"{seen}\n{installation.log_tail('worker')}"
