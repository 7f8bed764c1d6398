"""Every connector of the catalog against its recorded exchanges; a new vendor's folder is found by itself."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from app.connectors.capabilities import capabilities
from app.connectors.connector import CATALOG, connectors
from app.connectors.credentials import Token
from app.connectors.exchange import Exchange, Report, Ticket
from app.connectors.requests import write
from app.core.clock import SystemClock
from app.core.egress import Answer, EgressReset, EgressTimeout
from app.core.json_schema import check_schema
from app.core.sandbox import Sandbox

pytestmark = pytest.mark.feature("M46", "M59")
FIXTURES = sorted(CATALOG.glob("*/fixtures/*.json"))
KEY = "effect-1"


class Recorded:
    """Plays the other side of a fixture: the answer to the operation, then the one to the reconciling question; then it is out of order."""

    def __init__(self, fixture: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = [fixture["answer"], fixture.get("reconcile", {}).get("answer", {"failure": "reset"})]

    async def request(self, method: str, url: str, *, headers: dict[str, str], content: bytes, timeout: float) -> Answer:
        self.asked.append({"method": method, "url": url, "headers": headers, "body": json.loads(content) if content else None})
        answer = self._answers.pop(0) if self._answers else {"failure": "down"}
        match answer.get("failure"):
            case "timeout":
                raise EgressTimeout("no answer", after_write=True)
            case "reset":
                raise EgressReset("broken", after_write=True)
            case "down":
                raise EgressReset("refused", after_write=False)
        return Answer(answer["status"], {}, json.dumps(answer["body"]).encode())


@pytest.fixture(scope="module")
async def sandbox():
    async with Sandbox(size=1) as made:
        yield made


def ticket_for(path: Path, fixture: dict[str, Any]) -> Ticket:
    adapter = connectors()[path.parent.parent.name]
    operation = adapter.operations[fixture["operation"]]
    now = SystemClock().now()
    return Ticket(
        call_id=UUID(int=1), token=UUID(int=2), connection_id=UUID(int=3), connection_name="fixture", customer_id=None, connection_version=1,
        connector=adapter, operation_name=fixture["operation"], operation=operation, capability=capabilities()[operation.capability],
        config=fixture["config"], params=fixture["params"], effect_key=KEY, secret="s3cret", access=Token("t0ken", now), wait=0.0, attempts=0,
        is_doubtful=False, case_retries=10_000, started_at=now,
    )  # fmt: skip


async def replay(sandbox: Sandbox, path: Path) -> tuple[dict[str, Any], Recorded, Report]:
    fixture = json.loads(path.read_text())
    recorded, ticket = Recorded(fixture), ticket_for(path, fixture)
    ticket.capability.check_params(fixture["params"])
    shell: Any = SimpleNamespace(sandbox=sandbox, egress=recorded, clock=SystemClock())
    return fixture, recorded, await Exchange(shell, ticket).run()


class TestFixtures:
    @pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.parent.name}/{p.stem}")
    async def test_the_exchange_is_as_recorded(self, sandbox: Sandbox, path: Path):
        fixture, recorded, report = await replay(sandbox, path)
        sent = recorded.asked[0]
        expected = {"body": None, **fixture["request"]}
        assert {name: sent[name] for name in expected} == expected
        wanted = {"retry": "failed", "no_effect": "failed"}.get(fixture["outcome"]["status"], fixture["outcome"]["status"])
        assert report.status == wanted, report.error
        assert report.response == fixture["outcome"].get("response")
        if "reconcile" in fixture:
            assert recorded.asked[1]["url"] == fixture["reconcile"]["url"]

    @pytest.mark.parametrize("path", FIXTURES, ids=lambda p: f"{p.parent.parent.name}/{p.stem}")
    async def test_the_credential_travels_in_its_header_only(self, sandbox: Sandbox, path: Path):
        _, recorded, report = await replay(sandbox, path)
        for asked in recorded.asked:
            assert any("s3cret" in v or "t0ken" in v or "Basic " in v for v in asked["headers"].values())
        assert "s3cret" not in repr(report) and "t0ken" not in repr(report)


@pytest.mark.parametrize("name", sorted(p.parent.name for p in CATALOG.glob("*/connector.toml")))
class TestConnector:
    def test_is_named_like_its_folder_and_says_what_it_is(self, name: str):
        adapter = connectors()[name]
        assert adapter.name == name and adapter.title and adapter.proof.date
        assert (CATALOG / name / "README.md").read_text().startswith("# ")

    def test_does_known_capabilities_each_with_a_fixture(self, name: str):
        adapter = connectors()[name]
        shown = {json.loads(p.read_text())["operation"] for p in FIXTURES if p.parent.parent.name == name}
        assert set(adapter.operations) == shown
        assert set(adapter.capabilities) <= set(capabilities())
        assert len(adapter.capabilities) == len(set(adapter.capabilities))

    def test_every_effect_can_be_asked_about_and_carries_its_key(self, name: str):
        for operation in connectors()[name].operations.values():
            if capabilities()[operation.capability].effect:
                assert operation.reconcile and operation.idempotency_header, operation.capability

    async def test_its_programs_compile_and_its_test_request_can_be_written(self, name: str, sandbox: Sandbox):
        adapter = connectors()[name]
        for operation in adapter.operations.values():
            forms = [operation.request, *([operation.reconcile] if operation.reconcile else [])]
            for program in (operation.response, *(p for form in forms for p in (form.body, form.query) if p)):
                await sandbox.check_jq(program, ["effect_key", "config"])
        config = dict.fromkeys(adapter.config, "https://systems.example")
        assert (await write(sandbox, adapter, adapter.test, config=config, params={}, effect_key="")).url.startswith(
            "https://systems.example/"
        )


class TestCapabilities:
    def test_have_usable_schemas(self):
        for one in capabilities().values():
            assert check_schema(one.params) == [] and check_schema(one.response) == []
            assert one.params["additionalProperties"] is False
            assert one.effect or not one.gated
