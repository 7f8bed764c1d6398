"""What we accept, the specification's own schema accepts: on every example, every kit document, and mutations of them."""

import random
from copy import deepcopy
from typing import Any

import pytest

from app.core.errors import Invalid
from app.core.parsing import parse_yaml
from app.workflows.dsl import read_document
from tests.unit.workflows.gherkin import scenarios
from tests.unit.workflows.official import OWS

pytestmark = pytest.mark.feature("M3")

jsonschema = pytest.importorskip("jsonschema")

if not OWS.exists():
    pytest.skip("the specification's files are not here", allow_module_level=True)

VALIDATOR = jsonschema.Draft202012Validator(parse_yaml((OWS / "schema" / "workflow.yaml").read_bytes()))
STRANGE: tuple[Any, ...] = (None, 0, -1, "", "x", True, [], {}, {"x": 1}, ["x"], "${ .a }", "PT5S", {"seconds": 5}, "end", "nowhere")


def documents() -> list[Any]:
    """Everything the specification's repository gives as a workflow, as far as we run it."""
    found = [parse_yaml(path.read_bytes()) for path in sorted(OWS.glob("examples/*.yaml"))]
    kit = [
        step.block
        for path in sorted(OWS.glob("ctk/features/*.feature"))
        for each in scenarios(path)
        for step in each.steps
        if "definition" in step.text
    ]
    return [each for each in found + [parse_yaml(block) for block in kit] if _reads(each)]


def _reads(document: Any) -> bool:
    try:
        read_document(document)
    except Invalid:
        return False
    return True


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in _places(item, (*path, key)))]


def _mutated(document: Any, chance: random.Random) -> Any:
    made = deepcopy(document)
    place = chance.choice(_places(made)[1:])
    holder = made
    for key in place[:-1]:
        holder = holder[key]
    what = chance.randrange(3)
    if what == 0:
        holder.pop(place[-1])
    elif what == 1:
        holder[place[-1]] = deepcopy(chance.choice(STRANGE))
    elif isinstance(holder, dict):
        holder[chance.choice(["foo", "then", "do", "set", "wait", "if", "timeout"])] = deepcopy(chance.choice(STRANGE))
    return made


class TestAgreement:
    def test_covers_most_of_what_is_given(self) -> None:
        assert len(documents()) >= 40

    def test_accepts_no_document_that_the_schema_refuses(self) -> None:
        for document in documents():
            assert VALIDATOR.is_valid(document), document

    @pytest.mark.parametrize("seed", range(8))
    def test_accepts_no_mutation_that_the_schema_refuses(self, seed: int) -> None:
        chance = random.Random(seed)
        known = documents()
        for _ in range(120):
            mutant = _mutated(chance.choice(known), chance)
            if _reads(mutant):
                errors = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(mutant)]
                assert not errors, (errors[:2], mutant)
