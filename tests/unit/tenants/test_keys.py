"""API keys: a format that can be checked without the database and is stored only as a hash."""

import pytest

from tenants import keys
from tenants.keys import KeyMalformed, KeyMistyped, KeyOfAnotherPlatform

pytestmark = pytest.mark.feature("M54")


class TestMake:
    def test_writes_the_published_format(self) -> None:
        prefix, environment, public_id, tail = keys.make("live").text.split("_")
        assert (prefix, environment, len(public_id), len(tail)) == ("dk", "live", 12, 38)

    def test_carries_the_platforms_own_prefix(self) -> None:
        assert keys.make("test", prefix="nw").text.startswith("nw_test_")

    def test_never_makes_the_same_key_twice(self) -> None:
        assert len({keys.make("dev").text for _ in range(200)}) == 200

    def test_keeps_the_secret_out_of_its_representation(self) -> None:
        key = keys.make("live")
        assert key.secret not in repr(key) and key.secret not in key.shown


class TestParse:
    def test_reads_what_make_wrote(self) -> None:
        key = keys.make("live")
        assert keys.parse(key.text) == key

    def test_refuses_every_single_mistyped_character(self) -> None:
        text = keys.make("live").text
        for at in range(8, len(text)):
            if text[at] == "_":
                continue
            other = "x" if text[at] != "x" else "y"
            with pytest.raises(KeyMistyped):
                keys.parse(text[:at] + other + text[at + 1 :])

    @pytest.mark.parametrize("text", ["", "dk_live", "Bearer x", "dk_live_a_b", "x" * 5000, "dk_live_" + "é" * 12 + "_" + "a" * 38])
    def test_refuses_what_is_no_key(self, text: str) -> None:
        with pytest.raises(KeyMalformed):
            keys.parse(text)

    def test_refuses_a_key_cut_by_its_last_character(self) -> None:
        with pytest.raises(KeyMalformed):
            keys.parse(keys.make("live").text[:-1])

    def test_refuses_another_platforms_prefix(self) -> None:
        with pytest.raises(KeyOfAnotherPlatform):
            keys.parse(keys.make("live", prefix="zz").text)


class TestStoredHash:
    def test_proves_the_secret_and_no_other(self) -> None:
        one, two = keys.make("live"), keys.make("live")
        assert keys.proves(one.secret, one.hash)
        assert not keys.proves(two.secret, one.hash)
