"""The states of a case and the verbs that move it."""

from typing import get_args

import pytest

from app.cases import status
from app.cases.status import CaseAlreadyResolved, CaseNotResolved, Status, Verb, moved


class TestMoved:
    @pytest.mark.parametrize(
        ("start", "verb", "acknowledged", "end"),
        [
            ("open", "acknowledge", False, "acknowledged"),
            ("open", "wait", False, "waiting"),
            ("waiting", "go_on", False, "open"),
            ("waiting", "go_on", True, "acknowledged"),
            ("waiting", "acknowledge", False, "waiting"),
            ("acknowledged", "resolve", True, "resolved"),
            ("resolved", "reopen", True, "open"),
        ],
    )
    def test_follows_the_picture(self, start: Status, verb: Verb, acknowledged: bool, end: Status) -> None:
        assert moved(start, verb, acknowledged=acknowledged) == end

    @pytest.mark.parametrize("verb", [verb for verb in get_args(Verb) if verb != "reopen"])
    def test_refuses_work_on_a_resolved_case(self, verb: Verb) -> None:
        with pytest.raises(CaseAlreadyResolved):
            moved("resolved", verb)

    @pytest.mark.parametrize("live", status.LIVE)
    def test_refuses_to_reopen_unfinished_work(self, live: Status) -> None:
        with pytest.raises(CaseNotResolved):
            moved(live, "reopen")

    def test_only_resolve_ends_the_work(self) -> None:
        ended = {verb for live in status.LIVE for verb in get_args(Verb) if verb != "reopen" and moved(live, verb) == "resolved"}
        assert ended == {"resolve"}
