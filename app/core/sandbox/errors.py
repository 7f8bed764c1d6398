"""How a program ends that doesn't give its result."""

import msgspec

from app.core.errors import Invalid, LimitReached


class SandboxRefused(Invalid):
    """This program can't be used."""

    def __init__(self, detail: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(detail, extra={k: v for k, v in (("line", line), ("column", column)) if v is not None})
        self.line = line
        self.column = column


class SandboxLimit(LimitReached):
    """This program reached its limit of time, memory or size."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, status=413)


class SandboxFailure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item's failure in a batch: it belongs to that item, its neighbours have their results."""

    message: str
    is_limit: bool = False
    line: int | None = None
    column: int | None = None

    def fault(self) -> SandboxRefused | SandboxLimit:
        """The same as an error to raise, for a caller with one item."""
        if self.is_limit:
            return SandboxLimit(self.message)
        return SandboxRefused(self.message, line=self.line, column=self.column)
