"""Configuration as code: references are resolved at the desk, and the difference reads like one."""

import base64
from pathlib import Path

import httpx
import pytest

from app.cli import audit
from app.cli.partner import Refused, Unresolved, answer_of, lines, read, resolve
from tenants.manifest import ManifestInvalid, parse

pytestmark = pytest.mark.feature("M188")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "cutoff.yaml").write_text("name: cutoff\nopen: []\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "northwind.yaml").write_text(
        """
version: 1
partner: {slug: northwind, name: Northwind, event_namespace: northwind}
environment: live
brand: {name: Northwind, logo: "file://logo.png"}
policies: [{file: policies/cutoff.yaml, rollout: {mode: live}}]
sources: [{name: wms, verify: {scheme: standard_webhooks, secret: "env:WMS_SECRET"}}]
"""
    )
    return tmp_path


class TestRead:
    def test_puts_files_and_variables_in_place(self, folder: Path) -> None:
        manifest = read(folder / "northwind.yaml", {"WMS_SECRET": "whsec_x"})
        assert manifest["policies"] == [{"rollout": {"mode": "live"}, "content": "name: cutoff\nopen: []\n"}]
        assert base64.b64decode(manifest["brand"]["logo"]) == b"\x89PNG\xff"
        assert manifest["sources"][0]["verify"]["secret"] == {"secret": "whsec_x"}

    def test_leaves_nothing_the_server_would_refuse(self, folder: Path) -> None:
        sections = {"brand", "policies", "sources"}
        parse(read(folder / "northwind.yaml", {"WMS_SECRET": "x"}), sections=sections, customer_sections=())
        with pytest.raises(ManifestInvalid):
            parse({"version": 1, "brand": {"logo": "file://logo.png"}}, sections=sections, customer_sections=())

    def test_names_the_variable_that_is_not_set_and_where_it_stands(self, folder: Path) -> None:
        with pytest.raises(Unresolved, match=r"/sources/0/verify/secret: .*WMS_SECRET"):
            read(folder / "northwind.yaml", {})

    def test_names_the_file_that_is_not_there(self, folder: Path) -> None:
        with pytest.raises(Unresolved, match=r"/policies/0/file: .*gone\.yaml"):
            resolve({"policies": [{"file": "gone.yaml"}]}, folder, {})

    def test_keeps_a_given_name(self, folder: Path) -> None:
        assert resolve({"name": "other", "file": "policies/cutoff.yaml"}, folder, {})["name"] == "other"

    def test_names_a_file_after_itself_unless_it_is_yaml_which_carries_its_own_name(self, folder: Path) -> None:
        (folder / "wms-cutoff.jq").write_text("[]")
        assert resolve([{"file": "wms-cutoff.jq"}, {"file": "policies/cutoff.yaml"}], folder, {}) == [
            {"name": "wms-cutoff", "content": "[]"},
            {"content": "name: cutoff\nopen: []\n"},
        ]


class TestLines:
    def test_show_what_changes_with_before_and_after(self) -> None:
        changes = [
            {"what": "customer", "name": "acme", "action": "update", "fields": {"name": ["Acme", "Acme Pharma"]}, "customer": None},
            {"what": "user", "name": "a@b.example", "action": "create", "fields": {}, "customer": "acme"},
            {"what": "role", "name": "old", "action": "unchanged", "fields": {}, "customer": None},
        ]
        assert list(lines({"dry_run": True, "changes": changes})) == [
            "~ customer acme",
            "    name: Acme → Acme Pharma",
            "+ user a@b.example (acme)",
            "2 to change, 1 as they are.",
        ]

    def test_give_the_first_key_to_whoever_made_the_environment(self) -> None:
        assert list(lines({"dry_run": False, "changes": [], "admin_key": "dk_live_x"}))[-1].endswith("dk_live_x")


class TestAnswer:
    def test_of_a_refusal_is_the_servers_own_words_with_the_places(self) -> None:
        problem = {
            "detail": "The manifest can't be applied.",
            "errors": [{"pointer": "/environment", "detail": "is odd", "remedy": "Choose."}],
        }
        with pytest.raises(Refused, match=r"can't be applied\. \(422\)\n  /environment: is odd Choose\."):
            answer_of(httpx.Response(422, json=problem))


@pytest.mark.feature("M146")
class TestAuditLines:
    def test_end_with_whether_it_holds(self) -> None:
        finding = {"what": "edited", "customer_id": None, "seq": 4, "event_id": None, "detail": "Somebody wrote over it."}
        chain = {"customer_id": None, "entries": 9, "anchored": 8, "head": "ab" * 32}
        broken = list(audit.lines({"chains": [chain], "findings": [finding], "waiting": 2, "holds": False}))
        assert "EDITED at 4" in broken[1] and broken[-1] == "The evidence does NOT hold."
        assert list(audit.lines({"chains": [chain], "findings": [], "waiting": 0, "holds": True}))[-1] == "Everything holds."
