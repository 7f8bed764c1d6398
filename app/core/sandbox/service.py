"""The sandbox as everybody calls it: programs and plain data in, plain data or a clear failure out."""

import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import orjson

from app.core.sandbox import limits
from app.core.sandbox.errors import SandboxFailure
from app.core.sandbox.nursery import ChildDied
from app.core.sandbox.pool import Pool
from app.core.sandbox.strikes import Strikes

_T = TypeVar("_T")
_PROGRAM = {"jq": "program", "cel": "expr", "render": "template"}  # what a kill is counted against, by operation


class CelJob(msgspec.Struct, frozen=True):
    """One expression with its variables' types and the values that are there; times as RFC 3339 text with a zone."""

    expr: str
    types: dict[str, str]
    given: dict[str, Any]


class CelResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one expression gave, or why it gave nothing."""

    value: Any = None
    error: str | None = None


class _Item(msgspec.Struct, frozen=True):
    index: int
    body: dict[str, Any]
    payload: bytes


class Sandbox:
    """Children that run tenant-written programs. `async with Sandbox(size=2) as sandbox`; one per process."""

    def __init__(self, size: int = 2) -> None:
        self._pool = Pool(size)
        self._strikes = Strikes(time.monotonic)

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._pool.close()

    async def jq(self, program: str, value: Any, variables: Mapping[str, Any] | None = None) -> Any:
        """The program's one output for this value, `$name` being `variables["name"]`.

        SandboxRefused when it doesn't compile, stops with an error or gives none or several outputs; SandboxLimit at a limit.
        """
        return _one(await self.jq_many([(program, value, variables)]))

    async def jq_many(self, jobs: Iterable[tuple[str, Any, Mapping[str, Any] | None]]) -> list[Any | SandboxFailure]:
        """Each job's output or its own failure, in order."""
        return await self._run("jq", [{"program": p, "value": v, "variables": dict(names or {})} for p, v, names in jobs])

    async def check_jq(self, program: str, variables: Collection[str] = ()) -> None:
        """SandboxRefused, with line and column, when the program doesn't compile; `variables` are the names it may use."""
        _one(await self._run("jq_check", [{"program": program, "variables": list(variables)}]))

    async def cel_check(self, expr: str, variables: Mapping[str, str], want: str = "bool") -> None:
        """SandboxRefused, with line and column, when it doesn't compile to `want` with variables of these types."""
        _one(await self._run("cel_check", [{"expr": expr, "types": dict(variables), "want": want}]))

    async def cel_many(self, jobs: Sequence[CelJob]) -> list[CelResult]:
        """Every job's value or error, in order; one that fails leaves its neighbours alone."""
        results = await self._run("cel", [msgspec.structs.asdict(job) for job in jobs])
        return [CelResult(error=r.message) if isinstance(r, SandboxFailure) else CelResult(r) for r in results]

    async def render(self, template: str, context: Mapping[str, Any], *, html: bool) -> str:
        """The template's text; with `html` every value is escaped. Unknown names are errors, not blanks."""
        return str(_one(await self._run("render", [{"template": template, "context": dict(context), "html": html}])))

    async def check_template(self, template: str) -> None:
        """SandboxRefused, with its line, when the template is not valid."""
        _one(await self._run("template_check", [{"template": template}]))

    async def inline_css(self, html: str) -> str:
        """The page with its styles written into the elements, as mail programs want it; loads nothing."""
        return str(_one(await self._run("inline_css", [{"html": html}])))

    async def _run(self, operation: str, bodies: Sequence[dict[str, Any]]) -> list[Any]:
        results: list[Any] = [None] * len(bodies)
        ready: list[_Item] = []
        for index, body in enumerate(bodies):
            item = self._admit(operation, index, body)
            if isinstance(item, SandboxFailure):
                results[index] = item
            else:
                ready.append(item)
        for batch in _batches(ready):
            async for index, result in self._finish(operation, batch):
                results[index] = result
        return results

    def _admit(self, operation: str, index: int, body: dict[str, Any]) -> _Item | SandboxFailure:
        suspended = self._strikes.suspension(operation, body[_PROGRAM[operation]]) if operation in _PROGRAM else None
        if suspended:
            return suspended
        try:
            payload = orjson.dumps(body)
        except TypeError as error:
            return SandboxFailure(f"The input is not plain JSON data: {error}")
        if len(payload) > limits.INPUT_BYTES:
            return SandboxFailure(f"The input has {len(payload)} bytes, at most {limits.INPUT_BYTES} are allowed.", is_limit=True)
        return _Item(index, body, payload)

    async def _finish(self, operation: str, batch: list[_Item]) -> AsyncIterator[tuple[int, Any]]:
        """Ask until every item has its answer: after a kill the rest goes to another child."""
        done = 0
        while done < len(batch):
            rest = batch[done:]
            try:
                async with self._pool.child() as child, aclosing(child.ask(_request(operation, rest), len(rest))) as answers:
                    async for answer in answers:
                        yield batch[done].index, _result(answer)
                        done += 1
                        if "limit" in answer:
                            child.kill()  # its memory is not what it was
                            break
            except ChildDied as death:
                yield batch[done].index, self._verdict(operation, batch[done].body, death)
                done += 1

    def _verdict(self, operation: str, body: dict[str, Any], death: ChildDied) -> SandboxFailure:
        if death.convicted and operation in _PROGRAM:
            self._strikes.add(operation, body[_PROGRAM[operation]])
        if death.by_time:
            return SandboxFailure(f"The program was stopped after {limits.CPU_SECONDS * 1000:.0f} ms.", is_limit=True)
        return SandboxFailure("The program used too much memory and was stopped.", is_limit=True)


def _batches(items: list[_Item]) -> Iterable[list[_Item]]:
    batch: list[_Item] = []
    size = 0
    for item in items:
        if batch and (size + len(item.payload) > limits.INPUT_BYTES or len(batch) == limits.BATCH_ITEMS):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.payload)
    if batch:
        yield batch


def _request(operation: str, items: list[_Item]) -> bytes:
    return b'{"op":"' + operation.encode() + b'","items":[' + b",".join(item.payload for item in items) + b"]}"


def _result(answer: dict[str, Any]) -> Any:
    if "ok" in answer:
        return answer["ok"]
    if "limit" in answer:
        return SandboxFailure(answer["limit"], is_limit=True)
    return SandboxFailure(answer["refused"], line=answer.get("line"), column=answer.get("column"))


def _one(results: list[_T | SandboxFailure]) -> Any:
    [result] = results
    if isinstance(result, SandboxFailure):
        raise result.fault()
    return result
