"""A real Canada Post 214 (11 sets, 10 shipments) through real parser, mapping, model and the ready policy: exactly two exceptions."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.canonical.models import Milestone, Shipment
from app.ingest.sources import edi_x12
from tests.integration.policies.conftest import put_in_force
from tests.unit.policies.examples import library

ROOT = Path(__file__).parents[3]
FILE = ROOT.parent / "shared" / "data" / "x12-omniparser" / "canadapost_214_part1.edi"
MAPPING = ROOT / "simulator" / "partners" / "common" / "mappings" / "x12-214.jq"


@pytest.fixture
async def events(shell) -> list[dict]:
    if not FILE.exists():
        pytest.skip(f"the real Canada Post file is not here ({FILE.name})")
    sets = [edi_x12.mapping_input(item) for item in edi_x12.items(edi_x12.read(FILE.read_bytes()))]
    mapped = await shell.sandbox.jq_many(
        [(MAPPING.read_text(), one, {"source": "edi", "received_at": "2019-11-03T23:00:00Z", "headers": {}}) for one in sets]
    )
    return [event for found in mapped for event in found]


@pytest.mark.feature("M9", "M22", "M62")
@pytest.mark.parametrize("backwards", [False, True], ids=["as sent", "backwards"])
async def test_opens_exactly_the_failed_delivery_and_the_cancelled_return(shell, tenant, decide, events, backwards):
    await put_in_force(shell, tenant, library("carrier-status"), library("cutoff-missed"))
    decisions = await decide(*(reversed(events) if backwards else events))
    found = {(d.group_key, d.exception.reason, d.exception.responsible, d.policy) for d in decisions if d is not None}
    assert len(decisions) == 11
    assert found == {
        ("delivery.failed|shipment:4343638098050296", "consignee_other", "consignee", "carrier-status"),
        ("shipment.cancelled|shipment:4343638931638575", "returned_to_shipper", "shipper", "carrier-status"),
    }
    async with shell.read(tenant) as uow:
        rows = {row.number: row for row in (await uow.execute(select(Shipment))).scalars()}
        reports = (
            (await uow.execute(select(Milestone).where(Milestone.shipment_id == rows["4343638151403540"].id).order_by(Milestone.at)))
            .scalars()
            .all()
        )
        assert len(rows) == 10
        assert {number: row.status for number, row in rows.items() if row.status not in ("departed", "acknowledged")} == {
            "4343638098050296": "delivery_attempted", "4343638931638575": "cancelled", "4343638098146166": "delivered",
        }  # fmt: skip
        # Set 10 tells of a time before set 9: kept, and moves nothing back.
        assert rows["4343638151403540"].status == "departed"
        assert [(r.milestone, r.moved) for r in reports] == [("acknowledged", backwards), ("departed", True)]
