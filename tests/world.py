"""One telling of the main story for two partners, on real processes: who plays, what was written down, whose rows came of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import pytest

from simulator.story.book import Book
from simulator.story.play import play
from simulator.story.provision import Provisioned
from tests.installation import Running, running

if TYPE_CHECKING:
    from tests.nouns import Rows


@dataclass(frozen=True)
class Telling:
    """The story as it was told: its book, and each partner's people and keys."""

    book: Book
    ready: dict[str, Provisioned]


@pytest.fixture(scope="session")
def installation() -> Iterator[Running]:
    """An installation of this worker's own."""
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def telling(installation: Running) -> Telling:
    """The story, told once."""
    book = Book()
    return Telling(book, play(installation.setting, book))


@pytest.fixture(scope="session")
def told(telling: Telling) -> Book:
    """What was written down."""
    return telling.book


@pytest.fixture(scope="session")
def rows(telling: Telling, installation: Running) -> "Rows":
    """Rows of every noun."""
    del telling
    return asyncio.run(_rows(installation))


async def _rows(installation: Running) -> "Rows":
    from app.core.clock import SystemClock
    from app.core.settings import Settings
    from app.main.assembly import build_shell
    from tests import nouns

    shell = await build_shell(Settings.load(installation.installation.environment()), SystemClock())
    superuser = await asyncpg.connect(installation.installation.postgres.url("postgres"))
    try:
        return await nouns.furnish(shell, superuser)
    finally:
        await superuser.close()
        await shell.extras["close"]()
