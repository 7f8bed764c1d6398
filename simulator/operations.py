"""What a simulated system offers: operations named like capabilities, each a plain function of a request and the partner's world."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.store import Document, Store


class Refused(Exception):
    """The system understood and says no: `status` 400, 404, 409 or 422 with a code and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer: Document = {"error": {"code": code, "message": message}}


@dataclass(frozen=True)
class World:
    """One partner's corner of the world as seen by one customer's account: other accounts' documents are not found."""

    store: Store
    partner: str
    account: str
    now: datetime

    def get(self, kind: str, id_: str) -> Document:
        """The account's document, or a 404 that does not betray another account's."""
        found = self.store.get(self.partner, kind, id_)
        if found is None or found.get("owner") != self.account:
            raise Refused(404, "not_found", f"There is no {kind} {id_}.")
        return found

    def put(self, kind: str, id_: str, body: Document) -> None:
        """Write a document of this account."""
        self.store.put(self.partner, kind, id_, {**body, "owner": self.account})

    def all(self, kind: str, **equal: str) -> list[Document]:
        """The account's documents of a kind whose named fields have the given values."""
        found = self.store.all(self.partner, kind)
        return [d for d in found if d.get("owner") == self.account and all(d.get(name) == value for name, value in equal.items())]

    def number(self, kind: str, prefix: str) -> str:
        """The next number of a kind, like `TCK-00004`."""
        return f"{prefix}-{self.store.count(self.partner, kind) + 1:05d}"


@dataclass(frozen=True)
class Request:
    """One authenticated call: path parameters, query, JSON body and the Idempotency-Key it came with."""

    path: Mapping[str, str]
    body: Document
    query: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None

    def text(self, name: str) -> str:
        """A required non-empty string of the body."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Refused(422, "field_missing", f"`{name}` must be a non-empty string.")
        return value


@dataclass(frozen=True)
class Answer:
    """Status and JSON body."""

    body: Document
    status: int = 200


Handler = Callable[[World, Request], Answer]


@dataclass(frozen=True)
class Operation:
    """One thing a system can do. `effect`: it changes the world, so its Idempotency-Key is honoured."""

    name: str
    method: str
    path: re.Pattern[str]
    effect: bool
    handle: Handler


@dataclass
class System:
    """A simulated system: its name and its operations."""

    name: str
    operations: list[Operation] = field(default_factory=list)

    def operation(self, method: str, path: str, *, effect: bool = False) -> Callable[[Handler], Handler]:
        """Register a handler; `{name}` in the path becomes a path parameter."""
        pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")

        def register(handle: Handler) -> Handler:
            self.operations.append(Operation(handle.__name__, method, pattern, effect, handle))
            return handle

        return register

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation for a request line, with its path parameters."""
        for operation in self.operations:
            found = operation.path.match(path)
            if operation.method == method and found:
                return operation, found.groupdict()
        return None


def ping(system: System, path: str) -> None:
    """Give a system the path its callers test a connection with."""

    @system.operation("GET", path)
    def ping(world: World, request: Request) -> Answer:
        """Says that the credential is known."""
        return Answer({"status": "ok", "account": world.account})


def public(document: Document, *names: str) -> Document:
    """The named fields of a document, for an answer."""
    return {name: document.get(name) for name in names}


def money(minor: int, currency: str = "EUR") -> dict[str, Any]:
    """An amount as these systems write it."""
    return {"minor": minor, "currency": currency}
