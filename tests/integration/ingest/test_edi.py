"""X12 over HTTP: stored byte for byte, answered by a 997, eleven sets settled one by one, repeated scans named."""

import pytest

from app.canonical.models import Shipment
from app.ingest.models import Signal, SignalKey
from app.ingest.sources import edi_x12
from tests.integration.ingest.desk import Desk
from tests.unit.ingest import shared_data
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M9")


def scan(number: str, shipment: str = "SHP-1", *, code: str = "AF", at: str = "1705", sender: str = "ACME-01") -> str:
    return transaction_set(
        number, f"B10*R*{shipment}*SCAC", f"N1*SF*{sender}", "LX*1", f"AT7*{code}*NS***20261123*{at}*ET", "MS1*TOWN*ON*CA"
    )


class TestDocument:
    async def test_is_acknowledged_set_by_set(self, desk: Desk) -> None:
        answer = await desk.edi(interchange(scan("0001"), scan("0002", "SHP-2")))
        body = answer.json()
        assert (answer.status_code, body["sets"], body["findings"]) == (202, 2, [])
        assert "AK9*A*2*2*2~" in body["acknowledgment"]
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["items"], receipt["events"]) == ("mapped", 2, 2)

    async def test_is_answered_in_x12_where_that_is_accepted(self, desk: Desk) -> None:
        raw = interchange(scan("0001"))
        answer, again = await desk.edi(raw, accept="application/edi-x12"), await desk.edi(raw, accept="application/edi-x12")
        assert answer.headers["content-type"] == "application/edi-x12"
        assert answer.headers["location"].startswith("/v1/signals/")
        assert (answer.status_code, again.status_code) == (202, 200)
        assert again.content == answer.content

    async def test_with_one_bad_set_parks_that_set_and_settles_the_others(self, desk: Desk) -> None:
        bad = transaction_set("0002", "B10*R*SHP-2*SCAC", "N1*SF*ACME-01", "LX*1", "AT7*AF*NS***20261323*1705*ET")
        answer = await desk.edi(interchange(scan("0001"), bad, scan("0003", "SHP-3")))
        assert "AK3*AT7*5*LX*8~" in answer.json()["acknowledgment"]
        assert "AK9*P*3*3*2~" in answer.json()["acknowledgment"]
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["events"], receipt["parked"]) == ("parked", 2, 1)
        assert (receipt["problems"][0]["label"], receipt["problems"][0]["reason"]) == ("214 0002", "unreadable")

    async def test_that_cannot_be_read_is_refused_by_name_and_kept(self, desk: Desk) -> None:
        answer = await desk.edi(b"SA*00*broken")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-an-interchange")
        await desk.settle()
        kept = (await desk.get(f"/v1/signals/{answer.json()['receipt']}")).json()
        assert (kept["status"], kept["problems"][0]["reason"]) == ("parked", "unreadable")

    @pytest.mark.parametrize("raw", [b"", b"  \n"])
    async def test_that_is_empty_is_refused(self, desk: Desk, raw: bytes) -> None:
        assert (await desk.edi(raw)).status_code == 422
        assert await desk.count(Signal) == 0

    async def test_over_its_limits_is_refused_and_not_stored(self, desk: Desk) -> None:
        many = interchange(scan("0001")) + b"X*1~" * 50_000
        large = interchange(scan("0001")) + b" " * (16 * 1024 * 1024)
        assert [(await desk.edi(raw)).status_code for raw in (many, large)] == [413, 413]
        assert await desk.count(Signal) == 0


class TestRepeatedContent:
    @pytest.mark.feature("M62")
    async def test_in_the_same_document_is_the_same_signal(self, desk: Desk) -> None:
        raw = interchange(scan("0001"))
        first, second = await desk.edi(raw), await desk.edi(raw)
        assert second.json()["receipt"] == {**first.json()["receipt"], "duplicate": True}

    @pytest.mark.feature("M62")
    async def test_under_new_control_numbers_has_no_second_effect_and_is_named(self, desk: Desk) -> None:
        first = await desk.edi(interchange(scan("0001")))
        again = await desk.edi(interchange(scan("0777"), control="000000099", iea="000000099"))
        assert again.status_code == 202
        receipt = await desk.receipt(again)
        assert (receipt["events"], receipt["duplicates"]) == (0, 1)
        (said,) = [e for e in await desk.events("signal.mapped") if e.data["duplicates"]]
        assert said.data["duplicates"][0]["signal_id"] == first.json()["receipt"]["id"]
        assert len(await desk.events("shipment.milestone_recorded")) == 1

    async def test_twice_in_one_document_counts_once(self, desk: Desk) -> None:
        receipt = await desk.receipt(await desk.edi(interchange(scan("0001"), scan("0002"))))
        assert (receipt["items"], receipt["events"], receipt["duplicates"]) == (2, 1, 1)


class TestCanadaPost:
    @pytest.mark.feature("M1", "M62")
    async def test_tells_eleven_scans_of_ten_parcels_and_the_late_one_moves_nothing_back(self, desk: Desk) -> None:
        raw = (shared_data.folder("x12-omniparser") / "canadapost_214_part1.edi").read_bytes()
        answer = await desk.edi(raw)
        assert answer.status_code == 202
        receipt = await desk.receipt(answer)
        assert (receipt["status"], receipt["items"], receipt["events"]) == ("mapped", 11, 11)
        assert receipt["customer_id"] == str(desk.customers["boreal"])
        assert await desk.count(Shipment) == 10
        said = await desk.events("shipment.milestone_recorded")
        late = [e for e in said if e.data["refs"]["shipment"] == "4343638151403540"]
        assert sorted((e.data["data"]["status_code"], e.data["moved"]) for e in late)[-1] == ("XB", False)
        again = await desk.edi(raw)
        await desk.settle()
        assert again.json()["receipt"]["duplicate"] is True
        assert len(await desk.events("shipment.milestone_recorded")) == 11

    async def test_and_every_other_real_document_is_settled_or_parked_with_a_reason(self, desk: Desk) -> None:
        paths = shared_data.x12_files()
        if not paths:
            pytest.skip("real payloads are not here")
        answers = [(path, await desk.edi(path.read_bytes())) for path in paths]
        await desk.settle()
        for path, answer in answers:
            assert answer.status_code in (200, 202) or path.name == "CorruptIsa.txt", (path.name, answer.text)
        listed = (await desk.get("/v1/signals?limit=200")).json()["items"]
        assert {s["status"] for s in listed} <= {"mapped", "parked"}
        assert await desk.count(SignalKey) >= len(
            {a.json()["receipt"]["id"] for _, a in answers if "receipt" in a.json() and a.status_code < 400}
        )
        assert edi_x12.MEDIA_TYPE == "application/edi-x12"
