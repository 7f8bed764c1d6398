"""As much Gherkin as the conformance kit uses: scenarios of steps, each with an optional text block."""

from pathlib import Path
from textwrap import dedent
from typing import NamedTuple


class Step(NamedTuple):
    """One line that begins with Given, When, Then or And, and the block under it."""

    text: str
    block: str


class Scenario(NamedTuple):
    """A named list of steps."""

    feature: str
    name: str
    steps: list[Step]


def scenarios(path: Path) -> list[Scenario]:
    """The scenarios of one feature file."""
    found: list[Scenario] = []
    block: list[str] | None = None
    for line in path.read_text().splitlines():
        text = line.strip()
        if text.startswith('"""'):
            if block is not None:
                found[-1].steps[-1] = Step(found[-1].steps[-1].text, dedent("\n".join(block)))
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif text.startswith("Scenario:"):
            found.append(Scenario(path.stem, text.removeprefix("Scenario:").strip(), []))
        elif text.split(" ")[0] in ("Given", "When", "Then", "And") and found:
            found[-1].steps.append(Step(text.split(" ", 1)[1], ""))
    return found
