"""One effect a key, every call on record, and the record survives."""

import sqlite3
from pathlib import Path

import pytest

from tests.unit.simulator.world import World


@pytest.mark.feature("M143")
class TestLedger:
    def test_a_repeated_key_gets_the_first_answer_and_no_second_effect(self, world: World) -> None:
        first, second = (world.amend(f"twice-{world.order}") for _ in range(2))
        assert (second.status_code, second.json()) == (first.status_code, first.json())
        assert second.headers["idempotent-replayed"] == "true"
        lines = world.ledger(key=f"twice-{world.order}")
        assert [(line["effect"], line["repeated"]) for line in lines] == [(True, False), (False, True)]

    def test_a_key_with_another_body_is_refused(self, world: World) -> None:
        world.amend(f"body-{world.order}")
        assert world.amend(f"body-{world.order}", option="AIR-NFO").status_code == 422

    def test_a_refused_call_leaves_its_key_free(self, world: World) -> None:
        assert world.amend(f"free-{world.order}", option="TELEPORT").status_code == 422
        assert world.amend(f"free-{world.order}").status_code == 201

    def test_what_became_of_a_key_can_be_asked(self, world: World) -> None:
        headers = world.carrier()
        assert world.client.get(f"/northwind/carrier/v2/requests/ask-{world.order}", headers=headers).status_code == 404
        done = world.amend(f"ask-{world.order}")
        found = world.client.get(f"/northwind/carrier/v2/requests/ask-{world.order}", headers=headers).json()
        assert found == {"status": "done", "result": done.json()}

    def test_it_never_keeps_a_token(self, world: World) -> None:
        token = world.token().json()["access_token"]
        assert token not in str(world.ledger(system="carrier"))

    def test_a_line_is_on_disk_when_its_answer_is_out(self, world: World, addresses: dict[str, str]) -> None:
        world.amend(f"disk-{world.order}")
        with sqlite3.connect(Path(addresses["data"]) / "world.sqlite") as other:
            (effects,) = other.execute("select count(*) from call where key = ? and effect = 1", (f"disk-{world.order}",)).fetchone()
        assert effects == 1
