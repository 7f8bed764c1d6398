"""One telling of the main story for two partners, on real processes; the tests read its book."""

from collections.abc import Iterator

import pytest

from simulator.story.book import Book
from simulator.story.play import play
from tests.installation import Running, running


@pytest.fixture(scope="session")
def installation() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def told(installation: Running) -> Book:
    book = Book()
    play(installation.setting, book)
    return book
