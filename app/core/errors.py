"""Errors are sentences beside the code that raises them; seven kinds carry the HTTP status.

A room declares `class CaseAlreadyResolved(Conflict): "This case is resolved; reopen it before adding work."`:
the docstring is what a person reads, the class name gives the problem's stable type (RFC 9457).
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field: where (JSON Pointer, or a name for headers and query), what, and what to do."""

    pointer: str
    detail: str
    remedy: str = ""


class Fault(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        extra: Mapping[str, object] | None = None,
        status: int | None = None,
    ) -> None:
        self.detail = detail or " ".join((type(self).__doc__ or self.title).split())
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.extra = dict(extra or {})
        if status is not None:
            self.status = status  # type: ignore[misc]
        super().__init__(self.detail)

    @classmethod
    def slug_of(cls) -> str:
        """The problem type's last segment, from the class name: `CaseAlreadyResolved` is `case-already-resolved`."""
        return re.sub(r"(?<!^)(?=[A-Z][a-z])", "-", cls.__name__).lower()

    @property
    def slug(self) -> str:
        return self.slug_of()


class Invalid(Fault):
    """What was sent can't be used."""

    status = 400
    title = "Invalid"


class Unauthenticated(Fault):
    """We don't know who is asking; send a valid key, session or signature."""

    status = 401
    title = "Unauthenticated"


class NotAllowed(Fault):
    """You may not do this."""

    status = 403
    title = "Not allowed"


class NotFound(Fault):
    """There is nothing here under this address."""

    status = 404
    title = "Not found"


class Conflict(Fault):
    """This clashes with what is there now."""

    status = 409
    title = "Conflict"


class LimitReached(Fault):
    """A limit was reached."""

    status = 429
    title = "Limit reached"


class Unavailable(Fault):
    """This can't be answered right now; try again shortly."""

    status = 503
    title = "Unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int | None = 2, **more: object) -> None:
        super().__init__(detail, retry_after=retry_after, **more)  # type: ignore[arg-type]
