"""Policies: versioned rules in CEL that open and prioritise exceptions and bound what may be done about them.

Hears promise.missed (an absence is an event like any other, decided on by work "decide"). Says policy.drafted, policy.published,
policy.retired, decision.made. Expressions run in the sandbox only; a decision keeps each input's value, source and age.
"""
