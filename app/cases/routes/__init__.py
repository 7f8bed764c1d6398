"""Cases over HTTP: the queue, work on a case, whose it is, approvals and offers, messages, shifts, inboxes and weights."""

from app.cases.routes import answers, cases, desk, inbox, messages, queue, shifts

ROUTES = [*queue.ROUTES, *cases.ROUTES, *desk.ROUTES, *answers.ROUTES, *messages.ROUTES, *shifts.ROUTES, *inbox.ROUTES]
