"""What is installed is what was written: the wheel holds every file its packages need."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "tenants", "branding", "worker", "migrations", "simulator")


@pytest.mark.feature("M196", "M197")
class TestTheWheel:
    def test_holds_every_file_of_its_packages(self, tmp_path: Path) -> None:
        uv = Path(sys.executable).parent / "uv"
        done = subprocess.run(
            [str(uv), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
            held = set(wheel.namelist())
        tracked = subprocess.run(
            ["git", "ls-files", "--", *PACKAGES], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.splitlines()
        assert [name for name in tracked if name not in held] == []
        script = "app/portal/static/vendor/htmx.min.js"  # copied when the environment is built, never committed
        assert script in held or not (ROOT / script).exists()
