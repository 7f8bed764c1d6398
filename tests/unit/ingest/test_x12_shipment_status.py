"""The 214 decoded: elements kept apart by their code tables, times with the zone that was sent or an honest "unknown"."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.ingest.sources import edi_x12, x12_times
from tests.unit.ingest.x12_fixtures import interchange, transaction_set

pytestmark = pytest.mark.feature("M9")


def decoded(*body: str, zone: str = "UTC") -> Any:
    item = next(edi_x12.items(edi_x12.read(interchange(transaction_set("0001", *body)))))
    return edi_x12.mapping_input(item, ZoneInfo(zone))["set"]


def status(at7: str, zone: str = "UTC") -> Any:
    return decoded("B10*R*S*SCAC", "LX*1", at7, zone=zone)["shipment"]["stops"][0]["statuses"][0]


class TestShipment:
    def test_has_its_references_by_qualifier(self) -> None:
        shipment = decoded("B10*PRO-1  *SHP-1*SCAC", "L11*ORD-1*PO", "L11*ORD-2*PO", "L11**CI", "LX*1", "L11*STOP-REF*QN")["shipment"]
        assert (shipment["reference"], shipment["shipment"], shipment["scac"]) == ("PRO-1", "SHP-1", "SCAC")
        assert shipment["refs"] == {"PO": ["ORD-1", "ORD-2"]}
        assert shipment["stops"][0]["refs"] == {"QN": ["STOP-REF"]}

    def test_has_its_parties_with_their_addresses(self) -> None:
        body = ("B10*R*S*C", "N1*SF*ACME*93*A1", "N2*Plant 2", "N3*1 Road*Dock 4", "N4*Town*ON*A1A*CA", "N1*ST*Shop", "LX*1")
        parties = decoded(*body)["shipment"]["parties"]
        assert parties["SF"] == {
            "code": "SF", "name": "ACME Plant 2", "id_qualifier": "93", "id": "A1", "address": ["1 Road", "Dock 4"],
            "city": "Town", "region": "ON", "postal_code": "A1A", "country": "CA",
        }  # fmt: skip
        assert parties["ST"]["name"] == "Shop"

    def test_has_each_stop_with_statuses_place_equipment_and_weight(self) -> None:
        body = (
            "B10*R*S*C",
            "LX*1",
            "AT7*X3*NS***20261123*0900*ET",
            "MS1*AURORA*IL*US*088W*041N",
            "MS2*SCAC*30402",
            "AT8*G*L*5472*3",
            "LX*2",
            "AT7*AF*NS***20261123*1000*ET",
        )
        first, second = decoded(*body)["shipment"]["stops"]
        assert first["statuses"][0]["location"] == {
            "city": "AURORA",
            "region": "IL",
            "country": "US",
            "longitude": "088W",
            "latitude": "041N",
        }
        assert first["statuses"][0]["equipment"] == {"scac": "SCAC", "number": "30402"}
        assert first["weight"] == {"qualifier": "G", "unit": "L", "value": "5472", "pieces": "3"}
        assert second["number"] == "2"
        assert second["statuses"][0]["code"] == "AF"

    def test_keeps_a_status_that_stands_outside_a_stop(self) -> None:
        stops = decoded("B10*R*S*C", "AT7*AF*NS***20261001*1430*LT")["shipment"]["stops"]
        assert stops[0]["number"] == ""
        assert stops[0]["statuses"][0]["code"] == "AF"

    def test_keeps_status_reason_and_appointment_apart(self) -> None:
        assert status("AT7*AG*AG*AB*AM*20261123*1705*ET") == {
            "code": "AG", "reason": "AG", "appointment": "AB", "appointment_reason": "AM",
            "date": "2026-11-23", "time": "17:05:00", "zone": "ET",
            "occurred_at": "2026-11-23T17:05:00-05:00", "zone_known": True, "location": None, "equipment": None,
        }  # fmt: skip

    def test_of_other_sets_is_absent_and_their_segments_are_there(self) -> None:
        raw = interchange(transaction_set("0001", "B1*SCAC*L1**A", kind="990"))
        one = edi_x12.mapping_input(next(edi_x12.items(edi_x12.read(raw))))["set"]
        assert "shipment" not in one
        assert one["segments"][1] == ["B1", "SCAC", "L1", "", "A"]


class TestTimes:
    @pytest.mark.parametrize(
        ("code", "offset"),
        [("PT", "-07:00"), ("PS", "-08:00"), ("MT", "-06:00"), ("CS", "-06:00"), ("ET", "-04:00"), ("NT", "-02:30"), ("AT", "-08:00"),
         ("TT", "-03:00"),
         ("UT", "+00:00"), ("GM", "+00:00"), ("02", "+02:00"), ("12", "+12:00"),
         ("13", "-12:00"), ("19", "-06:00"), ("24", "-01:00")],
    )  # fmt: skip
    def test_take_the_zone_that_was_sent(self, code: str, offset: str) -> None:
        found = status(f"AT7*AF*NS***20190702*1625*{code}")
        assert found["occurred_at"] == f"2019-07-02T16:25:00{offset}"
        assert found["zone_known"] is True

    def test_know_winter_from_summer(self) -> None:
        assert status("AT7*AF*NS***20190102*1625*PT")["occurred_at"] == "2019-01-02T16:25:00-08:00"

    @pytest.mark.parametrize("code", ["LT", "", "99", "QQ"])
    def test_assume_the_sources_zone_when_none_is_known_and_say_so(self, code: str) -> None:
        found = status(f"AT7*AF*NS***20190702*1625*{code}", zone="Europe/Berlin")
        assert found["occurred_at"] == "2019-07-02T16:25:00+02:00"
        assert found["zone_known"] is False

    def test_without_a_time_of_day_begin_the_day_and_know_no_zone(self) -> None:
        found = status("AT7*AF*NS***20190702**ET")
        assert (found["occurred_at"], found["time"], found["zone_known"]) == ("2019-07-02T00:00:00-04:00", None, False)

    def test_without_a_date_are_unknown(self) -> None:
        assert status("AT7*AF*NS***20190231*1200*ET")["occurred_at"] is None

    @pytest.mark.parametrize("value", ["2460", "240000", "12", "12345", "12a4", "٢٣٤٥"])
    def test_of_day_that_do_not_exist_are_refused(self, value: str) -> None:
        assert x12_times.time_of(value) is None

    def test_of_day_know_decimal_seconds(self) -> None:
        assert str(x12_times.time_of("17053025")) == "17:05:30.250000"
        assert str(x12_times.date_of("191103")) == "2019-11-03"


class TestFindings:
    def findings(self, *body: str) -> list[str]:
        return [f["detail"] for f in decoded(*body)["findings"]]

    def test_name_the_element_that_cannot_be_used(self) -> None:
        body = ("B10*R*S*C", "LX*1", "AT7*AF*NSX***20261123*1705*ET", "AT7*AF*NS***20261323*9999*ET")
        assert self.findings(*body) == [
            "AT7-02 'NSX' is no code of two characters.",
            "AT7-05 '20261323' is no date CCYYMMDD.",
            "AT7-06 '9999' is no time HHMM.",
        ]

    def test_refuse_a_set_without_header_or_without_a_usable_status(self) -> None:
        assert self.findings("LX*1", "AT7*AF*NS***20261123*1705*ET") == ["B10 is missing: whose status is this?"]
        assert self.findings("B10*R*S*C", "LX*1", "AT7*****20261123*1705*ET")[-1] == "No AT7 of this set can be used."

    def test_accept_a_set_that_has_no_status_at_all(self) -> None:
        assert self.findings("B10*R*S*C", "L11*1*PO") == []
