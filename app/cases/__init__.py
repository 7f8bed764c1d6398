"""Cases: the work opened for an exception, from the first signal to outcome and cause.

Opens and groups cases, keeps their priority, owner, clocks on business time, approvals, offers and the one timeline; judges at the gate
whether an effect may leave.

Hears decision.made (in the same transaction) and every event that concerns a case (for the timeline).
Says case.opened, case.grouped, case.reprioritised, case.proposed, case.acknowledged, case.assigned, case.commented, case.waiting, case.continued,
case.escalated, case.warned, case.breached, case.resolved, case.reopened, deviation.recorded, approval.requested, approval.decided,
approval.used, approval.expired, offer.made, offer.answered, offer.expired.
"""
