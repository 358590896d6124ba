"""A library that repeats itself is heard once."""

import logging

from marquee_shared.seldom import Seldom

LINE = (
    "FAIL [rdkafka#producer-%d]: %s:9092/bootstrap: Failed to resolve (after %dms in state CONNECT)"
)


def passes(seldom, *arguments):
    record = logging.LogRecord("librdkafka", logging.ERROR, "", 0, LINE, arguments, None)
    return seldom.filter(record)


def test_the_same_news_passes_once_whichever_client_brings_it():
    seldom = Seldom()

    assert passes(seldom, 1, "kafka-1", 0)
    assert not passes(seldom, 1, "kafka-1", 7)
    assert not passes(seldom, 2, "kafka-1", 0)


def test_other_news_passes():
    seldom = Seldom()

    assert passes(seldom, 1, "kafka-1", 0)
    assert passes(seldom, 1, "kafka-2", 0)
