"""The pages hold together: every relative link leads somewhere, every event, table and command they name exists."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from app.cli.commands import app

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
class TestLinks:
    def test_lead_to_files_and_headings_that_exist(self, page: Path) -> None:
        found = [link for link in _LINK.findall(page.read_text()) if "://" not in link and not link.startswith("mailto:")]
        assert [link for link in found if not _leads_somewhere(page, link)] == []

    def test_stay_inside_the_project(self, page: Path) -> None:
        found = [link.partition("#")[0] for link in _LINK.findall(page.read_text()) if "://" not in link]
        assert [link for link in found if not (page.parent / link).resolve().is_relative_to(ROOT)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = (page.parent / file) if file else page
    return target.exists() and (not heading or heading in {_anchor(text) for text in _HEADING.findall(target.read_text())})


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class TestTheTour:
    def test_names_only_events_and_tables_that_the_code_knows(self) -> None:
        tour = (ROOT / "docs/tour.md").read_text()
        known = "\n".join(file.read_text() for top in ("app", "tenants", "branding", "migrations") for suffix in ("py", "sql", "yaml") for file in (ROOT / top).rglob(f"*.{suffix}"))  # fmt: skip
        named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", tour))
        assert len(named) > 50
        assert sorted(word for word in named if word not in known.replace('"case"', "case")) == []


class TestOperations:
    def test_names_only_commands_there_are(self) -> None:
        commands = get_command(app).commands  # type: ignore[attr-defined]
        for page in PAGES:
            for first, second in re.findall(r"`detour ([a-z]+)(?: ([a-z]+))?", page.read_text()):
                assert first in commands, f"{_name(page)}: detour {first}"
                inner = getattr(commands[first], "commands", None)
                assert not inner or not second or second in inner, f"{_name(page)}: detour {first} {second}"


class TestTheFirstPartner:
    def test_names_files_that_are_there(self) -> None:
        folder = ROOT / "docs/first"
        manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
        files = [entry["file"] for section in ("policies", "workflows", "templates") for entry in manifest[section]]
        assert files and [name for name in files if not (folder / name).exists()] == []
