"""Files nobody here wrote, through the front door."""

from pathlib import Path

import pytest

from simulator import feed
from simulator.story.book import Book
from simulator.story.provision import apply, source_keys
from tests.installation import Running

CANADA_POST = Path(__file__).parents[2].parent / "shared/data/x12-omniparser/canadapost_214_part1.edi"


@pytest.mark.feature("M9", "M22")
@pytest.mark.skipif(not CANADA_POST.exists(), reason="the shared payloads are not here")
class TestCanadaPost:
    def test_becomes_exactly_two_cases_for_the_customer_its_shipper_number_names(self, told: Book, installation: Running) -> None:
        setting = installation.setting
        api, _ = apply(setting.base_url, setting.platform_key, setting.outside.base_url, "northwind", setting.keyring)
        before = feed.ids(feed.present(api))
        (signal,) = feed.feed(api, source_keys(setting.base_url, api), CANADA_POST)
        assert (signal["status"], signal["items"], signal["parked"]) == ("mapped", 11, 0)
        found = feed.fresh(api, before)
        assert sorted((case["type"], _number(case["title"])) for case in found["cases"]) == [
            ("delivery.failed", "4343638098050296"),
            ("shipment.cancelled", "4343638931638575"),
        ]
        assert {case["customer_id"] for case in found["cases"]} == {_customer(api, "boreal-foods")}
        shipments = {shipment["number"]: shipment for shipment in found["shipments"]}
        assert len(shipments) == 10
        assert shipments["4343638098146166"]["status"] == "delivered"
        late = feed.milestones(api, shipments["4343638151403540"])
        assert [(line["status_code"], line["moved"]) for line in late] == [("XB", False), ("AF", True)]
        assert shipments["4343638151403540"]["status"] == late[1]["milestone"], "a scan that came late moves nothing back"


def _number(title: str) -> str:
    return next(word for word in title.split() if word.isdigit())


def _customer(api: object, slug: str) -> str:
    return next(customer["id"] for customer in api.items("/v1/customers") if customer["slug"] == slug)  # type: ignore[attr-defined]
