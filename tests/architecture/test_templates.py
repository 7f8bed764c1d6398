"""Rules of the portal's templates and scripts, each with the reason it exists: what the pages' policy forbids, what a reader without eyes or script needs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateSyntaxError

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted([*(ROOT / "app/portal/templates").rglob("*.html"), *(ROOT / "branding/system").glob("*.html")])
SCRIPTS = sorted((ROOT / "app/portal/static").glob("*.js"))
SHEETS = sorted((ROOT / "branding/system").glob("*.css"))
_TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_SELF_LABELLED = {"hidden", "submit", "button", "image", "reset"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _text(path: Path) -> str:
    """A template without its own comments, which never reach a page; lines stay where they are."""
    return _TEMPLATE_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), path.read_text())


def _lines(pattern: str, files: list[Path], *, flags: re.RegexFlag = re.IGNORECASE) -> list[str]:
    """Where a pattern stands."""
    return [
        f"{_name(path)}:{number}: {line.strip()[:120]}"
        for path in files
        for number, line in enumerate(_text(path).splitlines(), 1)
        if re.search(pattern, line, flags)
    ]


class TestTheTemplates:
    def test_are_there(self) -> None:
        assert len(TEMPLATES) > 5

    def test_can_be_read(self) -> None:
        """A template that can't be parsed is found by its first reader otherwise."""
        wrong = []
        for path in TEMPLATES:
            try:
                Environment().parse(path.read_text())
            except TemplateSyntaxError as error:
                wrong.append(f"{_name(path)}:{error.lineno}: {error.message}")
        assert wrong == []

    def test_carry_no_style_of_their_own(self) -> None:
        """The policy allows the brand's sheet alone: a style attribute is dropped by the browser, and the page breaks in silence."""
        assert _lines(r"<[^>]*\sstyle\s*=|<style\b(?![^>]*\bnonce=)", TEMPLATES) == []

    def test_carry_no_script_of_their_own(self) -> None:
        """Handlers in attributes and scripts in pages are what an attacker's text becomes."""
        assert (
            _lines(
                r"<[^>]*\son[a-z]+\s*=|javascript:|hx-on|hx-vals\s*=\s*[\"']js:|<script(?![^>]*\bnonce=)|<script(?![^>]*\bsrc=)", TEMPLATES
            )
            == []
        )

    def test_trust_no_text(self) -> None:
        """`safe` and `autoescape false` are how one forgotten field becomes everybody's session."""
        assert _lines(r"\|\s*safe\b|autoescape|Markup\(", TEMPLATES) == []

    def test_quote_what_others_wrote(self) -> None:
        """A value without quotes ends at its first space, and what follows becomes attributes: only ids and counters go without."""
        assert [each for path in TEMPLATES for each in _unquoted(path)] == []

    def test_load_nothing_from_elsewhere(self) -> None:
        """No third party learns who looks at a partner's portal."""
        assert _lines(r"(src|href|action|url\()\s*=?\s*[\"']?(https?:)?//", [*TEMPLATES, *SHEETS]) == []

    def test_leave_no_word_in_the_page(self) -> None:
        """An HTML comment is shipped to everybody; what we tell each other belongs into the template's own comments."""
        assert _lines(r"<!--", TEMPLATES) == []

    def test_open_forms_that_change_something_with_the_sessions_token(self) -> None:
        """A form without it is refused, which nobody sees before they press its button."""
        wrong = []
        for path in TEMPLATES:
            text = _text(path)
            for found in re.finditer(r"<form\b[^>]*method=[\"']post[\"'][^>]*>(.*?)(?:</form>|\Z)", text, re.IGNORECASE | re.DOTALL):
                if 'name="csrf"' not in found[1] and not _is_signed_out(path):
                    wrong.append(f"{_name(path)}:{text[: found.start()].count(chr(10)) + 1}")
        assert wrong == []

    def test_name_every_field(self) -> None:
        """A field without a label is a riddle to a screen reader; a placeholder is none."""
        assert [each for path in TEMPLATES for each in _unlabelled(path)] == []

    def test_describe_every_picture(self) -> None:
        """`alt=""` says that a picture only decorates; none at all makes the reader spell its address."""
        assert _lines(r"<img\b(?![^>]*\balt=)", TEMPLATES) == []

    def test_keep_headings_to_the_page(self) -> None:
        """One h1 a page, which the frame leaves to it."""
        assert _lines(r"<h1\b", [path for path in TEMPLATES if path.name in ("layout.html", "frame.html", "ui.html")]) == []


class TestTheScripts:
    @pytest.mark.parametrize(
        "pattern",
        [r"\.innerHTML\b", r"\.outerHTML\b", r"\beval\(", r"new Function", r"document\.write", r"insertAdjacentHTML", r"\.style\b"],
    )
    def test_make_no_page_of_text(self, pattern: str) -> None:
        """What the server escaped must not be read as markup here; style set by script is refused by no policy but no brand knows it."""
        assert _lines(pattern, SCRIPTS, flags=re.RegexFlag(0)) == []


def _unquoted(path: Path) -> list[str]:
    """Attributes whose value is an expression without quotes around it."""
    text = re.sub(r"\{%.*?%\}", "", _text(path), flags=re.DOTALL)
    marked = re.sub(r"\{\{\s*(.*?)\s*\}\}", lambda found: "⟦" + re.sub(r"[^\w.]", "_", found[1]) + "⟧", text, flags=re.DOTALL)
    bare = (re.sub(r"\"[^\"]*\"|'[^']*'", "''", tag) for tag in re.findall(r"<[a-z][^>]*>", marked))
    return [
        f"{_name(path)}: {tag[:120]}"
        for tag in bare
        for value in re.findall(r"=[^\s⟦']*⟦([^⟧]*)⟧", tag)
        if not re.fullmatch(r"(\w+\.)*(id|index0?)|w\.iso_.*", value)
    ]


def _is_signed_out(path: Path) -> bool:
    """Pages of people who have no session yet have no token to carry."""
    return path.parent.name == "identity"


def _unlabelled(path: Path) -> list[str]:
    """Fields that no label's `for`, no wrapping label and no aria-label names."""
    reader = _Fields()
    reader.feed(re.sub(r"\{%.*?%\}", "", _text(path), flags=re.DOTALL))
    return [
        f"{_name(path)}:{line}: {tag} {name}"
        for line, tag, name, known in reader.found
        if known not in reader.labelled and known is not True
    ]


class _Fields(HTMLParser):
    """The fields of a template, with what names them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str, str, str | bool]] = []
        self.labelled: set[str] = set()
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note labels and fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "label":
            self._inside += 1
            self.labelled.add(given.get("for", "").strip())
        elif tag in ("input", "select", "textarea") and given.get("type", "") not in _SELF_LABELLED:
            named = bool(self._inside or "aria-label" in given or "aria-labelledby" in given)
            self.found.append((self.getpos()[0], tag, given.get("name", ""), named or given.get("id", "?").strip()))

    def handle_endtag(self, tag: str) -> None:
        """A label ends."""
        if tag == "label":
            self._inside = max(0, self._inside - 1)


class TestTheFramesWords:
    def test_are_not_taken_for_something_else(self):
        """A page that sets `done` for itself sets it for the frame too, which then says it on top."""
        taken = re.compile(r"{%-?\s*set\s+(done|area|path|reader|brand|voice|nonce|csrf|once|now|language|direction|logo|htmx|screen)\s*=")
        wrong = [f"{path.relative_to(ROOT)}: {found}" for path in TEMPLATES for found in taken.findall(path.read_text())]
        assert wrong == []
