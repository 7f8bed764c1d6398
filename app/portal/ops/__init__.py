"""The control tower: the queue, a case, a run, approvals, figures."""
