"""Shapes that cross the room's door."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$", examples=["cutoff-missed"])]
Reason = Annotated[str, Meta(min_length=3, max_length=1000, examples=["The carrier confirmed by phone."])]
TaskRef = Annotated[str, Meta(pattern=r"^/", max_length=1000, examples=["/do/2/askCarrier"])]
DefinitionStatus = Literal["draft", "published", "retired"]
RunStatus = Literal["running", "suspended", "completed", "faulted", "cancelled"]


class NewWorkflow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A definition in YAML (Open Workflow Specification 1.0.3); without a customer it is the partner's own, usable for all."""

    content: Annotated[str, Meta(min_length=1, max_length=262_144)]
    customer_id: UUID | None = None


class WorkflowView(msgspec.Struct, kw_only=True):
    """One version of a definition."""

    id: UUID
    name: str
    version: int
    status: str
    customer_id: UUID | None
    namespace: str
    title: str
    document_version: str
    starts_on: list[str]
    content_hash: str
    created_at: datetime
    created_by: str
    published_at: datetime | None
    retired_at: datetime | None
    content: str | None = None


class RunView(msgspec.Struct, kw_only=True):
    """One run; `waiting_for` are the references of the steps that wait for the world, or failed."""

    id: UUID
    workflow: str
    version: int
    workflow_id: UUID
    status: str
    customer_id: UUID | None
    case_id: UUID | None
    waiting_for: list[str]
    reason: str | None
    problem: Any
    output: Any
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None


class TaskView(msgspec.Struct, kw_only=True):
    """One line of a run's log. Input, output and problem are for the partner's people."""

    seq: int
    task: str
    name: str
    kind: str
    attempt: int
    status: str
    effect_key: str | None
    started_at: datetime
    ended_at: datetime
    input: Any = None
    output: Any = None
    problem: Any = None


class Because(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a person steps in; it stands in the evidence."""

    reason: Reason


class Retry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which step to do again as a new effect; the one that failed, if none is named."""

    reason: Reason
    task: TaskRef | None = None


class Skip(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which step to pass over, and what it shall have given; its input, if nothing is said."""

    reason: Reason
    task: TaskRef | None = None
    output: Any = msgspec.UNSET
