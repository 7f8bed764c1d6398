import pytest

from app.connectors import backoff
from app.connectors.connector import Errors
from app.connectors.outcomes import judge
from app.connectors.redaction import KEPT_BYTES, kept, redacted
from app.core.egress import Answer, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge

pytestmark = pytest.mark.feature("M60", "M143")
ERRORS = Errors(retry=(429, 503), refuse=(404,), unknown=("timeout", "reset", "502"))


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, headers, b"")


class TestJudge:
    @pytest.mark.parametrize(
        ("result", "question", "effect"),
        [
            (answer(200), "answered", "answered"),
            (answer(204), "answered", "answered"),
            (answer(302), "refused", "refused"),
            (answer(401), "unauthorised", "unauthorised"),
            (answer(404), "refused", "refused"),
            (answer(418), "refused", "refused"),
            (answer(429), "retry", "retry"),
            (answer(503), "retry", "retry"),
            (answer(500), "retry", "unknown"),
            (answer(502), "retry", "unknown"),
            (EgressRefused("x"), "refused", "refused"),
            (EgressTooLarge("x"), "refused", "unknown"),
            (EgressTimeout("x", after_write=False), "retry", "retry"),
            (EgressReset("x", after_write=False), "retry", "retry"),
            (EgressTimeout("x", after_write=True), "retry", "unknown"),
            (EgressReset("x", after_write=True), "retry", "unknown"),
        ],
    )
    def test_a_doubt_is_unknown_for_an_effect_and_another_try_for_a_question(self, result, question: str, effect: str):
        assert judge(result, ERRORS, effect=False).meaning == question
        assert judge(result, ERRORS, effect=True).meaning == effect

    def test_only_trouble_of_the_system_counts_for_the_breaker(self):
        assert [judge(r, ERRORS, effect=True).is_sick for r in (answer(429), answer(404), answer(503), EgressReset("x", after_write=False))] == [
            False, False, True, True,
        ]  # fmt: skip

    def test_hears_when_to_come_back(self):
        assert judge(answer(429, **{"retry-after": "7"}), ERRORS, effect=True).retry_after == 7.0
        assert judge(answer(429, **{"retry-after": "soon"}), ERRORS, effect=True).retry_after is None


class TestBackoff:
    def test_grows_with_jitter_and_never_below_what_was_asked_for(self):
        assert [backoff.pause(n, None, lambda: 1.0) for n in (1, 2, 3, 4, 5)] == [0.2, 0.4, 0.8, 1.6, 2.0]
        assert backoff.pause(5, None, lambda: 0.0) == 0.0
        assert backoff.pause(1, 3.0, lambda: 1.0) == 3.0

    def test_stops_at_attempts_patience_and_the_cases_budget(self):
        assert backoff.may_retry(1, 0.2, 0.0, 0)
        assert not backoff.may_retry(backoff.ATTEMPTS, 0.2, 0.0, 0)
        assert not backoff.may_retry(1, 60.0, 0.0, 0)
        assert not backoff.may_retry(1, 0.2, backoff.PATIENCE_SECONDS, 0)
        assert not backoff.may_retry(1, 0.2, 0.0, backoff.CASE_RETRIES_PER_HOUR)


@pytest.mark.feature("M122")
class TestRedaction:
    def test_strikes_secrets_out_at_any_depth(self):
        assert redacted({"a": [{"api_key": "x", "Authorization": "y", "n": 1}], "token": None}) == {
            "a": [{"api_key": "…", "Authorization": "…", "n": 1}], "token": "…",
        }  # fmt: skip

    def test_keeps_small_json_and_the_size_of_the_rest(self):
        assert kept(b'{"password": "x", "id": 1}') == {"password": "…", "id": 1}
        assert kept(b"") is None and kept(b"<html>") == {"omitted": "6 bytes that are not JSON"}
        assert kept(b"1" * (KEPT_BYTES + 1)) == {"omitted": f"{KEPT_BYTES + 1} bytes"}
