"""Canonical: shipment, order, inventory position, document, party, location and promise in one shape, whoever told of them.

Events are told to it by commands (`record`); state never moves backwards, and any order and number of the same events ends the same.
Hears promises that are due (work "promise"). Says order.recorded, order.cutoff_missed, shipment.recorded, shipment.milestone_recorded,
inventory.recorded, document.recorded/required/uploaded/refused/verified, promise.due/kept/missed.
The exception taxonomy, the event types and the milestones are data beside the code.
"""
