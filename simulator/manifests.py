"""A partner's configuration as code: `partners/<slug>/manifest.yaml` with its `file:` and `env:` references resolved.

The server takes no references, so whoever sends a manifest resolves them first. `environment` gives the values the demo manifests name.
"""

import base64
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from simulator.credentials import secret_of
from simulator.seed import PARTNERS

# The key of the sender's signatures, in the form Standard Webhooks prescribes; a demo value a customer would make by chance.
_SECRETS = {slug: "whsec_" + base64.b64encode(f"{slug}-warehouse-webhooks".encode()).decode() for slug in PARTNERS}


def webhook_secret(partner: str) -> str:
    """What the partner's warehouse signs with."""
    return _SECRETS[partner]


def environment(simulator_url: str) -> dict[str, str]:
    """Every `env:` value of the demo manifests: addresses of the simulated systems and the secrets for them."""
    values = {"SIMULATOR_URL": simulator_url}
    for partner, people in PARTNERS.items():
        values[f"{_name(partner)}_WMS_WEBHOOK"] = webhook_secret(partner)
        for system in ("wms", "erp", "crm", "carrier", "desk"):
            values[f"{_name(partner)}_{_name(system)}_URL"] = f"{simulator_url}/{partner}/{system}"
            values |= {f"{_name(person.slug)}_{_name(system)}": secret_of(system, person.slug) for person in people}
    return values


def load(partner: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The partner's manifest, ready to send; KeyError names an `env:` value that is not given."""
    folder = resources.files("simulator") / "partners" / partner
    document = yaml.safe_load((folder / "manifest.yaml").read_text(encoding="utf-8"))
    resolved = _resolved(document, folder, values)
    assert isinstance(resolved, dict)
    return resolved


def _resolved(value: Any, folder: Traversable, values: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return _with_content({name: _entry(name, inner, folder, values) for name, inner in value.items()}, folder)
        case list():
            return [_resolved(inner, folder, values) for inner in value]
        case str() if value.startswith("env:"):
            return values[value.removeprefix("env:")]
        case str() if value.startswith("file://"):
            return base64.b64encode(_open(folder, value.removeprefix("file://")).read_bytes()).decode()
    return value


def _entry(name: str, value: Any, folder: Traversable, values: Mapping[str, str]) -> Any:
    """A secret travels marked as one, so that nobody along the way shows it."""
    resolved = _resolved(value, folder, values)
    return {"secret": resolved} if name == "secret" and isinstance(resolved, str) else resolved


def _with_content(entry: dict[str, Any], folder: Traversable) -> dict[str, Any]:
    if "file" not in entry:
        return entry
    path = entry.pop("file")
    return {**entry, "content": _open(folder, path).read_text(encoding="utf-8")}


def _open(folder: Traversable, path: str) -> Traversable:
    return folder.joinpath(*path.split("/"))


def _name(slug: str) -> str:
    return slug.upper().replace("-", "_")
