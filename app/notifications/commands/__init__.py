"""What this room can be asked to do: send notices, take them back, and keep templates."""

from app.notifications.commands.send import send
from app.notifications.commands.withdraw import withdraw

__all__ = ["send", "withdraw"]
