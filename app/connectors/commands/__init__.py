"""What can be done with connections and calls."""

from app.connectors.commands.connections import (
    change_connection,
    create_connection,
    disable,
    enable,
    mark_tested,
    rotate,
    update_connection,
)
from app.connectors.commands.invoking import Ask, invoke, invoke_by_hand
from app.connectors.commands.settling import reconcile_call, settle
from app.connectors.commands.trying import try_connection

__all__ = [
    "Ask",
    "change_connection",
    "create_connection",
    "disable",
    "enable",
    "invoke",
    "invoke_by_hand",
    "mark_tested",
    "reconcile_call",
    "rotate",
    "settle",
    "try_connection",
    "update_connection",
]
