"""What this room can be asked to do: send notices, and keep templates."""

from app.notifications.commands.send import send

__all__ = ["send"]
