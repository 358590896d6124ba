"""Produce: messages to Kafka, acknowledged or not waited for."""

import asyncio
import logging
import threading
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from marquee_online import metrics
from marquee_shared.errors import MarqueeError

POLL_SECONDS = 0.1
FLUSH_SECONDS = 2.0  # at shutdown; see drain.py
TIMEOUT_MS = 5000  # after this a client is told 503, and may try again with the same event id


class NotTaken(MarqueeError):
    """The broker did not acknowledge: nothing was promised."""


class Place(NamedTuple):
    """Where the broker put a message."""

    partition: int
    offset: int


class Sink:
    """A producer of one topic, keyed by user, with the thread that serves its callbacks.

    librdkafka's own asyncio client drops headers and is a thread pool inside; the plain one only
    enqueues, so it may be called from the event loop.
    """

    def __init__(self, bootstrap: str, topic: str, *, queue: int = 20_000) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "message.timeout.ms": TIMEOUT_MS,
                "linger.ms": 0,
                "logger": logging.getLogger("librdkafka"),  # its lines come as records, not raw
                "queue.buffering.max.messages": queue,
            }
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"produce {topic}", daemon=True)
        self._thread.start()

    async def send(self, key: str, value: bytes) -> Place:
        """Returns when the broker has acknowledged. Raises NotTaken."""
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[Place] = loop.create_future()

        def resolve(error: KafkaError | None, message: Message) -> None:
            if error is None:
                place = Place(message.partition() or 0, message.offset() or 0)
                loop.call_soon_threadsafe(_set, taken, place)
            else:
                loop.call_soon_threadsafe(_set, taken, NotTaken(error.str()))

        try:
            self._producer.produce(self._topic, value, key, on_delivery=resolve)
        except (BufferError, KafkaException) as error:
            raise NotTaken(str(error)) from error
        try:
            return await taken
        except NotTaken:
            metrics.LOST.labels(self._topic).inc()
            raise

    def offer(self, key: str, value: bytes) -> None:
        """Hand over and go on; a loss is counted."""

        def count(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                metrics.LOST.labels(self._topic).inc()

        try:
            self._producer.produce(self._topic, value, key, on_delivery=count)
        except (BufferError, KafkaException):
            metrics.LOST.labels(self._topic).inc()

    def close(self) -> None:
        """Stop the thread, and give what is queued a last chance."""
        self._stop.set()
        self._thread.join()
        self._producer.flush(FLUSH_SECONDS)

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(POLL_SECONDS)


def _set(future: "asyncio.Future[Place]", outcome: Place | NotTaken) -> None:
    if future.done():  # the client has gone, and its request was cancelled
        return
    if isinstance(outcome, NotTaken):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
