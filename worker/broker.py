"""Hints through Dramatiq: one queue, no middleware, a prefetch as deep as the threads.

A message is `{v, tenant, class}`; it says that the tenant has something ready and nothing else.
"""

import logging
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from worker.slots import Slots

QUEUE = "hints"
HINT_VERSION = 1
PICKUP_MS = 15


class Hints:
    """Sends hints and, in a worker process, receives them."""

    def __init__(self, redis_url: str) -> None:
        self._client = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.25, socket_timeout=2.0)
        self._broker = RedisBroker(client=self._client, middleware=[])  # type: ignore[no-untyped-call]
        self._slots: Slots | None = None
        self._worker: dramatiq.Worker | None = None
        self._actor = dramatiq.actor(actor_name="serve", queue_name=QUEUE, broker=self._broker)(self._receive)
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL)

    def send(self, tenants: list[tuple[UUID, int]], most_waiting: int) -> bool:
        """Enqueue a hint for each tenant while fewer than `most_waiting` wait; False when Redis can't be reached."""
        try:
            room = most_waiting - self.waiting()
            for tenant, cls in tenants[: max(0, room)]:
                self._broker.enqueue(self._actor.message(HINT_VERSION, str(tenant), cls))
        except (RedisError, OSError):
            return False
        return True

    def waiting(self) -> int:
        found: Any = self._client.llen(f"{self._broker.namespace}:{QUEUE}")
        return int(found)

    def start(self, slots: Slots, threads: int) -> None:
        """Receive hints into `slots` from now on."""
        self._slots = slots
        self._worker = dramatiq.Worker(self._broker, queues={QUEUE}, worker_timeout=PICKUP_MS, worker_threads=threads)
        # A deep prefetch would be a first-in-first-out line in this process's memory: it would undo fairness.
        self._worker.queue_prefetch = threads
        self._worker.start()

    def stop(self) -> None:
        """Stop receiving; what was not started stays in the queue or is offered again."""
        if self._worker is not None:
            try:
                self._worker.stop(timeout=4000)
            except (RedisError, OSError) as error:
                logging.getLogger(__name__).warning("hints not returned: %s", type(error).__name__)
        self._client.close()

    def _receive(self, version: int, tenant: str, cls: int) -> None:
        if version != HINT_VERSION or self._slots is None:
            return
        try:
            known = UUID(tenant)
        except ValueError:
            return
        self._slots.from_thread(known)
