"""X12 documents of our own, small, with a knob for each thing that goes wrong in the wild."""

STATUS = "AT7*AF*AW***20261123*1705*ET"


def transaction_set(number: str = "0001", *body: str, count: int | None = None, closing: str | None = None, kind: str = "214") -> str:
    lines = list(body) or ["B10*REF-1*SHP-1*SCAC", "L11*ORD-1*PO", "N1*SF*ACME", "N3*1 Road", "N4*Town*ON*A1A1A1*CA", "LX*1", STATUS]
    trailer = f"SE*{count or len(lines) + 2}*{closing or number}"
    return "~".join([f"ST*{kind}*{number}", *lines, trailer]) + "~"


def interchange(
    *sets: str, control: str = "000000007", groups: str = "1", declared: int | None = None, ge: str = "7", iea: str = "000000007"
) -> bytes:
    isa = f"ISA*00*          *00*          *02*SCAC           *ZZ*DETOUR         *261123*1705*U*00401*{control}*0*P*>~"
    gs = "GS*QM*SCAC*DETOUR*20261123*1705*7*X*004010~"
    return (isa + gs + "".join(sets) + f"GE*{declared or len(sets)}*{ge}~IEA*{groups}*{iea}~").encode()


def with_delimiters(raw: bytes, element: str, component: str, terminator: str) -> bytes:
    """The same document in other delimiters."""
    return raw.decode().translate({ord("*"): element, ord(">"): component, ord("~"): terminator}).encode()
