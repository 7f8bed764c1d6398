"""`try`: errors are caught, the work tried again after a growing delay, or something else done instead.

What a task of the body was answered keeps standing when the body is tried again: its effect has the same key and is not
repeated. What was refused gets a new key; what is unknown is asked again under the old one.
When the attempts are used up and there is no `do`, the error goes on.
"""

import re
from typing import Any, ClassVar

import msgspec

from app.workflows.definition import Duration, Task
from app.workflows.expressions import Expression
from app.workflows.frames import Asking, At, Deciding
from app.workflows.machine import Machine
from app.workflows.problems import Problem, same_type
from app.workflows.reader import AFTER, BASE, INSIDE, Reader
from app.workflows.tasks.behaviour import Kind

CATCH = ("errors", "as", "when", "exceptWhen", "retry", "do", "then")
RETRY = ("when", "exceptWhen", "delay", "backoff", "limit", "jitter")
FILTER = ("type", "status", "instance", "title", "detail")
BACKOFFS = ("constant", "linear", "exponential")
# A doubling delay passes any sensible pause after a few tries; a day keeps it a number people can wait for.
LONGEST_DELAY = 86_400_000


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """When and after how long the body is tried again."""

    when: Expression | None = None
    except_when: Expression | None = None
    delay: Duration = 0
    backoff: str = "constant"
    count: int | None = None
    attempt: Duration | None = None
    total: Duration | None = None
    jitter: tuple[Duration, Duration] | None = None


class TryTask(Task, frozen=True, kw_only=True):
    """The body, which errors are caught, and what then."""

    kind: ClassVar[str] = "try"
    body: str
    errors: dict[str, Any]
    variable: str
    when: Expression | None
    except_when: Expression | None
    retry: Retry | None
    handler: str | None
    after: str | None

    def directives(self) -> list[tuple[str, str]]:
        """Where a caught error goes on."""
        return [(f"{self.ref}/catch/then", self.after)] if self.after else []


class Try(Kind):
    """In phase `try` the body runs, in `delay` the next attempt waits, in `catch` the handler runs."""

    kind = "try"

    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task:
        reader.mapping(node, ref, known=("try", "catch", *BASE), need=("catch",))
        body = reader.sequence(node["try"], f"{ref}/try")
        at = f"{ref}/catch"
        fields = reader.mapping(node.get("catch", {}), at, known=CATCH)
        variable = reader.text(fields.get("as", "error"), f"{at}/as")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", variable) or variable in AFTER:
            reader.wrong(f"{at}/as", "must be a name of its own: letters, digits and underscores", "for example error")
            variable = "error"
        with reader.binding(variable):
            when = reader.expression(fields.get("when"), f"{at}/when", INSIDE)
            except_when = reader.expression(fields.get("exceptWhen"), f"{at}/exceptWhen", INSIDE)
            retry = read_retry(reader, fields["retry"], f"{at}/retry") if "retry" in fields else None
            handler = reader.sequence(fields["do"], f"{at}/do") if "do" in fields else None
        return TryTask(
            **reader.base(node, ref, name), body=body, errors=_filter(reader, fields.get("errors"), f"{at}/errors"),
            variable=variable, when=when, except_when=except_when, retry=retry, handler=handler,
            after=reader.directive(fields.get("then"), f"{at}/then"),
        )  # fmt: skip

    def enter(self, machine: Machine, at: At, task: TryTask) -> Asking:
        at.frame["attempt"] = 1
        yield from self._attempt(machine, at, task)

    def due(self, machine: Machine, at: At, task: TryTask) -> Asking:
        at.frame["attempt"] += 1
        yield from self._attempt(machine, at, task)

    def returned(self, machine: Machine, at: At, task: TryTask, output: Any) -> Asking:
        machine.complete(at, output, task.after if at.frame["phase"] == "catch" else None)
        yield from ()

    def catches(self, machine: Machine, at: At, task: TryTask, problem: Problem, branch: str | None) -> Deciding:
        if at.frame["phase"] != "try" or not _fits(task.errors, problem):
            return False
        if not (yield from self._wanted(machine, at, task, task.when, task.except_when, problem)):
            return False
        delay = yield from self._next_delay(machine, at, task, problem)
        if delay is None and task.retry is not None and task.handler is None:
            return False
        at.frame["delay"] = delay
        return True

    def caught(self, machine: Machine, at: At, task: TryTask, problem: Problem, branch: str | None) -> Asking:
        at.frame.pop("attempt_deadline", None)
        delay = at.frame.pop("delay")
        if delay is not None:
            at.frame["phase"] = "delay"
            at.frame["due"] = machine.now + delay
            machine.log(at, "retried", problem=problem)
            yield from self._begin_if_now(machine, at, task, delay)
            return
        at.frame["phase"] = "catch"
        if task.handler is None:
            machine.complete(at, at.frame["input"], task.after)
            return
        machine.walk(at, task.handler, at.frame["input"], **{task.variable: problem.plain()})

    def _begin_if_now(self, machine: Machine, at: At, task: TryTask, delay: int) -> Asking:
        if delay == 0:
            at.frame.pop("due")
            yield from self.due(machine, at, task)

    def _attempt(self, machine: Machine, at: At, task: TryTask) -> Asking:
        at.frame["phase"] = "try"
        if task.retry is not None and task.retry.attempt is not None:
            at.frame["attempt_deadline"] = machine.now + (yield from machine.length(task.retry.attempt, at.frame["input"], at))
        machine.walk(at, task.body, at.frame["input"])

    def _wanted(
        self, machine: Machine, at: At, task: TryTask, when: Expression | None, unless: Expression | None, problem: Problem
    ) -> Deciding:
        more = {task.variable: problem.plain()}
        if when is not None and not (yield from machine.holds(when, at.frame["input"], at, **more)):
            return False
        return unless is None or not (yield from machine.holds(unless, at.frame["input"], at, **more))

    def _next_delay(self, machine: Machine, at: At, task: TryTask, problem: Problem) -> Any:
        """Milliseconds until the next attempt, None when there is to be none."""
        retry = task.retry
        if retry is None or (retry.count is not None and at.frame["attempt"] > retry.count):
            return None
        if not (yield from self._wanted(machine, at, task, retry.when, retry.except_when, problem)):
            return None
        value, tried = at.frame["input"], at.frame["attempt"]
        base = yield from machine.length(retry.delay, value, at)
        delay = min(base * growth(retry.backoff, tried), LONGEST_DELAY)
        if retry.jitter is not None:
            low = yield from machine.length(retry.jitter[0], value, at)
            high = yield from machine.length(retry.jitter[1], value, at)
            delay += low + round(max(high - low, 0) * machine.fraction(task.ref, at.frame["path"], tried))
        if retry.total is not None:
            total = yield from machine.length(retry.total, value, at)
            if machine.now + delay > at.frame["began"] + total:
                return None
        return delay


def growth(backoff: str, tried: int) -> int:
    """By what the delay is multiplied after so many attempts."""
    return {"constant": 1, "linear": tried, "exponential": 1 << min(tried - 1, 40)}[backoff]


def _fits(wanted: dict[str, Any], problem: Problem) -> bool:
    told = problem.plain()
    return all(same_type(str(value), problem.type) if field == "type" else told.get(field) == value for field, value in wanted.items())


def _filter(reader: Reader, value: Any, at: str) -> dict[str, Any]:
    if value is None:
        return {}
    fields = reader.mapping(value, at, known=("with",))
    wanted = reader.mapping(fields.get("with", {}), f"{at}/with", known=FILTER)
    for field, each in wanted.items():
        if not isinstance(each, int if field == "status" else str) or isinstance(each, bool):
            reader.wrong(f"{at}/with/{field}", "must be a whole number" if field == "status" else "must be a text")
    return wanted


def read_retry(reader: Reader, value: Any, at: str) -> Retry:
    """A retry policy in place or by its name under `use.retries`."""
    value, at = reader.reusable(value, at, "retries")
    fields = reader.mapping(value, at, known=RETRY)
    limit = reader.mapping(fields.get("limit", {}), f"{at}/limit", known=("attempt", "duration"))
    attempt = reader.mapping(limit.get("attempt", {}), f"{at}/limit/attempt", known=("count", "duration"))
    count = attempt.get("count")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        reader.wrong(f"{at}/limit/attempt/count", "must be a whole number that is not negative")
        count = None
    return Retry(
        when=reader.expression(fields.get("when"), f"{at}/when", INSIDE),
        except_when=reader.expression(fields.get("exceptWhen"), f"{at}/exceptWhen", INSIDE),
        delay=_duration(reader, fields, "delay", at) or 0,
        backoff=_backoff(reader, fields.get("backoff"), f"{at}/backoff"),
        count=count,
        attempt=_duration(reader, attempt, "duration", f"{at}/limit/attempt"),
        total=_duration(reader, limit, "duration", f"{at}/limit"),
        jitter=_jitter(reader, fields.get("jitter"), f"{at}/jitter"),
    )


def _duration(reader: Reader, fields: dict[str, Any], name: str, at: str) -> Duration | None:
    return reader.duration(fields[name], f"{at}/{name}") if name in fields else None


def _backoff(reader: Reader, value: Any, at: str) -> str:
    if value is None:
        return "constant"
    name, content = reader.single(value, at)
    if name:
        reader.choice(name, at, BACKOFFS)
        reader.mapping(content, f"{at}/{name}", known=())
    return name if name in BACKOFFS else "constant"


def _jitter(reader: Reader, value: Any, at: str) -> tuple[Duration, Duration] | None:
    if value is None:
        return None
    fields = reader.mapping(value, at, known=("from", "to"), need=("from", "to"))
    low, high = _duration(reader, fields, "from", at), _duration(reader, fields, "to", at)
    return None if low is None or high is None else (low, high)
