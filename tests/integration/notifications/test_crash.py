"""A worker process killed with -9 around the handing over of a letter: nothing lost, and a copy can be told from a second letter."""

import asyncio
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.ids import new_id
from app.notifications.schemas import LinkSpec
from tests.integration.notifications.conftest import World
from tests.services import Database

pytestmark = pytest.mark.feature("M63")
WORKER = """
import asyncio, sys
from uuid import UUID
from app.core.settings import Settings
from app.main.assembly import build_shell
from worker.serve import serve

async def main():
    shell = await build_shell(Settings.load())
    await serve(shell, UUID(sys.argv[1]))
    await shell.extras["close"]()

asyncio.run(main())
"""


async def work(world: World, database: Database, faults: Path) -> int:
    """One round of a real worker process; returns how it ended."""
    environment = database.environment(DETOUR_SMTP_URL=world.shell.settings.smtp_url, DETOUR_FAULT_DIR=str(faults))
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(world.tenant), env={**environment, "PYTHONPATH": str(root)}, cwd=faults
    )
    return await asyncio.wait_for(process.wait(), 60)


class TestKilledWorker:
    @pytest.mark.parametrize(("point", "letters"), [("notice-before-data", 1), ("notice-after-data", 2)])
    async def test_leaves_a_letter_that_arrives_under_one_identity(
        self, world: World, database: Database, tmp_path: Path, point: str, letters: int
    ) -> None:
        (queued,) = await world.send(links=[LinkSpec("offer", "offer", new_id(), datetime.now(UTC) + timedelta(hours=4))])
        (tmp_path / point).touch()
        assert await work(world, database, tmp_path) == -signal.SIGKILL
        assert (await world.notice(queued.id)).status == "sending"
        await world.again_now()
        notice = await world.notice(queued.id)
        assert notice.status == "delivered" and notice.tries[0]["outcome"] == "unknown"
        assert len(world.mailbox.letters) == letters
        assert {mail["Message-ID"] for mail in world.mailbox.mails()} == {notice.message_id}
