"""Metrics of the nearline tier, each with the question it answers."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("marquee_nearline_events", "What became of each message?", ["outcome"])
APPLY = Histogram(
    "marquee_nearline_batch_seconds",
    "How long does one partition's batch take, load to apply?",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
)
FRESHNESS = Histogram(
    "marquee_nearline_freshness_seconds",
    "How long from an event's acceptance to its user's new state?",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30, 300),
)
SESSIONS = Counter(
    "marquee_nearline_interruptions", "How often did we start over, and why?", ["why"]
)
UP = Gauge("marquee_session_up", "Does this process consume now?")
BAD_STATES = Counter("marquee_nearline_bad_states", "How many user states failed their checks?")
LEARNT = Counter(
    "marquee_nearline_artwork", "What did the bandit learn from, and what not, and why?", ["what"]
)
MODEL = Gauge("marquee_nearline_model", "Which model does nearline fold with?", ["model_id"])
ARCHIVED = Counter("marquee_archive_rows", "How many messages are archived?", ["kind"])
ARCHIVE_OBJECTS = Counter("marquee_archive_objects", "How many objects were written?", ["kind"])
