"""What is struck out before people look at it."""

import pytest

from app.connectors.redaction import struck


class TestStruck:
    @pytest.mark.parametrize(
        "told",
        [
            {"api_key": "hunter2"}, {"credentials": {"user": "u", "value": "hunter2"}}, {"a": [{"Authorization": ["hunter2"]}]},
            {"note": "Bearer hunter2hunter2"}, {"url": "https://me:hunter2@host.example/x"}, {"url": "https://host.example/x?token=hunter2&y=1"},
            {"link": "https://host.example/l/hunter2hunter2hunter2"}, {"jwt": "eyJhbGciOiJ9.hunter2hunter2.hunter2hunter2"},
        ],
    )  # fmt: skip
    def test_leaves_no_secret(self, told: object) -> None:
        assert "hunter2" not in str(struck(told))

    def test_leaves_everything_else(self) -> None:
        told = {"order": "ORD-7731", "options": [{"id": "air", "cost_minor": 184000}], "note": "Basic idea", "none": None}
        assert struck(told) == told
