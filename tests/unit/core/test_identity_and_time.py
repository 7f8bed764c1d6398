"""Ids that are time, clocks that are passed in, contexts that are signed, errors that are sentences."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.core.clock import FixedClock, SystemClock
from app.core.context import Context, Signer
from app.core.errors import Conflict, Invalid, Unavailable
from app.core.ids import lowest_at, new_id, time_of
from app.core.paging import decode_cursor, encode_cursor, next_link
from app.core.telemetry import read_trace, traceparent

A, B = UUID(int=1), UUID(int=2)


class TestAnId:
    def test_sorts_and_tells_by_time(self) -> None:
        before = datetime.now(UTC)
        made = [new_id() for _ in range(100)]
        assert made == sorted(made)
        assert {m.version for m in made} == {7}
        assert abs(time_of(made[0]) - before) < timedelta(seconds=5)

    def test_made_at_a_moment_is_never_below_that_moments_bound(self) -> None:
        made = new_id()
        assert lowest_at(time_of(made)) <= made < lowest_at(time_of(made) + timedelta(milliseconds=1))


class TestAClock:
    def test_follows_the_databases_time(self) -> None:
        clock = SystemClock()
        clock.follow(datetime.now(UTC) + timedelta(hours=3))
        assert timedelta(hours=2, minutes=59) < clock.now() - datetime.now(UTC) < timedelta(hours=3, minutes=1)

    def test_for_tests_stands_still(self) -> None:
        clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))
        clock.advance(timedelta(minutes=1))
        assert clock.now() == datetime(2026, 11, 23, 0, 1, tzinfo=UTC)


class TestASignedContext:
    def test_is_the_same_for_the_same_and_other_for_another(self) -> None:
        signer = Signer(b"k" * 32)
        one = Context.one(A, actor="key:1")
        assert signer.sign(one, 1000) == signer.sign(one, 1000)
        assert (
            len(
                {
                    signer.sign(c, 1000)
                    for c in (one, Context.one(B, actor="key:1"), Context.one(A, actor="key:2"), Context.one(A, actor="key:1", customer=B))
                }
            )
            == 4
        )

    def test_has_a_number_of_its_own_for_every_key(self) -> None:
        assert Signer(b"k" * 32).kid != Signer(b"l" * 32).kid

    @pytest.mark.parametrize("actor", ["", "ann", "key:", "key:1|set", "key:1'", "admin:1", "key:" + "x" * 81])
    def test_refuses_an_actor_that_is_none(self, actor: str) -> None:
        with pytest.raises(ValueError, match="actor"):
            Context.one(A, actor=actor)

    def test_of_a_set_is_bounded_and_has_no_one_tenant(self) -> None:
        with pytest.raises(ValueError, match="hold"):
            Context.many([UUID(int=i) for i in range(129)], actor="system:x")
        with pytest.raises(ValueError, match="no one tenant"):
            _ = Context.many([A, B], actor="system:x").tenant


class TestAnError:
    def test_is_the_sentence_of_its_class_and_gives_the_problems_type(self) -> None:
        class CaseAlreadyResolved(Conflict):
            """This case is resolved; reopen it before adding work."""

        error = CaseAlreadyResolved()
        assert (error.detail, error.slug, error.status) == (
            "This case is resolved; reopen it before adding work.",
            "case-already-resolved",
            409,
        )
        assert Invalid(status=422).status == 422
        assert Invalid().status == 400
        assert Unavailable().retry_after == 2


class TestACursor:
    def test_comes_back_as_it_went(self) -> None:
        moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
        assert decode_cursor(encode_cursor([moment, 7, A]), [datetime, int, UUID]) == [moment, 7, A]

    def test_stands_in_the_link_instead_of_the_one_before(self) -> None:
        assert next_link("/v1/cases", "status=open&cursor=old", "new") == "/v1/cases?status=open&cursor=new"


class TestATrace:
    def test_is_taken_from_the_header_or_made(self) -> None:
        given = "0af7651916cd43dd8448eb211c80319c"
        assert read_trace(f"00-{given}-b7ad6b7169203331-01") == given
        for wrong in (None, "", "x", f"00-{'0' * 32}-b7ad6b7169203331-01", "00-short-b7ad6b7169203331-01"):
            assert len(read_trace(wrong)) == 32
        assert traceparent(given).startswith(f"00-{given}-")
