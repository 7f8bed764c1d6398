"""The one history of every schema: roles, the initial tables room by room, and what came after."""
