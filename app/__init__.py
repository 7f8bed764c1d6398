"""The application: rooms on floors, each importing only from the floors below it (see docs/architecture.md)."""
