"""An installation that is told the story while parts of it die."""

from collections.abc import Iterator

import pytest

from simulator.story.book import Book
from simulator.story.play import prepare
from simulator.story.provision import Provisioned
from tests.installation import Running, running


@pytest.fixture(scope="session")
def installation() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def ready(installation: Running) -> dict[str, Provisioned]:
    return prepare(installation.setting, Book())
