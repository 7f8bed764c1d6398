"""What changes a case. One file for how it begins, one for how it is worked on, one for how it ends."""

from app.cases.commands.ending import reopen, resolve
from app.cases.commands.opening import open_case, update_priority
from app.cases.commands.working import acknowledge, assign, comment, escalate, ring

__all__ = ["acknowledge", "assign", "comment", "escalate", "open_case", "reopen", "resolve", "ring", "update_priority"]
