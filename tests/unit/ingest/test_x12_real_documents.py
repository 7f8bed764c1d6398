"""Every real X12 document beside the project is read: what is broken in it is named, and the 997 we answer is flawless."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from app.ingest.sources import edi_x12
from app.ingest.sources.x12_acknowledgment import acknowledge
from app.ingest.sources.x12_envelope import Interchange
from app.ingest.sources.x12_syntax import NotAnInterchange
from tests.unit.ingest import shared_data

pytestmark = pytest.mark.feature("M9")
NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)

# What a person sees when counting by hand in these files.
FAULTS = {
    "204-MGCTLYST-SAMPLE.EDI": ["SE01 says 41, actual 38"],
    "ups_210.edi": ["SE01 says 46, actual 48"],
    "x12.Issue172.edi": ["SE01 says 50, actual 10"],
    "ORD__860_Example1.txt": ["SE01 says 10, actual 9"],
    "gofreight_315_two_tx.edi": ["ST02 0001 appears again."],
}


READABLE = [p for p in shared_data.x12_files() if p.name != "CorruptIsa.txt"]


@pytest.mark.parametrize("path", READABLE or [None], ids=lambda p: p.name if p else "absent")
class TestRealDocument:
    def test_is_read_into_sets_that_a_mapping_can_take(self, path: Path | None) -> None:
        documents = self.read(path)
        for item in edi_x12.items(documents):
            given = edi_x12.mapping_input(item)
            assert given["set"]["segments"][0][0] == "ST"
            assert orjson.loads(orjson.dumps(given)) == given

    def test_has_the_faults_that_a_person_counts(self, path: Path | None) -> None:
        found = [f.detail for item in edi_x12.items(self.read(path)) for f in item.findings if item.set.id != "214"]
        assert path is not None and sorted(set(found)) == FAULTS.get(path.name, [])

    def test_is_answered_by_a_flawless_997(self, path: Path | None) -> None:
        documents = self.read(path)
        written = acknowledge(documents, control=1, now=NOW)
        assert bool(written) == any(g.id != "FA" for i in documents for g in i.groups)
        for back in edi_x12.read(written) if written else []:
            assert [*back.findings, *back.groups[0].findings, *(f for s in back.groups[0].sets for f in s.findings)] == []

    def read(self, path: Path | None) -> list[Interchange]:
        if path is None:
            pytest.skip("real payloads are not here")
        return edi_x12.read(path.read_bytes())


class TestCorruptIsa:
    def test_is_refused_as_no_interchange(self) -> None:
        with pytest.raises(NotAnInterchange, match="it begins with 'SA"):
            edi_x12.read((shared_data.folder("x12-edifabric") / "CorruptIsa.txt").read_bytes())


class TestCanadaPost:
    def test_tells_eleven_scans_of_ten_parcels_with_their_zones(self) -> None:
        raw = (shared_data.folder("x12-omniparser") / "canadapost_214_part1.edi").read_bytes()
        shipments = [edi_x12.mapping_input(item)["set"]["shipment"] for item in edi_x12.items(edi_x12.read(raw))]
        scans = {(s["shipment"], one["code"], one["reason"], one["occurred_at"]) for s in shipments for one in s["stops"][0]["statuses"]}
        assert len(scans) == 11
        assert len({s["shipment"] for s in shipments}) == 10
        assert {s["parties"]["SF"]["name"] for s in shipments} == {"00602679321"}
        assert ("4343638098050296", "AH", "AG", "2019-11-02T16:25:00-07:00") in scans
        assert ("4343638931638575", "CA", "BT", "2019-11-02T17:52:00-07:00") in scans
        assert [one["zone_known"] for one in shipments[0]["stops"][0]["statuses"]] == [False]
