"""The trace of a request is the trace of everything it sets going, through the queue and over every listener."""

import pytest

from tests.integration.ingest.desk import Desk, missed

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.feature("M38")
class TestATrace:
    async def test_goes_with_the_signal_to_the_events_it_becomes(self, desk: Desk) -> None:
        await desk.hook(missed("ORD-77"), traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        await desk.settle()
        accepted, became = await desk.events("signal.accepted", "order.cutoff_missed")
        assert (accepted.trace, became.trace) == (TRACE, TRACE)
        assert became.cause == accepted.key
