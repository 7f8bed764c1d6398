"""What one exchange means: answered, refused for good, worth another try, or nobody knows. Pure; the words are the connector's."""

from typing import Any, Literal

import msgspec

from app.connectors.connector import Errors
from app.core.egress import Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge

Meaning = Literal["answered", "refused", "unauthorised", "retry", "unknown"]
Result = Answer | EgressRefused | EgressTimeout | EgressReset | EgressTooLarge


class Judgement(msgspec.Struct, frozen=True):
    """`is_sick`: the system itself is in trouble, which is what the breaker counts. `cause` is the error class a retry was for."""

    meaning: Meaning
    cause: str
    detail: str
    status: int | None = None
    is_sick: bool = False
    retry_after: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an asked capability ended.

    `refused`: the system (or our guard) said no, for good under this key. `failed`: nothing happened, the same key may be tried again.
    `unknown`: it may have happened; work is under way to find out, and asking again with the same key asks the system first.
    """

    status: Literal["done", "refused", "failed", "unknown"]
    response: Any = None
    error: dict[str, Any] | None = None
    call_id: Any = None
    connection: str | None = None
    answered_at: str | None = None


def judge(result: Result, errors: Errors, *, effect: bool) -> Judgement:
    """The meaning of a result. A doubtful one is unknown for an effect and worth another try for a question."""
    match result:
        case Answer():
            return _judge_answer(result, errors, effect)
        case EgressTimeout() | EgressReset():
            cause = "timeout" if isinstance(result, EgressTimeout) else "reset"
            doubtful = effect and result.after_write
            return Judgement("unknown" if doubtful else "retry", cause, result.detail, is_sick=True)
        case EgressTooLarge():
            return Judgement("unknown" if effect else "refused", "too_large", result.detail)
        case _:
            return Judgement("refused", "egress", result.detail)


def _judge_answer(answer: Answer, errors: Errors, effect: bool) -> Judgement:
    status, sick = answer.status, answer.status >= 500
    after = _retry_after(answer.headers.get("retry-after", ""))
    detail = f"The system answered {status}."
    if 200 <= status < 300:
        return Judgement("answered", "", "", status)
    if status == 401:
        return Judgement("unauthorised", "401", "The system does not accept the credential.", status)
    if status in errors.refuse:
        return Judgement("refused", str(status), detail, status)
    if status in errors.retry and not (effect and str(status) in errors.unknown):
        return Judgement("retry", str(status), detail, status, sick, after)
    if sick:
        return Judgement("unknown" if effect else "retry", str(status), detail, status, True, after)
    return Judgement("refused", str(status), detail, status)


def _retry_after(text: str) -> float | None:
    return float(text) if text.isdigit() and len(text) < 6 else None
