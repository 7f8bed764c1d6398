"""Keys that say "the same again": by the sender's id, by content, and never across kinds or sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.dedup import content_key, item_key, sender_key

pytestmark = pytest.mark.feature("M62")


class TestKeys:
    def test_are_equal_for_the_same_message_only(self) -> None:
        assert sender_key("wms", "1") == sender_key("wms", "1")
        assert content_key("edi", b"x") != content_key("edi", b"y")

    @given(st.text(), st.text(), st.text(), st.text())
    def test_never_meet_across_sources_whatever_the_names(self, source: str, sender: str, other: str, theirs: str) -> None:
        assert (sender_key(source, sender) == sender_key(other, theirs)) == ((source, sender) == (other, theirs))

    def test_never_meet_across_kinds(self) -> None:
        hashed = b"0" * 32
        assert len({content_key("s", hashed), item_key("s", hashed), sender_key("s", hashed.decode())}) == 3
