"""What the customers' pages say: every language knows every sentence, with the same values in it."""

import re
from collections import Counter
from importlib import resources

import pytest

from app.canonical.requirements import document_types
from app.canonical.taxonomy import taxonomy
from app.portal.words import FALLBACK, languages, words

OTHERS = [name for name in languages() if name != FALLBACK]
_VALUE = re.compile(r"\{(\w+)\}")


def own(language: str) -> dict[str, str]:
    """A language's own sentences, as its file has them."""
    return dict(line.split(":", 1) for line in _lines(language))


def _lines(language: str) -> list[str]:
    text = (resources.files("app.portal") / "words" / f"{language}.yaml").read_text("utf-8")
    return [line for line in text.splitlines() if re.match(r"[a-z_0-9A-Z]+:", line)]


@pytest.mark.feature("M187")
class TestEveryLanguage:
    def test_is_one_of_five(self) -> None:
        assert set(languages()) == {"en", "de", "fr", "es", "ar"}

    @pytest.mark.parametrize("language", OTHERS)
    def test_knows_the_sentences_of_the_first(self, language: str) -> None:
        assert set(own(language)) == set(own(FALLBACK))

    @pytest.mark.parametrize("language", languages())
    def test_says_nothing_twice(self, language: str) -> None:
        assert [k for k, many in Counter(line.split(":")[0] for line in _lines(language)).items() if many > 1] == []

    @pytest.mark.parametrize("language", OTHERS)
    def test_puts_the_same_values_in(self, language: str) -> None:
        said, first = words("home", language), words("home", FALLBACK)
        assert [k for k in first if set(_VALUE.findall(said[k])) != set(_VALUE.findall(first[k]))] == []

    def test_has_words_for_all_that_can_go_wrong_and_all_that_is_asked_for(self) -> None:
        known = words("home", FALLBACK)
        kinds = [code.replace(".", "_") for code in taxonomy().types]
        fields = {name for kind in document_types().values() for name in kind.fields}
        wanted = [
            *(f"type_{k}" for k in kinds),
            *(f"what_{k}" for k in kinds),
            *(f"doc_{k}" for k in document_types()),
            *(f"field_{f}" for f in fields),
        ]
        assert [key for key in wanted if key not in known] == []
