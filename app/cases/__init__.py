"""Cases: the work opened for an exception, from the first signal to outcome and cause.

Opens and groups cases, keeps their priority, owner, clocks on business time, approvals, offers and the one timeline; judges at the gate
whether an effect may leave. Keeps the queue in an order that explains itself, hands out the next case, lets cases rest, holds mail before it
leaves, hands shifts over, and puts before everyone what waits for their eyes.

Hears decision.made (in the same transaction) and every event that concerns a case (for the timeline, for who rests until it, for inboxes).
Says case.opened, case.grouped, case.reprioritised, case.proposed, case.acknowledged, case.assigned, case.declined, case.commented, case.called,
case.planned, case.snoozed, case.woken, case.moved, case.messaged, case.unsent, case.handed_over, case.waiting, case.continued,
case.escalated, case.warned, case.breached, case.resolved, case.reopened, deviation.recorded, approval.requested, approval.decided,
approval.used, approval.expired, offer.made, offer.answered, offer.expired, message.held, message.undone, handover.made,
queue_weights.changed, queue_weights.applied.
"""
