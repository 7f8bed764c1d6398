"""The README promises nothing that doesn't run: its commands, typed as they stand."""

import os
from pathlib import Path

import pytest

from docs import readme_check
from tests.installation import Running

PAGE = (Path(__file__).parents[2] / "README.md").read_text()
# The environment stands already; `true` in place of Python keeps `make` from building it again.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith(("DETOUR_", "MAKE", "MFLAGS"))}, "PYTHON": "true"}


class TestTheReadme:
    def test_leads_from_a_manifest_to_a_case_and_a_branded_mail(self, installation: Running) -> None:
        readme_check.check(readme_check.blocks(PAGE), installation.installation.home, ENVIRONMENT)

    def test_takes_files_in(self) -> None:
        readme_check.check_alone(readme_check.blocks(PAGE), ENVIRONMENT)

    def test_begins_with_the_one_command_that_starts_everything(self) -> None:
        assert [block.commands for block in readme_check.blocks(PAGE) if block.stays] == ["make run\n"]


class TestTheCheck:
    def test_refuses_a_block_that_does_not_say_how_it_is_run(self) -> None:
        with pytest.raises(readme_check.NotRun, match="doesn't say"):
            readme_check.blocks("```sh\nrm -rf /\n```\n")

    def test_notices_a_command_that_fails_before_the_last(self, tmp_path: Path) -> None:
        with pytest.raises(readme_check.NotRun, match="exit code 1"):
            readme_check.check(readme_check.blocks("<!-- run -->\n```sh\nfalse\ntrue\n```\n"), tmp_path, ENVIRONMENT)

    def test_notices_what_never_comes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readme_check, "PATIENCE", 0.1)
        with pytest.raises(readme_check.NotRun, match="wanted 'two'"):
            readme_check.check(readme_check.blocks("<!-- run until: two -->\n```sh\necho one\n```\n"), tmp_path, ENVIRONMENT)

    def test_keeps_variables_from_block_to_block(self, tmp_path: Path) -> None:
        page = "<!-- run -->\n```sh\nNAME=two\n```\n<!-- run until: two -->\n```sh\necho $NAME\n```\n"
        readme_check.check(readme_check.blocks(page), tmp_path, ENVIRONMENT)
