"""The image is linted, the manifests are valid, the Terraform module plans and keeps its promises."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2] / "infra"
MANIFESTS = sorted((ROOT / "kubernetes").glob("*.yaml"))
pytestmark = pytest.mark.feature("M199")


def _documents():
    return [(p.name, d) for p in MANIFESTS for d in yaml.safe_load_all(p.read_text())]


class TestTheImage:
    def test_passes_the_linter(self):
        binary = Path(sys.executable).parent / "hadolint"
        done = subprocess.run([str(binary), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_runs_unprivileged(self):
        assert "USER 10001" in (ROOT / "Dockerfile").read_text()


class TestTheManifests:
    def test_are_valid_kubernetes(self):
        import kubernetes_validate

        for name, document in _documents():
            kubernetes_validate.validate(document, "1.31", strict=True)
            assert name

    def test_run_the_image_without_privileges(self):
        pods = [(n, d["spec"]["template"]["spec"]) for n, d in _documents() if "template" in d.get("spec", {})]
        assert len(pods) >= 4
        for name, pod in pods:
            assert pod["securityContext"]["runAsNonRoot"], name
            for container in pod["containers"]:
                assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
                assert container["securityContext"]["readOnlyRootFilesystem"] is True, name

    def test_scale_workers_on_the_age_of_ready_work(self):
        scalers = [d for _, d in _documents() if d["kind"] == "HorizontalPodAutoscaler" and d["metadata"]["name"] == "worker"]
        assert scalers[0]["spec"]["metrics"][0]["external"]["metric"]["name"] == "work_oldest_ready_seconds"

    def test_name_only_settings_that_exist(self):
        from dataclasses import fields

        from app.core.settings import Settings

        known = {f"DETOUR_{f.name.upper()}" for f in fields(Settings)}
        for _, document in _documents():
            if document["kind"] == "ConfigMap":
                assert set(document["data"]) <= known


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")
@pytest.mark.feature("M198")
class TestTerraform:
    def _run(self, *arguments, where=ROOT / "terraform"):
        return subprocess.run(["terraform", *arguments], cwd=where, capture_output=True, text=True, check=False)

    def test_is_formatted(self):
        assert self._run("fmt", "-check", "-recursive").returncode == 0

    def test_module_keeps_its_promises(self, tmp_path):
        module = shutil.copytree(ROOT / "terraform", tmp_path / "terraform")
        assert self._run("init", "-backend=false", where=module).returncode == 0
        assert self._run("validate", where=module).returncode == 0
        inner = module / "modules" / "sizing"
        assert self._run("init", "-backend=false", where=inner).returncode == 0
        done = self._run("test", where=inner)
        assert done.returncode == 0, done.stdout + done.stderr
