"""The defaults of a task type's behaviour: one that only enters and completes."""

from abc import ABC, abstractmethod
from typing import Any

from app.workflows.definition import Task
from app.workflows.frames import Asking, At, Deciding
from app.workflows.machine import Machine
from app.workflows.problems import Problem
from app.workflows.reader import Reader


class Misdirected(Exception):
    """A task was told of something that tasks of its type never have; a programming error."""


class Kind(ABC):
    """A task type: how it is read, and what it does when entered; subclasses add what they need."""

    kind = ""

    @abstractmethod
    def read(self, reader: Reader, node: dict[str, Any], ref: str, name: str) -> Task | None:
        """The typed task, or None with the findings noted."""

    @abstractmethod
    def enter(self, machine: Machine, at: At, task: Any) -> Asking:
        """The task begins; its input is checked and turned."""

    def returned(self, machine: Machine, at: At, task: Any, output: Any) -> Asking:
        """What ran on top of the task is done: its output is the task's, unless a subclass knows better."""
        machine.complete(at, output)
        yield from ()

    def joined(self, machine: Machine, at: At, task: Any, branch: str, output: Any) -> Asking:
        """One of the task's branches is done."""
        raise Misdirected(f"{self.kind} has no branches")

    def catches(self, machine: Machine, at: At, task: Any, problem: Problem, branch: str | None) -> Deciding:
        """Whether the task handles a problem from above it, or from one of its branches."""
        yield from ()
        return False

    def caught(self, machine: Machine, at: At, task: Any, problem: Problem, branch: str | None) -> Asking:
        """Handle the problem that `catches` accepted."""
        raise Misdirected(f"{self.kind} catches nothing")

    def due(self, machine: Machine, at: At, task: Any) -> Asking:
        """The moment in the frame's `due` has come."""
        raise Misdirected(f"{self.kind} waits for no moment")
