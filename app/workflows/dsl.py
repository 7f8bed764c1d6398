"""Reading a workflow: Open Workflow Specification 1.0.3 (until June 2026 CNCF Serverless Workflow DSL) from YAML.

What is read here can be run; everything else is refused before it is saved, with the place as a JSON Pointer, what is wrong in
words, and what to do instead. Nothing is fetched, and nothing is checked again per run.
"""

import re
from collections.abc import Callable
from typing import Any

from app.core.errors import Invalid
from app.core.parsing import parse_yaml
from app.workflows.definition import Definition, Task, Trigger
from app.workflows.reader import NOT_AVAILABLE, WORKFLOW, Reader, escape
from app.workflows.tasks import KINDS
from app.workflows.tasks.http import read_authentication
from app.workflows.tasks.raise_ import read_error
from app.workflows.tasks.try_ import read_retry

DSL = "1.0.3"
FIELDS = ("document", "input", "use", "do", "timeout", "output", "schedule", "evaluate")
DOCUMENT = ("dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata")
USE = ("authentications", "errors", "functions", "retries", "timeouts", "secrets", "extensions", "catalogs")
# What the specification knows and this engine does not run, with the way that is open instead.
ABSENT_TASKS = {
    "emit": ("emitting an event of one's own", "use the functions of the default catalog, which publish their own events"),
    "for": ("looping over a list", "go back to an earlier task with `then`"),
    "run": ("running a workflow, container, script or shell command", "call a capability of a connection"),
}
ABSENT_USE = {
    "secrets": "put credentials into a connection",
    "extensions": "write the tasks where they are wanted",
    "catalogs": "use the default catalog",
}
OWN_EVENTS = ("run.", "task.", "workflow.")
_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


class InvalidWorkflow(Invalid):
    """This workflow can't be saved; each error says where and why."""


def read_definition(text: str | bytes) -> Definition:
    """The definition this YAML writes; raises InvalidWorkflow with every finding, Invalid when it is no YAML."""
    return read_document(parse_yaml(text.encode() if isinstance(text, str) else text))


def read_document(document: Any) -> Definition:
    """The definition in a parsed document; raises InvalidWorkflow with every finding."""
    use = document.get("use") if isinstance(document, dict) else None
    reader = Reader(use if isinstance(use, dict) else {}, _read_task)
    made = _read(reader, document)
    if reader.errors:
        raise InvalidWorkflow(errors=reader.errors)
    return made


def _read(reader: Reader, document: Any) -> Definition:
    fields = reader.mapping(document, "", known=FIELDS, need=("document", "do"))
    about = _about(reader, fields.get("document", {}))
    _use(reader, fields.get("use", {}))
    _evaluate(reader, fields.get("evaluate", {}))
    if "do" in fields:
        reader.sequence(fields["do"], "/do")
    return Definition(
        namespace=about.get("namespace", ""), name=about.get("name", ""), version=str(about.get("version", "")),
        title=str(about.get("title") or about.get("name", "")), document=fields, tasks=reader.tasks, sequences=reader.sequences,
        input=reader.shape(fields.get("input"), "/input", "from", WORKFLOW),
        output=reader.shape(fields.get("output"), "/output", "as", ("context", *WORKFLOW)),
        timeout=reader.timeout(fields.get("timeout"), "/timeout", WORKFLOW), triggers=_triggers(reader, fields.get("schedule")),
        programs=tuple(reader.programs), endpoints=tuple(reader.endpoints), functions=tuple(dict.fromkeys(reader.functions)),
    )  # fmt: skip


def _about(reader: Reader, value: Any) -> dict[str, Any]:
    about = reader.mapping(value, "/document", known=DOCUMENT, need=("dsl", "namespace", "name", "version"))
    for name in ("namespace", "name"):
        if name in about and not (isinstance(about[name], str) and _NAME.fullmatch(about[name])):
            reader.wrong(f"/document/{name}", "must be letters, digits and hyphens, at most 63")
    if "version" in about and not (isinstance(about["version"], str) and _SEMVER.fullmatch(about["version"])):
        reader.wrong("/document/version", "must be a semantic version such as '1.0.0'")
    if "dsl" in about and about["dsl"] != DSL:
        reader.wrong("/document/dsl", f"{about['dsl']!r} {NOT_AVAILABLE}", f"write dsl: '{DSL}'")
    return about


def _use(reader: Reader, value: Any) -> None:
    use = reader.mapping(value, "/use", known=USE)
    for name, remedy in ABSENT_USE.items():
        if use.get(name):
            reader.wrong(f"/use/{name}", f"{name} of a workflow's own {'is' if name[-1] != 's' else 'are'} not available here", remedy)
    for shelf, read in _SHELVES.items():
        for name, content in reader.mapping(use.get(shelf, {}), f"/use/{shelf}").items():
            read(reader, str(name), content, f"/use/{shelf}/{escape(name)}")


# What is kept for reuse is read even where nothing uses it: it would be wrong on the day somebody does.
_SHELVES: dict[str, Callable[[Reader, str, Any, str], object]] = {
    "authentications": lambda reader, _, content, at: read_authentication(reader, content, at),
    "errors": lambda reader, _, content, at: read_error(reader, content, at),
    "functions": lambda reader, name, _, __: reader.function(name),
    "retries": lambda reader, _, content, at: _retry_on_the_shelf(reader, content, at),
    "timeouts": lambda reader, _, content, at: reader.timeout(content, at),
}


def _retry_on_the_shelf(reader: Reader, content: Any, at: str) -> None:
    """Where nothing else is said, a `catch` calls its error `$error`; so may a retry that is shared by several."""
    with reader.binding("error"):
        read_retry(reader, content, at)


def _evaluate(reader: Reader, value: Any) -> None:
    fields = reader.mapping(value, "/evaluate", known=("language", "mode"))
    if fields.get("language", "jq") != "jq":
        reader.wrong("/evaluate/language", f"{fields['language']!r} {NOT_AVAILABLE}", "write expressions in jq")
    if fields.get("mode", "strict") != "strict":
        reader.wrong("/evaluate/mode", f"the loose mode {NOT_AVAILABLE}: data could pass for expressions", "enclose expressions in ${ }")


def _triggers(reader: Reader, value: Any) -> tuple[Trigger, ...]:
    if value is None:
        return ()
    fields = reader.mapping(value, "/schedule", known=("on", "every", "cron", "after", "read"))
    for name in ("every", "cron", "after"):
        if name in fields:
            reader.wrong(
                f"/schedule/{name}", f"starting by the clock {NOT_AVAILABLE}", "start on an event, or let a policy name the workflow"
            )
    if "on" not in fields:
        reader.wrong("/schedule", "needs on")
        return ()
    reader.choice(fields.get("read", "envelope"), "/schedule/read", ("data", "envelope"))
    return _strategy(reader, reader.mapping(fields["on"], "/schedule/on", known=("one", "any", "all")))


def _strategy(reader: Reader, on: dict[str, Any]) -> tuple[Trigger, ...]:
    if "one" in on and len(on) == 1:
        return tuple(filter(None, [_trigger(reader, on["one"], "/schedule/on/one")]))
    if "any" in on and len(on) == 1 and on["any"]:
        entries = reader.items(on["any"], "/schedule/on/any")
        return tuple(filter(None, (_trigger(reader, each, f"/schedule/on/any/{n}") for n, each in enumerate(entries))))
    reader.wrong("/schedule/on", f"only one, or any of some named events, can start a run; the rest {NOT_AVAILABLE}")
    return ()


def _trigger(reader: Reader, value: Any, at: str) -> Trigger | None:
    fields = reader.mapping(value, at, known=("with",), need=("with",))
    wanted = reader.mapping(fields.get("with", {}), f"{at}/with", known=("type", "data"), need=("type",))
    kind = wanted.get("type")
    data = reader.mapping(wanted.get("data", {}), f"{at}/with/data")
    if not isinstance(kind, str) or any(isinstance(each, dict | list) or "${" in str(each) for each in (kind, *data.values())):
        reader.wrong(f"{at}/with", "must name the type of event and plain values its data must equal")
        return None
    if kind.startswith(OWN_EVENTS):
        reader.wrong(f"{at}/with/type", "is what runs say themselves; each run would start another", "start on what happened to the case")
    return Trigger(kind, tuple(data.items()))


def _read_task(reader: Reader, node: Any, ref: str, name: str) -> Task | None:
    if not isinstance(node, dict):
        reader.wrong(ref, "must be an object")
        return None
    for absent, (what, remedy) in ABSENT_TASKS.items():
        if absent in node:
            reader.wrong(f"{ref}/{absent}", f"{what} {NOT_AVAILABLE}", remedy)
            return None
    found = [kind for kind in KINDS if kind in node]
    if len(found) != 1:
        known = ", ".join(sorted(KINDS))
        reader.wrong(ref, f"must do exactly one thing: {known}", "" if found else "give the task one of these fields")
        return None
    return KINDS[found[0]].read(reader, node, ref, name)
