"""What changes a case. One file for how it begins, whose it is, how it is worked on, spoken of, put aside, and how it ends."""

from app.cases.commands.ending import reopen, resolve
from app.cases.commands.opening import open_case, update_priority
from app.cases.commands.owning import assign, decline, next_case, take
from app.cases.commands.resting import snooze, unsnooze, wake
from app.cases.commands.speaking import comment, log_call
from app.cases.commands.working import acknowledge, escalate, plan, ring

__all__ = [
    "acknowledge", "assign", "comment", "decline", "escalate", "log_call", "next_case", "open_case", "plan", "reopen", "resolve",
    "ring", "snooze", "take", "unsnooze", "update_priority", "wake",
]  # fmt: skip
