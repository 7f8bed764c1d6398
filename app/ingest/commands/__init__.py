"""The verbs of the room, one module each."""
