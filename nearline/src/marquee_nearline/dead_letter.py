"""Dead letters: messages that will never decode, kept whole with the reason."""

from collections.abc import Sequence

from confluent_kafka import KafkaException, Producer

from marquee_nearline.errors import Interrupted
from marquee_nearline.kafka import Taken
from marquee_shared.errors import BadInput
from marquee_shared.event import DEAD_LETTERS

FLUSH_SECONDS = 30.0


def bury(producer: Producer, rejected: Sequence[tuple[Taken, BadInput]]) -> None:
    """Write the original bytes to the dead-letter topic and wait for the broker.

    Returns only when all are acknowledged, so that an offset never passes a message that is
    nowhere. At least once: the key topic:partition:offset lets readers drop repeats. Raises
    Interrupted when the broker does not take them; the batch is then read again.
    """
    failures: list[str] = []
    for message, error in rejected:
        place = f"{message.topic}:{message.partition}:{message.offset}"
        try:
            producer.produce(
                DEAD_LETTERS,
                value=message.value or b"",
                key=place,
                headers={"field": error.field, "reason": error.reason, "place": place},
                on_delivery=lambda failed, _: failures.append(str(failed)) if failed else None,
            )
        except (BufferError, KafkaException) as refused:
            raise Interrupted(f"dead letters were not taken: {refused}") from refused
    if producer.flush(FLUSH_SECONDS) or failures:
        raise Interrupted(f"dead letters were not taken: {failures[:1] or 'timeout'}")
