"""Metrics of the online tier, each with the question it answers."""

from prometheus_client import Counter, Gauge, Histogram

LATENCY = Histogram(
    "marquee_online_request_seconds",
    "How long does each route take to answer?",
    ["route"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1),
)
ANSWERS = Counter("marquee_online_answers", "What do clients get?", ["route", "status"])
PAGES = Counter("marquee_online_pages", "What are pages built on?", ["basis"])
DEGRADED = Counter("marquee_online_degraded", "Which rungs of the ladder are taken?", ["rung"])
UNKNOWN_CONTEXT = Counter(
    "marquee_online_unknown_context", "How many context values are outside the schema?"
)
LOST = Counter("marquee_online_lost_messages", "What did Kafka not take?", ["topic"])
ARTWORK = Gauge("marquee_online_artwork_impressions", "How much has the bandit learnt from?")
MODEL = Gauge("marquee_online_model", "Which model serves?", ["model_id"])
