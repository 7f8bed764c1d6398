"""Workflows: what a partner decided shall happen about an exception, run durably to its end.

Definitions are Open Workflow Specification 1.0.3 (YAML), read and refused at save by `dsl.py`, run by the pure
interpreter in `engine.py`, kept and woken by `store.py`.
Hears case.opened (starts runs), and every event (wakes the runs that wait for it).
Says workflow.drafted/published/retired, run.started/suspended/resumed/cancelled/faulted/completed,
task.completed/faulted/retried/skipped.
"""
