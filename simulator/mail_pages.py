"""The mailbox as people read it: every letter that arrived, the newest first, and one letter as its reader sees it."""

from html import escape
from typing import Any
from urllib.parse import quote

from simulator.mail import Mailbox

_STYLE = """<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{text-align:start;padding:.4rem .6rem;border-bottom:1px solid #8886}
iframe{width:100%;height:70vh;border:1px solid #8886;background:#fff}pre{white-space:pre-wrap}</style>"""


def page(mailbox: Mailbox, path: str, to: str) -> str | None:
    """Return the page under `/mail` (a list, of one address when asked), `/mail/<number>` (a letter); None for any other path."""
    if path == "/mail":
        return _list(mailbox.messages(to or None), to)
    number = path.removeprefix("/mail/")
    letter = next((m for m in mailbox.messages() if str(m["seq"]) == number), None)
    return _letter(letter) if letter else None


def _list(letters: list[dict[str, Any]], to: str) -> str:
    rows = "".join(
        f'<tr><td>{escape(m["at"][11:19])}</td><td><a href="/mail?to={quote(m["to"])}">{escape(m["to"])}</a></td>'
        f'<td>{escape(str(m["from"]))}</td><td><a href="/mail/{m["seq"]}">{escape(m["subject"])}</a></td></tr>'
        for m in reversed(letters[-300:])
    )
    heading = f"Mail to {escape(to)}" if to else "Mail that arrived"
    table = f"<table><tr><th>at (UTC)</th><th>to</th><th>from</th><th>subject</th></tr>{rows}</table>" if rows else "<p>Nothing yet.</p>"
    return _framed(heading, f'<p><a href="/mail">everybody</a></p>{table}')


def _letter(letter: dict[str, Any]) -> str:
    about = f"<p>{escape(str(letter['from']))} → {escape(letter['to'])}, {escape(letter['at'])}</p>"
    shown = f'<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="the letter" srcdoc="{escape(_opening_outside(letter["html"]))}"></iframe>'
    plain = f"<details><summary>as plain text</summary><pre>{escape(str(letter['text']))}</pre></details>"
    body = shown + plain if letter["html"] else f"<pre>{escape(str(letter['text']))}</pre>"
    return _framed(escape(letter["subject"]), f'{about}<p><a href="/mail">all mail</a></p>{body}')


def _opening_outside(html: str) -> str:
    """Links of a letter open a window of their own: the frame it is shown in may not leave."""
    return f'<base target="_blank">{html}'


def _framed(title: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>{_STYLE}<h1>{title}</h1>{body}'
