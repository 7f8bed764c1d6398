"""`detour partner plan|apply FILE`: configuration as code, from the partner's own desk.

References are resolved here, on the machine of whoever applies: `file:` becomes the file's text (base64 for what is no
text), `env:` the variable's value. The server never sees either form. A text under the key `secret` travels marked as one, so that
nobody along the way shows it. A file without a `name` is called like the file, unless it is YAML: such documents carry their own.
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from app.core.errors import Invalid
from app.core.parsing import parse_yaml

_TEXT = frozenset({".jq", ".yaml", ".yml", ".json", ".mjml", ".html", ".txt", ".csv", ".md"})
_SIGNS = {"create": "+", "update": "~", "delete": "-"}


class Unresolved(Exception):
    """A reference can't be resolved on this machine; the message says where it stands and what is missing."""


class Refused(Exception):
    """The server refused; the message is its own, with the places that are wrong."""


async def plan(http: httpx.AsyncClient, file: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what applying `file` would change; changes nothing. Raises Unresolved, Refused."""
    return await _put(http, file, environment, dry_run=True)


async def apply(http: httpx.AsyncClient, file: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Apply `file` and return what changed, with the first administrator's key when this made the environment. Raises as `plan`."""
    return await _put(http, file, environment, dry_run=False)


def read(file: Path, environment: Mapping[str, str]) -> Any:
    """Return the manifest with everything it refers to put in place; paths are relative to the manifest's own folder."""
    try:
        document = parse_yaml(file.read_bytes())
    except OSError as error:
        raise Unresolved(f"{file} can't be read ({type(error).__name__}).") from None
    except Invalid as error:
        places = [f"  {each.pointer}: {each.detail} {each.remedy or ''}".rstrip() for each in error.errors]
        raise Unresolved("\n".join([f"{file}: {error.detail}", *places])) from None
    return resolve(document, file.parent, environment)


def resolve(value: Any, folder: Path, environment: Mapping[str, str], pointer: str = "") -> Any:
    """Return `value` with its `file:` and `env:` references and `{file: …}` entries resolved."""
    match value:
        case {"file": str(name), **rest}:
            own = {} if Path(name).suffix in (".yaml", ".yml") else {"name": Path(name).stem}
            return {**own, **resolve(rest, folder, environment, pointer), "content": _load(folder, name, f"{pointer}/file")}
        case dict():
            return {key: _entry(key, resolve(item, folder, environment, f"{pointer}/{key}")) for key, item in value.items()}
        case list():
            return [resolve(item, folder, environment, f"{pointer}/{index}") for index, item in enumerate(value)]
        case str() if value.startswith("file:"):
            return _load(folder, value.removeprefix("file:").removeprefix("//"), pointer)
        case str() if value.startswith("env:"):
            return _variable(environment, value.removeprefix("env:"), pointer)
    return value


def _entry(key: str, value: Any) -> Any:
    return {"secret": value} if key == "secret" and isinstance(value, str) else value


def lines(applied: Mapping[str, Any]) -> Iterator[str]:
    """Yield the difference for people: one line a change, then one a field."""
    changes = [change for change in applied["changes"] if change["action"] != "unchanged"]
    for change in changes:
        owner = f" ({change['customer']})" if change.get("customer") else ""
        yield f"{_SIGNS[change['action']]} {change['what']} {change['name']}{owner}"
        for name, (before, after) in change.get("fields", {}).items():
            yield f"    {name}: {_short(before)} → {_short(after)}"
    same = len(applied["changes"]) - len(changes)
    yield f"{len(changes)} to change, {same} as they are." if applied["dry_run"] else f"{len(changes)} changed, {same} as they were."
    if applied.get("admin_key"):
        yield f"first administrator's key, shown this once: {applied['admin_key']}"


async def _put(http: httpx.AsyncClient, file: Path, environment: Mapping[str, str], *, dry_run: bool) -> dict[str, Any]:
    answer = await http.put(
        "/v1/provisioning/manifest", params={"dry_run": str(dry_run).lower()}, json=read(file, environment), timeout=120
    )
    return answer_of(answer)


def answer_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the answer's JSON; raises Refused with the problem's own words."""
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        raise Refused(f"{answer.request.url} answered with something else than JSON ({answer.status_code}); is --server right?") from None
    if answer.status_code < 400:
        return dict(body)
    places = [f"  {e['pointer']}: {e['detail']} {e.get('remedy', '')}".rstrip() for e in body.get("errors", [])]
    raise Refused("\n".join([f"{body.get('detail', answer.reason_phrase)} ({answer.status_code})", *places]))


def _load(folder: Path, name: str, pointer: str) -> str:
    path = folder / name
    try:
        content = path.read_bytes()
        return content.decode() if path.suffix in _TEXT else base64.b64encode(content).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Unresolved(f"{pointer}: {path} can't be read ({type(error).__name__}).") from None


def _variable(environment: Mapping[str, str], name: str, pointer: str) -> str:
    if name not in environment:
        raise Unresolved(f"{pointer}: the environment variable {name} is not set.")
    return environment[name]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
