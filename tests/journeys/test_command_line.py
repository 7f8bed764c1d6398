"""The command line against a running server, and `detour up` from its start to its end."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import httpx
import pytest

from tests.command_line import CLEAN, ROOT, detour
from tests.installation import Running

MANIFEST = (ROOT / "docs/first/manifest.yaml").read_text()


@pytest.fixture(scope="module")
def desk(installation: Running) -> dict[str, str]:
    """Where the server is and the platform operator's key, as `detour env` tells them."""
    return json.loads(detour("env", "--json", "--home", str(installation.installation.home)).stdout)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's partner under a name of its own."""
    folder = tmp_path_factory.mktemp("partner")
    for file in (ROOT / "docs/first").iterdir():
        (folder / file.name).write_text(file.read_text())
    (folder / "manifest.yaml").write_text(
        MANIFEST.replace("slug: lumen", "slug: desk").replace("event_namespace: lumen", "event_namespace: desk")
    )
    return folder / "manifest.yaml"


@pytest.fixture(scope="module")
def admin(desk: dict[str, str], manifest: Path) -> dict[str, str]:
    """The partner, applied; its first administrator's way in."""
    done = detour("partner", "apply", str(manifest), "--json", environment=desk)
    assert done.returncode == 0, done.stderr
    return {**desk, "DETOUR_KEY": json.loads(done.stdout)["admin_key"]}


@pytest.mark.feature("M188")
class TestPartner:
    def test_plan_after_apply_finds_nothing_to_change(self, admin: dict[str, str], manifest: Path) -> None:
        done = detour("partner", "plan", str(manifest), environment=admin)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("0 to change, ")

    def test_plan_shows_a_difference_and_changes_nothing(self, admin: dict[str, str], manifest: Path) -> None:
        other = manifest.with_name("other.yaml")
        other.write_text(manifest.read_text().replace("name: Orbit Labs", "name: Orbit Laboratories"))
        for _ in range(2):
            assert "name: Orbit Labs → Orbit Laboratories" in detour("partner", "plan", str(other), environment=admin).stdout

    def test_a_refusal_names_the_places_and_applies_nothing(self, admin: dict[str, str], manifest: Path) -> None:
        broken = manifest.with_name("broken.yaml")
        broken.write_text(manifest.read_text().replace("zone: Europe/Berlin", "zone: Europe/Atlantis"))
        done = detour("partner", "apply", str(broken), environment=admin)
        assert (done.returncode, done.stdout) == (1, "")
        assert "/customers/0" in done.stderr
        assert detour("partner", "plan", str(manifest), environment=admin).stdout.startswith("0 to change, ")

    def test_the_demo_partners_own_manifests_can_be_read_by_anybody(self, desk: dict[str, str], installation: Running) -> None:
        from simulator.manifests import environment

        values = environment(installation.setting.outside.base_url)
        done = detour("partner", "plan", "simulator/partners/harborline/manifest.yaml", environment={**desk, **values})
        assert done.returncode == 0, done.stderr


@pytest.mark.feature("M54")
class TestKey:
    def test_lives_from_create_over_rotate_to_revoke(self, admin: dict[str, str]) -> None:
        made = json.loads(
            detour("key", "create", "--name", "reader", "--scope", "partner", "--role", "analyst", "--json", environment=admin).stdout
        )
        key_id = made["key"]["id"]
        assert _cases(admin, made["secret"]) == 200
        rotated = json.loads(detour("key", "rotate", key_id, "--overlap", "3600", "--json", environment=admin).stdout)
        assert (_cases(admin, made["secret"]), _cases(admin, rotated["secret"])) == (200, 200)
        assert "revoked at " in detour("key", "revoke", key_id, environment=admin).stdout
        deadline = time.monotonic() + 6
        while _cases(admin, made["secret"]) != 401:
            assert time.monotonic() < deadline, "a revoked key is refused within five seconds"
            time.sleep(0.2)
        assert _cases(admin, rotated["secret"]) == 200

    def test_that_does_not_exist_can_not_be_rotated(self, admin: dict[str, str]) -> None:
        done = detour("key", "rotate", "01a20000-0000-7000-8000-000000000000", environment=admin)
        assert done.returncode == 1
        assert done.stderr.endswith("(404)\n")


class TestAudit:
    def test_verify_reads_the_chains_and_says_that_everything_holds(self, admin: dict[str, str]) -> None:
        done = detour("audit", "verify", environment=admin)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith("Everything holds.\n")

    def test_verify_in_json_is_the_servers_report(self, admin: dict[str, str]) -> None:
        report = json.loads(detour("audit", "verify", "--json", environment=admin).stdout)
        assert report["holds"] is True
        assert report["findings"] == []


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="detour-up-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator["Popen[str]"]:
    with _up(home) as process:
        yield process


@contextmanager
def _up(home: Path, *options: str) -> Iterator["Popen[str]"]:
    """`detour up` without a story, once it says that it is up."""
    argv = [sys.executable, "-m", "app.cli", "up", "--no-story", "--home", str(home), *options]
    process = Popen(argv, stdin=DEVNULL, stdout=PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=CLEAN)
    try:
        assert process.stdout is not None
        said = ""
        while not said.endswith("Ctrl-C stops everything.\n"):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


@pytest.mark.feature("M200")
class TestUp:
    def test_a_second_one_tells_where_the_first_is_and_ends(self, home: Path, running: "Popen[str]") -> None:
        done = detour("up", "--no-story", "--home", str(home))
        assert done.returncode == 1
        assert done.stdout == f"Running already: {(home / 'address').read_text()}\n"
        assert httpx.get((home / "address").read_text() + "/readyz").status_code == 200

    def test_leaves_no_process_and_no_address_when_it_is_told_to_stop(self, home: Path, running: "Popen[str]") -> None:
        pids = [int(file.read_text()) for file in (home / "run").glob("*.pid")]
        assert len(pids) == 5
        under = _descendants(running.pid)
        assert set(pids) <= under
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
        assert not [pid for pid in under if _alive(pid)]
        assert not (home / "address").exists()
        assert detour("env", "--home", str(home)).returncode == 3

    def test_leaves_no_process_when_it_is_killed(self, home: Path, running: "Popen[str]") -> None:
        assert running.poll() is not None, "the test before stopped it"
        with _up(home, "--keep") as again:
            under = _descendants(again.pid)
            again.kill()
            again.wait()
            deadline = time.monotonic() + 15
            while left := [pid for pid in under if _alive(pid)]:
                assert time.monotonic() < deadline, left
                time.sleep(0.1)
        assert detour("env", "--home", str(home)).returncode == 3


def _cases(desk: dict[str, str], key: str) -> int:
    return httpx.get(f"{desk['DETOUR_BASE_URL']}/v1/cases", headers={"authorization": f"Bearer {key}"}).status_code


def _descendants(root: int) -> set[int]:
    """Every process below `root`, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found: set[int] = set()
    level = {root}
    while level := {pid for pid, parent in parents.items() if parent in level} - found:
        found |= level
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
