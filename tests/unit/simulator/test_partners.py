"""What the demo partners wrote: their mappings, policies, workflow and templates read the way the product reads them."""

import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jq
import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from app.core.parsing import parse_yaml
from app.ingest.sources import edi_x12
from app.notifications.schemas import TemplateContent
from app.policies import document
from app.workflows.dsl import read_definition
from simulator import manifests, payloads
from simulator.signing import sign

PARTNERS = resources.files("simulator") / "partners"
ORDER = payloads.Order("ORD-7731", "SHP-7731", "ACME-01", "Acme Pharma", datetime(2026, 11, 23, 17, 5, tzinfo=UTC))
CANADA_POST = Path(__file__).parents[3].parent / "shared/data/x12-omniparser/canadapost_214_part1.edi"


def mapped(mapping: str, value: Any) -> list[dict[str, Any]]:
    program = (PARTNERS / "common" / "mappings" / mapping).read_text(encoding="utf-8")
    (events,) = jq.compile(program).input_value(value).all()
    return list(events)


class TestPayloads:
    def test_the_warehouses_webhook_verifies_with_the_manifests_secret(self) -> None:
        body = payloads.render("wms-cutoff-missed.json", ORDER)
        headers = sign(manifests.webhook_secret("northwind"), "msg_1", datetime.now(UTC), body)
        assert Webhook(manifests.webhook_secret("northwind")).verify(body, headers)

    def test_the_214_has_no_findings(self) -> None:
        items = [edi_x12.mapping_input(item) for item in edi_x12.items(edi_x12.read(payloads.render("carrier-214.edi", ORDER)))]
        assert [item["set"]["findings"] for item in items] == [[]]

    @pytest.mark.parametrize("name", ["order-recorded.json", "shipment-recorded.json", "certificate.json", "certificate-wrong.json"])
    def test_every_payload_is_whole(self, name: str) -> None:
        assert "$" not in json.dumps(json.loads(payloads.render(name, ORDER)))


@pytest.mark.feature("M9")
class TestMappings:
    def test_webhook_and_214_speak_of_the_same_order_and_shipment(self) -> None:
        (webhook,) = mapped("wms-cutoff.jq", json.loads(payloads.render("wms-cutoff-missed.json", ORDER)))
        (item,) = edi_x12.items(edi_x12.read(payloads.render("carrier-214.edi", ORDER)))
        (status,) = mapped("x12-214.jq", edi_x12.mapping_input(item))
        assert webhook["refs"] == {"order": "ORD-7731", "shipment": "SHP-7731"}
        assert status["refs"] == {"order": "ORD-7731", "shipment": "SHP-7731", "pro": "PRO000000001"}
        assert webhook["account"] == status["account"] == "ACME-01"
        assert (status["data"]["status_code"], status["data"]["reason_code"]) == ("SN", "AW")

    def test_another_webhook_of_the_warehouse_means_nothing(self) -> None:
        assert mapped("wms-cutoff.jq", {"type": "wave.closed", "data": {}}) == []

    @pytest.mark.skipif(not CANADA_POST.exists(), reason="the shared payloads are not here")
    def test_a_real_canada_post_214_names_its_shipper_and_statuses(self) -> None:
        items = list(edi_x12.items(edi_x12.read(CANADA_POST.read_bytes())))
        events = [event for item in items for event in mapped("x12-214.jq", edi_x12.mapping_input(item))]
        assert {event["account"] for event in events} == {"00602679321"}
        seen = {event["refs"]["shipment"]: (event["data"]["status_code"], event["data"]["reason_code"]) for event in events}
        assert len(events) == 11
        assert len(seen) == 10
        assert seen["4343638098050296"] == ("AH", "AG")
        assert seen["4343638931638575"] == ("CA", "BT")


class TestManifests:
    @pytest.mark.parametrize("partner", ["northwind", "harborline"])
    def test_every_reference_resolves(self, partner: str) -> None:
        manifest = manifests.load(partner, manifests.environment("http://127.0.0.1:9400"))
        text = json.dumps(manifest)
        assert "env:" not in text
        assert "file:" not in text
        assert manifest["workflows"][0]["content"].startswith("#")

    def test_a_missing_value_is_named(self) -> None:
        with pytest.raises(KeyError, match="NORTHWIND_WMS_URL"):
            manifests.load("northwind", {})

    @pytest.mark.parametrize("partner", ["northwind", "harborline"])
    def test_policies_are_documents_the_product_reads(self, partner: str) -> None:
        manifest = manifests.load(partner, manifests.environment("http://127.0.0.1:9400"))
        names = [document.read(policy["content"]).name for policy in manifest["policies"]]
        assert names == ["cutoff-missed", "carrier-reports"]

    def test_the_workflow_is_one_the_engine_runs(self) -> None:
        manifest = manifests.load("northwind", manifests.environment("http://127.0.0.1:9400"))
        definition = read_definition(manifest["workflows"][0]["content"])
        assert (definition.name, definition.version) == ("cutoff-missed", "1.0.0")
        for program in definition.programs:
            given = "".join(f"null as ${name} | " for name in program.variables)
            assert jq.compile(given + program.text), program.pointer

    @pytest.mark.parametrize("partner", ["northwind", "harborline"])
    def test_templates_speak_english_and_german(self, partner: str) -> None:
        manifest = manifests.load(partner, manifests.environment("http://127.0.0.1:9400"))
        contents = [msgspec.convert(parse_yaml(template["content"]), TemplateContent) for template in manifest["templates"]]
        assert [sorted(content.locales) for content in contents] == [["de", "en"], ["de", "en"]]
