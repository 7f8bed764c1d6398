"""The manifest: checked whole, with a pointer for everything that is wrong."""

import copy
from typing import Any

import pytest

from app.core.errors import FieldError
from tenants.manifest import Manifest, ManifestInvalid, parse

pytestmark = pytest.mark.feature("M188")

GOOD: dict[str, Any] = {
    "version": 1,
    "partner": {"slug": "northwind", "name": "Northwind Logistics Care", "type": "msp", "event_namespace": "northwind"},
    "environment": "live",
    "brand": {"name": "Northwind", "primary": "#0B5FFF"},
    "users": [{"email": "Ops@northwind.example", "roles": ["operator", "approver"]}],
    "customers": [
        {
            "slug": "acme-pharma",
            "name": "Acme Pharma",
            "attribution": [{"source": "wms", "when": 'event.account == "ACME-01"'}],
            "sla": {"resolution": "PT8H"},
            "users": [{"email": "ops@acme.example", "role": "customer_admin"}],
        }
    ],
    "policies": [{"name": "cutoff", "content": "file:this is text and no reference"}],
}


def read(raw: Any) -> Manifest:
    return parse(raw, sections={"brand", "policies", "sources"}, customer_sections={"attribution", "connections"})


def refused(raw: Any) -> list[FieldError]:
    with pytest.raises(ManifestInvalid) as invalid:
        read(raw)
    return list(invalid.value.errors)


def altered(path: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    *way, last = path.strip("/").split("/")
    at: Any = raw
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    at[int(last) if isinstance(at, list) else last] = value
    return raw


class TestParse:
    def test_gives_each_room_its_own_part(self) -> None:
        manifest = read(GOOD)
        assert manifest.sections["brand"] == [GOOD["brand"]]
        assert manifest.customers[0].sections == {"attribution": GOOD["customers"][0]["attribution"]}
        assert manifest.users[0].wanted == ["approver", "operator"]

    def test_never_prunes_unless_told_to(self) -> None:
        assert read(GOOD).prune is False

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("/environment", "production"),
            ("/partner/slug", "North Wind"),
            ("/partner/colour", "blue"),
            ("/partner/type", "friend"),
            ("/customers/0/slug", 7),
            ("/customers/0/sla/resolution", "8h"),
            ("/customers/0/zone", "Mars/Olympus"),
            ("/customers/0/users/0/email", "nobody"),
            ("/customers/0/policies", []),
            ("/kittens", []),
            ("/version", 2),
            ("/prune", "yes"),
        ],
    )
    def test_names_the_place_of_what_is_wrong(self, path: str, value: Any) -> None:
        errors = refused(altered(path, value))
        assert [e.pointer for e in errors] in ([path], [path.rsplit("/", 1)[0]])
        assert all(e.remedy for e in errors)

    @pytest.mark.parametrize("raw", [None, [], "version: 1", {}, {"version": 1}])
    def test_refuses_what_is_no_manifest(self, raw: Any) -> None:
        assert refused(raw)

    def test_names_every_unknown_section_at_once(self) -> None:
        errors = refused({**altered("/customers/0/pets", []), "kittens": []})
        assert {e.pointer for e in errors} == {"/kittens", "/customers/0/pets"}

    def test_refuses_a_customer_named_twice(self) -> None:
        raw = copy.deepcopy(GOOD)
        raw["customers"].append(raw["customers"][0])
        assert [e.pointer for e in refused(raw)] == ["/customers/1/slug"]

    def test_refuses_a_user_without_a_role(self) -> None:
        assert [e.pointer for e in refused(altered("/users/0", {"email": "a@b.example"}))] == ["/users/0/role"]


class TestReferences:
    """The server never reads its disk or environment for a tenant."""

    @pytest.mark.parametrize(
        ("path", "value", "pointer"),
        [
            ("/brand/logo", "file:///etc/passwd", "/brand/logo"),
            ("/brand/logo", "file:logo.png", "/brand/logo"),
            ("/customers/0/connections", [{"name": "c", "secret": "env:CARRIER_KEY"}], "/customers/0/connections/0/secret"),
            ("/policies/0", {"file": "policies/cutoff.yaml"}, "/policies/0/file"),
            ("/partner/name", "env:DETOUR_MASTER_KEY", "/partner/name"),
        ],
    )
    def test_are_refused_wherever_they_stand(self, path: str, value: Any, pointer: str) -> None:
        assert [e.pointer for e in refused(altered(path, value))] == [pointer]

    def test_may_be_spelled_out_in_a_files_text(self) -> None:
        assert read(GOOD).sections["policies"][0]["content"].startswith("file:")
