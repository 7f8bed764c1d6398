"""What a save checks beyond the document itself: that jq accepts every expression, and that every host has a connection.

`findings` says the same without saving, each with its line and column, for whoever is still writing.
"""

import re
from uuid import UUID

import msgspec
from yaml import YAMLError

from app.core.errors import FieldError, Invalid
from app.core.positions import Position, place, positions
from app.core.sandbox import Sandbox, SandboxLimit, SandboxRefused
from app.core.uow import UnitOfWork
from app.workflows import web
from app.workflows.definition import Definition
from app.workflows.dsl import InvalidWorkflow, read_definition
from app.workflows.reader import MAX_FINDINGS

_LINE = re.compile(r"^line (\d+), column (\d+)$")


async def check(uow: UnitOfWork, sandbox: Sandbox, definition: Definition, customer_id: UUID | None) -> None:
    """Raises InvalidWorkflow with every expression jq refuses and every endpoint no connection goes to."""
    found = await _expressions(sandbox, definition) + await _endpoints(uow, definition, customer_id)
    if found:
        raise InvalidWorkflow(errors=found[:MAX_FINDINGS])


class Finding(msgspec.Struct, frozen=True):
    """What is wrong with a text, and where: the reference of the task or field, line and column (1 where nobody knows)."""

    pointer: str
    line: int
    column: int
    detail: str
    remedy: str = ""


class Checked(msgspec.Struct, frozen=True):
    """What became of a check: the definition when the text can be read at all, and everything that keeps it from being saved."""

    definition: Definition | None
    findings: tuple[Finding, ...]


async def findings(uow: UnitOfWork, sandbox: Sandbox, text: str, customer_id: UUID | None) -> Checked:
    """Check a text as a save would; never raises for what its writer did wrong."""
    try:
        definition = read_definition(text)
    except Invalid as wrong:
        return Checked(None, _placed(text, wrong))
    try:
        await check(uow, sandbox, definition, customer_id)
    except InvalidWorkflow as wrong:
        return Checked(definition, _placed(text, wrong))
    return Checked(definition, ())


def _placed(text: str, wrong: Invalid) -> tuple[Finding, ...]:
    """A refusal's errors with their places in the text; those of YAML itself name theirs already."""
    try:
        known = positions(text)
    except YAMLError:
        known = {}
    errors = wrong.errors or (FieldError("", wrong.detail),)
    return tuple(sorted((_finding(known, each) for each in errors), key=lambda each: (each.line, each.column)))


def _finding(known: dict[str, Position], error: FieldError) -> Finding:
    named = _LINE.match(error.pointer)
    at = Position(int(named[1]), int(named[2])) if named else place(known, "" if error.pointer == "/" else error.pointer)
    return Finding("" if named else error.pointer, at.line, at.column, error.detail, error.remedy)


async def _expressions(sandbox: Sandbox, definition: Definition) -> list[FieldError]:
    found = []
    for each in definition.programs:
        try:
            await sandbox.check_jq(each.text, each.variables)
        except (SandboxRefused, SandboxLimit) as error:
            found.append(
                FieldError(each.pointer, f"is no jq that can run here: {error.detail}", f"it may use ${', $'.join(each.variables)}")
            )
    return found


async def _endpoints(uow: UnitOfWork, definition: Definition, customer_id: UUID | None) -> list[FieldError]:
    if not any(each.host for each in definition.endpoints):
        return []
    known = await web.hosts(uow, customer_id)
    missing = [each for each in definition.endpoints if each.host and each.host not in known]
    return [
        FieldError(each.pointer, f"goes to {each.host}, and no connection does", "make a connection to that host first") for each in missing
    ]
