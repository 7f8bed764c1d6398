"""Reading a document with care: every finding is collected with its JSON Pointer, in our own words, and reading goes on."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from app.core.errors import FieldError
from app.core.json_schema import check_schema
from app.workflows import durations, expressions
from app.workflows.definition import DIRECTIVES, Duration, Endpoint, Program, Sequence, Shape, Task
from app.workflows.expressions import BadExpression, Expression, Template

MAX_FINDINGS = 20
MAX_TASKS = 500
MAX_NESTING = 16
# The base fields of every task.
BASE = ("if", "input", "output", "export", "timeout", "then", "metadata")
# Which variables an expression may use, by place (specification, "Runtime expression arguments").
WORKFLOW = ("workflow", "runtime")
BEFORE = ("context", "task", *WORKFLOW)
INSIDE = ("input", *BEFORE)
AFTER = ("output", *INSIDE)

NOT_AVAILABLE = "is not available here"

T = TypeVar("T")


class Reader:
    """One reading of one document: what was found wrong, and what was found."""

    def __init__(self, use: dict[str, Any], read_task: "Callable[[Reader, Any, str, str], Task | None]") -> None:
        self.use = use
        self.errors: list[FieldError] = []
        self.tasks: dict[str, Task] = {}
        self.sequences: dict[str, Sequence] = {}
        self.programs: list[Program] = []
        self.endpoints: list[Endpoint] = []
        self.functions: list[str] = []
        self._read_task = read_task
        self._depth = 0
        self._count = 0
        self._bound: list[str] = []
        self._open: list[str] = []

    def wrong(self, pointer: str, detail: str, remedy: str = "") -> None:
        """Note a finding; the first of a place says most, and more than twenty help nobody."""
        if len(self.errors) < MAX_FINDINGS and all(each.pointer != (pointer or "/") for each in self.errors):
            self.errors.append(FieldError(pointer=pointer or "/", detail=detail, remedy=remedy))

    # -- plain values -------------------------------------------------------------------------------------------------
    def mapping(self, value: Any, at: str, *, known: Iterable[str] | None = None, need: Iterable[str] = ()) -> dict[str, Any]:
        """An object with only `known` keys and all of `need`; an empty one when it is none."""
        if not isinstance(value, dict):
            self.wrong(at, "must be an object")
            return {}
        for key, content in value.items():
            if known is not None and key not in known:
                self.wrong(f"{at}/{escape(key)}", "is not a field of the specification here", f"use {', '.join(known)}")
            elif known is not None and content is None and key != "body":
                self.wrong(f"{at}/{escape(key)}", "has no value", "leave it out, or give it one")
        for key in need:
            if key not in value:
                self.wrong(at, f"needs {key}")
        return value

    def items(self, value: Any, at: str) -> list[Any]:
        """A list; an empty one when it is none."""
        if isinstance(value, list):
            return value
        self.wrong(at, "must be a list")
        return []

    def text(self, value: Any, at: str) -> str:
        """A text that is not empty."""
        if isinstance(value, str) and value:
            return value
        self.wrong(at, "must be a text")
        return ""

    def single(self, value: Any, at: str) -> tuple[str, Any]:
        """An object of exactly one key, the form of every named item in a list."""
        if isinstance(value, dict) and len(value) == 1:
            ((name, content),) = value.items()
            if isinstance(name, str) and name:
                return name, content
        self.wrong(at, "must hold exactly one named item")
        return "", None

    def choice(self, value: Any, at: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        if value in allowed:
            return str(value)
        self.wrong(at, f"must be one of {', '.join(allowed)}")
        return allowed[0]

    # -- expressions --------------------------------------------------------------------------------------------------
    def expression(self, value: Any, at: str, variables: tuple[str, ...]) -> Expression | None:
        """The program of a position that is always an expression."""
        made = self._compile(expressions.expression, self.text(value, at), at) if value is not None else None
        if made is not None:
            self._note(made, at, variables)
        return made

    def template(self, value: Any, at: str, variables: tuple[str, ...]) -> Template:
        """Plain data with `${ }` expressions in it."""
        made = self._compile(expressions.template, value, at) or Template(None, ())
        for each in made.expressions:
            self._note(each, at, variables)
        return made

    def turn(self, value: Any, at: str, variables: tuple[str, ...]) -> Template | None:
        """A transformation: a bare expression as text, or an object template."""
        if not isinstance(value, str):
            return self.template(self.mapping(value, at), at, variables)
        made = self.expression(value, at, variables)
        return None if made is None else Template(expressions.Slot(0), (made,))

    def binding(self, name: str) -> "Bound":
        """Inside `with reader.binding("error"):` expressions may use $error."""
        return Bound(self._bound, name)

    def _compile(self, make: Callable[[Any], T], value: Any, at: str) -> T | None:
        try:
            return make(value)
        except BadExpression as error:
            self.wrong(at, str(error))
            return None

    def _note(self, made: Expression, at: str, variables: tuple[str, ...]) -> None:
        self.programs.append(Program(at, made.text, (*variables, *self._bound)))

    # -- shared fields ------------------------------------------------------------------------------------------------
    def duration(self, value: Any, at: str, variables: tuple[str, ...] = INSIDE) -> Duration | None:
        """Milliseconds, or the template of an expression that yields a duration."""
        if expressions.is_expression(value):
            return self.template(value, at, variables)
        try:
            return durations.milliseconds(value)
        except ValueError as error:
            self.wrong(at, str(error))
            return None

    def timeout(self, value: Any, at: str, variables: tuple[str, ...] = BEFORE) -> Duration | None:
        """A time-out in place, or by its name under `use.timeouts`."""
        if value is None:
            return None
        value, at = self.reusable(value, at, "timeouts")
        fields = self.mapping(value, at, known=("after",), need=("after",))
        return self.duration(fields["after"], f"{at}/after", variables) if "after" in fields else None

    def reusable(self, value: Any, at: str, kind: str) -> tuple[Any, str]:
        """What a name under `use.<kind>` stands for; anything but a text stands for itself."""
        if not isinstance(value, str):
            return value, at
        shelf = self.use.get(kind)
        if isinstance(shelf, dict) and value in shelf:
            return shelf[value], f"/use/{kind}/{escape(value)}"
        self.wrong(at, f"names {value!r}, which use.{kind} does not define")
        return {}, at

    def shape(self, value: Any, at: str, key: str, variables: tuple[str, ...]) -> Shape:
        """`input`, `output` or `export`: a schema and a transformation under `key` (`from` or `as`)."""
        if value is None:
            return Shape()
        fields = self.mapping(value, at, known=("schema", key))
        schema = self.schema(fields["schema"], f"{at}/schema") if "schema" in fields else None
        turn = self.turn(fields[key], f"{at}/{key}", variables) if key in fields else None
        return Shape(schema, turn)

    def schema(self, value: Any, at: str) -> dict[str, Any] | None:
        """An inline JSON Schema."""
        fields = self.mapping(value, at, known=("format", "document", "resource"))
        if "resource" in fields:
            self.wrong(f"{at}/resource", f"a schema from elsewhere {NOT_AVAILABLE}", "write the schema under document")
            return None
        kind = fields.get("format", "json")
        if not isinstance(kind, str) or kind.split(":")[0] != "json":
            self.wrong(f"{at}/format", f"only JSON Schema can be used; {kind!r} {NOT_AVAILABLE}")
        if "document" not in fields:
            self.wrong(at, "needs document")
            return None
        document = self.mapping(fields["document"], f"{at}/document")
        for each in check_schema(document, f"{at}/document"):
            self.wrong(each.pointer, each.detail, each.remedy)
        return document

    def base(self, node: dict[str, Any], ref: str, name: str) -> dict[str, Any]:
        """The base fields of a task, as the keyword arguments of its struct."""
        return {
            "ref": ref,
            "name": name,
            "raw": node,
            "condition": self.expression(node["if"], f"{ref}/if", BEFORE) if "if" in node else None,
            "input": self.shape(node.get("input"), f"{ref}/input", "from", BEFORE),
            "output": self.shape(node.get("output"), f"{ref}/output", "as", INSIDE),
            "export": self.shape(node.get("export"), f"{ref}/export", "as", AFTER),
            "timeout": self.timeout(node.get("timeout"), f"{ref}/timeout"),
            "then": self.directive(node.get("then"), f"{ref}/then"),
        }

    def directive(self, value: Any, at: str) -> str | None:
        """A flow directive; whether a named task exists is checked when its whole list is read."""
        return None if value is None else self.text(value, at)

    # -- tasks --------------------------------------------------------------------------------------------------------
    def sequence(self, value: Any, at: str) -> str:
        """A list of named tasks run one after the other; returns its reference."""
        names, refs = self.task_list(value, at)
        self.sequences[at] = Sequence(at, refs, names)
        for ref in refs:
            self._check_targets(self.tasks.get(ref), names)
        return at

    def task_list(self, value: Any, at: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names and references of a list's tasks, read in order."""
        self._depth += 1
        names: list[str] = []
        refs: list[str] = []
        if self._depth > MAX_NESTING:
            self.wrong(at, f"is nested more than {MAX_NESTING} deep")
        else:
            entries = self.items(value, at)
            if not entries:
                self.wrong(at, "needs at least one task")
            for index, entry in enumerate(entries):
                self._entry(entry, f"{at}/{index}", names, refs)
        self._depth -= 1
        return tuple(names), tuple(refs)

    def _entry(self, entry: Any, at: str, names: list[str], refs: list[str]) -> None:
        name, node = self.single(entry, at)
        if not name:
            return
        if name in names or name in DIRECTIVES:
            self.wrong(at, f"the name {name!r} is taken in this list", "give each task of a list its own name")
        ref = f"{at}/{escape(name)}"
        if self.task(node, ref, name):
            names.append(name)
            refs.append(ref)

    def task(self, node: Any, ref: str, name: str) -> bool:
        """Read one task into `tasks`; False when it can't be used."""
        self._count += 1
        if self._count > MAX_TASKS:
            if self._count == MAX_TASKS + 1:
                self.wrong(ref, f"a workflow has at most {MAX_TASKS} tasks", "split it")
            return False
        made = self._read_task(self, node, ref, name)
        if made is not None:
            self.tasks[ref] = made
        return made is not None

    def function(self, name: str) -> str:
        """The reference of a task under `use.functions`, read at its first call; a function can't call itself."""
        ref = f"/use/functions/{escape(name)}"
        if ref in self._open:
            self.wrong(ref, "calls itself", "a function may call other functions, never itself")
        elif ref not in self.tasks:
            self._open.append(ref)
            self.task(self.use["functions"][name], ref, name)
            self._open.pop()
            self._check_targets(self.tasks.get(ref), ())
        return ref

    def _check_targets(self, task: Task | None, names: tuple[str, ...]) -> None:
        if task is None:
            return
        for at, target in targets(task):
            if target not in DIRECTIVES and target not in names:
                self.wrong(at, f"names {target!r}, which is no task of this list", "a task can only go on within its own list")


class Bound:
    """The stretch of a document in which one more variable is known."""

    def __init__(self, names: list[str], name: str) -> None:
        self._names, self._name = names, name

    def __enter__(self) -> None:
        self._names.append(self._name)

    def __exit__(self, *_: object) -> None:
        self._names.pop()


def targets(task: Task) -> list[tuple[str, str]]:
    """Where this task may go on, with the pointer of each directive."""
    own = [(f"{task.ref}/then", task.then)] if task.then else []
    more = getattr(task, "directives", None)
    return own + (more() if more else [])


def escape(part: object) -> str:
    """One segment of a JSON Pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
