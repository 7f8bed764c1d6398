"""What comes from npm: locked by hash, naming no registry, copied for the pages, and a start that doesn't depend on it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real import real

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "infra" / "web" / "package-lock.json"


class TestTheLock:
    def test_names_no_host(self) -> None:
        assert "://" not in LOCK.read_text()

    def test_holds_a_hash_of_every_package(self) -> None:
        packages = {name: each for name, each in json.loads(LOCK.read_text())["packages"].items() if name}
        assert len(packages) > 2
        assert [name for name, each in packages.items() if not each.get("integrity", "").startswith("sha512-")] == []

    def test_of_node_is_hashed_too(self) -> None:
        text = (ROOT / "requirements-node.lock").read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


class TestTheStart:
    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """A checkout of nothing but what the start of the pages' files needs, without its files."""
        for name in ("web", "webassets.py"):
            source = ROOT / "infra" / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, _under(tmp_path / "infra") / name)
        (tmp_path / "app" / "portal" / "static").mkdir(parents=True)
        return tmp_path

    def test_copies_the_pages_file_once(self, copy: Path) -> None:
        real("node")
        real("axe-core")  # npm's registry was in reach when this environment was built
        assert _start(copy) == ""
        file = copy / "app" / "portal" / "static" / "vendor" / "htmx.min.js"
        assert "htmx" in file.read_text()
        assert _start(copy, npm_config_registry="http://127.0.0.1:9/", npm_config_cache=str(copy / "none")) == ""

    def test_says_one_sentence_where_npm_is_out_of_reach(self, copy: Path) -> None:
        real("node")
        said = _start(copy, npm_config_registry="http://127.0.0.1:9/", npm_config_cache=str(copy / "none"))
        assert "every page works without script" in said
        assert len(said.splitlines()) == 1
        assert not (copy / "app" / "portal" / "static" / "vendor").exists()


def _under(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _start(copy: Path, **environment: str) -> str:
    """What the start of the pages' files says."""
    program = "import webassets, pathlib; r = pathlib.Path('..').resolve(); webassets.ensure(r, r / '.venv', lambda lock: None, dev=False)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=copy / "infra", env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stderr.strip()
