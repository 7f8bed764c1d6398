"""The service-level contract: what is wrong with one is said with its place and remedy."""

from typing import Any

import pytest

from tenants.sla import problems

pytestmark = pytest.mark.feature("M188")
GOOD = {
    "first_response": "PT30M",
    "resolution": "PT8H",
    "calendar": {"zone": "Europe/Berlin", "hours": "Mon-Fri 07:00-19:00; Sat 08:00-12:00", "holidays": ["DE-BE", "2026-12-24"]},
}


class TestProblems:
    @pytest.mark.parametrize("sla", [None, {}, GOOD, {"resolution": "P2D"}, {"calendar": {"hours": "always", "holidays": "DE"}}])
    def test_finds_none_in_a_good_contract(self, sla: Any) -> None:
        assert problems(sla) == []

    @pytest.mark.parametrize(
        ("sla", "pointer"),
        [
            ("PT8H", "/sla"),
            ({"resolution": "8h"}, "/sla/resolution"),
            ({"resolution": "PT"}, "/sla/resolution"),
            ({"first_response": 30}, "/sla/first_response"),
            ({"respond": "PT8H"}, "/sla/respond"),
            ({"calendar": "Berlin"}, "/sla/calendar"),
            ({"calendar": {"zone": "Berlin"}}, "/sla/calendar/zone"),
            ({"calendar": {"zone": "../../etc/passwd"}}, "/sla/calendar/zone"),
            ({"calendar": {"hours": "9-5"}}, "/sla/calendar/hours"),
            ({"calendar": {"holidays": {"DE": True}}}, "/sla/calendar/holidays"),
            ({"calendar": {"lunch": "12:00"}}, "/sla/calendar/lunch"),
        ],
    )
    def test_names_what_is_wrong_by_pointer_with_a_remedy(self, sla: Any, pointer: str) -> None:
        found = problems(sla)
        assert [p.pointer for p in found] == [pointer]
        assert found[0].remedy
