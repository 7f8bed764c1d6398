"""The specification's own conformance kit, unmodified, for the task types that run here."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.core.parsing import parse_yaml
from app.workflows.dsl import InvalidWorkflow
from tests.unit.workflows.gherkin import Scenario, scenarios
from tests.unit.workflows.machinery import Run
from tests.unit.workflows.official import OWS

pytestmark = pytest.mark.feature("M3")

KIT = OWS / "ctk" / "features"
SCENARIOS = [each for path in sorted(KIT.glob("*.feature")) for each in scenarios(path)]
# Task types that are refused at save; the refusal itself is asserted.
ABSENT = {"For Task", "Emit Task", "Call OpenAPI With Content Output", "Call OpenAPI With Response Output"}
PET = {"id": 1, "name": "Milou", "status": "available"}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the two public services would say."""
    parts = urlsplit(request["uri"])
    if parts.hostname == "httpbin.org":
        _, _, user, password = parts.path.split("/")
        right = request.get("authentication", {}).get("basic") == {"username": user, "password": password}
        return {"status": 200 if right else 401, "headers": {}, "content": {"authenticated": right}, "raw": ""}
    if parts.path.startswith("/v2/pet/findByStatus"):
        return {"status": 200, "headers": {}, "content": [{**PET, "status": parts.query.removeprefix("status=")}], "raw": ""}
    found = re.fullmatch(r"/v2/pet/(\d+)", parts.path)
    content = {**PET, "id": int(found.group(1))} if found else None
    return {"status": 200 if found else 404, "headers": {"content-type": "application/json"}, "content": content, "raw": ""}


@pytest.mark.skipif(not SCENARIOS, reason="the conformance kit is not here")
class TestKit:
    @pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name not in ABSENT], ids=lambda s: f"{s.feature}: {s.name}")
    def test_behaves_as_the_kit_says(self, scenario: Scenario) -> None:
        run, value = Run("do: [{none: {set: {x: 1}}}]"), None
        checked = 0
        for text, block in scenario.steps:
            if text.startswith("a workflow with definition"):
                run = Run(block)
            elif text.startswith("given the workflow input"):
                value = parse_yaml(block)
            elif text == "the workflow is executed":
                execute(run, value)
            else:
                check(run, text, parse_yaml(block) if block else None)
                checked += 1
        assert checked

    @pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.name in ABSENT], ids=lambda s: s.name)
    def test_refuses_what_it_can_not_run(self, scenario: Scenario) -> None:
        with pytest.raises(InvalidWorkflow, match="can't be saved"):
            Run(scenario.steps[0].block)


def execute(run: Run, value: Any) -> None:
    run.start({} if value is None else value)
    while run.effects:
        effect = run.effects[0]
        run.answer(effect.name, answer(effect.request))


def check(run: Run, text: str, expected: Any) -> None:
    ran = [step.name for step in sorted(run.steps, key=lambda s: s.began) if step.status != "cancelled"]
    if text.startswith("the workflow should complete"):
        assert run.status == "completed", run.state.get("problem")
        assert expected is None or run.output == expected
    elif text.startswith("the workflow should fault"):
        assert run.status == "faulted"
        assert expected is None or {**run.problem, **expected} == run.problem
    elif found := re.fullmatch(r"the workflow output should have properties (.+)", text):
        for path in re.findall(r"'([^']+)'", found.group(1)):
            lookup(run.output, path)
    elif found := re.fullmatch(r"the workflow output should have a '(.+)' property with value:", text):
        assert lookup(run.output, found.group(1)) == expected
    elif found := re.fullmatch(r"the workflow output should have a '(.+)' property containing (\d+) items", text):
        assert len(lookup(run.output, found.group(1))) == int(found.group(2))
    elif found := re.fullmatch(r"(\w+) should run (first|last)", text):
        assert ran[0 if found.group(2) == "first" else -1] == found.group(1)
    elif found := re.fullmatch(r"(\w+) should run after (\w+)", text):
        assert ran.index(found.group(1)) > ran.index(found.group(2))
    else:
        raise AssertionError(f"unknown step: {text}")


def lookup(value: Any, path: str) -> Any:
    for part in path.split("."):
        assert part in value, f"{path} is missing"
        value = value[part]
    return value
