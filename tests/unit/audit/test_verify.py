"""The chain: every way of tampering with log or chain is found and named."""

import copy
import hashlib
import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.audit import chain
from app.audit.chain import Head, Link
from app.audit.verify import Finding, Verifier

pytestmark = pytest.mark.feature("M146", "M120")
TENANT, CUSTOMER = UUID(int=1), UUID(int=2)
START = chain.genesis(TENANT, CUSTOMER)


def event(n: int) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "type": "case.opened",
        "tenant_id": str(TENANT),
        "customer_id": str(CUSTOMER),
        "actor": f"user:{n}",
        "data": {"n": n, "grüße": "ß"},
        "changes": {"status": [None, "open"]},
    }


class Log:
    """A little log with its chain, to be tampered with."""

    def __init__(self, length: int) -> None:
        self.events = [event(n) for n in range(length)]
        self.links: list[Link] = []
        self.rechain()

    def rechain(self, start: int = 0) -> None:
        del self.links[start:]
        head = chain.head_of(self.links[-1]) if self.links else START
        for item in self.events[start:]:
            self.links.append(chain.extend(head, item))
            head = chain.head_of(self.links[-1])

    @property
    def head(self) -> Head:
        return chain.head_of(self.links[-1]) if self.links else START

    def anchors(self, *places: int) -> dict[int, bytes]:
        return {place: self.links[place - 1].hash for place in places}

    def verify(self, anchors: dict[int, bytes] | None = None, head: Head | None = None) -> list[Finding]:
        verifier = Verifier(CUSTOMER, START, anchors or {})
        by_id = {item["id"]: item for item in self.events}
        for link in sorted(self.links, key=lambda link: link.seq):
            verifier.feed(link, by_id.get(str(link.event_id)))
        return verifier.finish(head or self.head)


def said(findings: list[Finding]) -> list[tuple[str, int]]:
    return [(finding.what, finding.seq) for finding in findings]


class TestVerify:
    def test_finds_nothing_in_an_untouched_chain(self) -> None:
        log = Log(8)
        assert log.verify(log.anchors(3, 8)) == []

    def test_finds_nothing_in_an_empty_chain(self) -> None:
        assert Log(0).verify() == []

    @pytest.mark.parametrize("place", [1, 4, 8])
    def test_names_an_edited_event(self, place: int) -> None:
        log = Log(8)
        log.events[place - 1]["actor"] = "user:somebody-else"
        assert said(log.verify()) == [("edited", place)]

    def test_names_an_edited_event_whose_own_link_was_made_to_fit(self) -> None:
        log = Log(8)
        log.events[3]["data"] = {"n": 99}
        log.links[3] = chain.extend(chain.head_of(log.links[2]), log.events[3])
        assert said(log.verify()) == [("edited", 4)]

    def test_names_an_event_deleted_from_the_log(self) -> None:
        log = Log(8)
        gone = log.events.pop(4)
        findings = log.verify()
        assert said(findings) == [("deleted", 5)]
        assert str(findings[0].event_id) == gone["id"]

    def test_names_entries_deleted_from_log_and_chain(self) -> None:
        log = Log(8)
        del log.events[2:4], log.links[2:4]
        findings = log.verify()
        assert said(findings) == [("deleted", 3)]
        assert "3 to 4" in findings[0].detail

    def test_names_two_entries_that_changed_places(self) -> None:
        log = Log(8)
        log.links[2], log.links[3] = replace(log.links[3], seq=3), replace(log.links[2], seq=4)
        findings = said(log.verify())
        assert findings and {what for what, _ in findings} == {"reordered"}

    def test_names_two_entries_that_exchanged_their_events(self) -> None:
        log = Log(8)
        one, two = log.links[2], log.links[5]
        log.links[2], log.links[5] = replace(one, event_id=two.event_id), replace(two, event_id=one.event_id)
        assert said(log.verify()) == [("reordered", 3), ("reordered", 6)]

    def test_names_a_tail_cut_behind_the_heads_back(self) -> None:
        log = Log(8)
        head = log.head
        del log.events[6:], log.links[6:]
        assert said(log.verify(head=head)) == [("cut", 7)]

    def test_names_a_tail_cut_with_the_head_set_back_by_its_anchor(self) -> None:
        log = Log(8)
        anchors = log.anchors(4, 8)
        del log.events[6:], log.links[6:]
        assert said(log.verify(anchors)) == [("cut", 7)]

    def test_names_a_whole_chain_that_vanished(self) -> None:
        log = Log(8)
        anchors = log.anchors(8)
        log.events.clear()
        log.links.clear()
        assert said(log.verify(anchors)) == [("cut", 1)]

    def test_names_a_chain_computed_anew_by_its_anchor(self) -> None:
        log = Log(8)
        anchors = log.anchors(5, 8)
        log.events[2]["actor"] = "user:innocent"
        log.rechain(2)
        assert log.verify() == []  # the chain alone can't know
        assert said(log.verify(anchors)) == [("rechained", 5)]

    def test_refuses_another_customers_chain_in_this_ones_place(self) -> None:
        log = Log(3)
        verifier = Verifier(None, chain.genesis(TENANT, None))
        for link, item in zip(log.links, log.events, strict=True):
            verifier.feed(link, item)
        assert said(verifier.finish(log.head)) != []

    def test_names_a_head_set_back_alone(self) -> None:
        log = Log(8)
        assert said(log.verify(head=chain.head_of(log.links[5]))) == [("cut", 7)]


class TestCanonicalBytes:
    def test_can_be_recomputed_with_the_standard_library_alone(self) -> None:
        item = event(1)
        again = json.loads(json.dumps(item))
        body = {"event": {name: again.get(name) for name in chain.FIELDS}, "seq": 1}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert chain.extend(START, item).hash == hashlib.sha256(START.hash + text.encode()).digest()

    def test_bind_every_field_of_the_event(self) -> None:
        item = event(1)
        for name in chain.FIELDS:
            other = copy.deepcopy(item)
            other[name] = "altered"
            assert chain.canonical(other, 1) != chain.canonical(item, 1), name
