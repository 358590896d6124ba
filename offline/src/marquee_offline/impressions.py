"""Impressions: archived decisions joined with what users then saw and did, one row per showing.

What was offered, and the features it was drawn by, is taken from the decision alone, for a client
cannot write one: an event only says that the user of a decision saw an item of it, or played it.
"""

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from marquee_offline.archive_read import Message, Row, read_archive
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.decision import Choice, decode_decision
from marquee_shared.errors import BadInput
from marquee_shared.event import OUTCOMES, read_event, watched_share
from marquee_shared.seen import HOUR_MS, IMPRESSIONS_PER_HOUR

FULL = 1000  # a play to the end
TEXT, WHOLE = pa.string(), pa.int64()
KEYS = ("user_id", "decision_id", "item_id")
OFFERED = pa.schema(
    {
        **dict.fromkeys(KEYS, TEXT),
        "session_id": TEXT,
        "row": WHOLE,
        "position": WHOLE,
        "device": TEXT,
        "daypart": TEXT,
        "policy": TEXT,
        "arms": TEXT,  # JSON: experiment -> arm
        "taste": TEXT,  # JSON: the features of who looked
        "at": WHOLE,
        "artwork": WHOLE,  # index among the candidates
        "candidates": TEXT,  # JSON: ids
        "distribution": TEXT,  # JSON: probability of each
        "repeat_of": TEXT,  # the decision that first showed it; then nothing was drawn
    }
)
SAID = pa.schema(
    {
        **dict.fromkeys(KEYS, TEXT),  # all null in a row that only tells how far the log goes
        "log": TEXT,  # source and partition
        "said_at": WHOLE,
        "impression": WHOLE,
        "outcome": WHOLE,
        "ended": WHOLE,
        "watched": WHOLE,  # of FULL
    }
)
_JSON = {
    "arms": "map<string,string>",
    "candidates": "array<string>",
    "distribution": "array<double>",
    "taste": "array<double>",
}


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the join found, and what it leaves out of every estimate, by reason."""

    impressions: int = 0  # that count: seen, first showings, their window over
    clicked: int = 0
    unended: int = 0  # of the clicked, no end was told: left out of quality, for it is not known
    open: int = 0  # seen, their window not over: an outcome may still come
    late: int = 0  # with an outcome after the window and none within: they count as not clicked
    capped: int = 0  # beyond IMPRESSIONS_PER_HOUR of one user
    orphans: int = 0  # what was seen or done of a decision that the archive does not have

    def left_out(self) -> str:
        """In words."""
        return (
            f"{self.open:,} impressions left out: their outcome is still open; "
            f"{self.late:,} clicked too late to count; {self.unended:,} clicks without an end, "
            f"left out of the watched share; {self.capped:,} beyond what a user may count in an "
            f"hour; {self.orphans:,} without a decision"
        )


def read_impressions(
    spark: SparkSession, url: str, decisions: Sequence[str], events: Sequence[str]
) -> tuple[DataFrame, Counts]:
    """The rows of these archive objects, cached, and their counts.

    Columns: user_id, decision_id, item_id, session_id, row, position, device, daypart, policy, arms
    (map), at (ms, of the decision), artwork (index among the candidates), candidates, K,
    propensity, distribution, taste (features of who looked), click (0/1), quality (0..1, null where
    a click's end was not told), late, closed.

    One row per title's first showing in a session that had an artwork drawn and was seen: a message
    that came twice, or an item in two rows of a page, counts once, by its best place; what was done
    at a later showing of the session is the first one's. Of one user the first
    IMPRESSIONS_PER_HOUR of each hour of the clock are kept. As in nearline an outcome proves that
    its item was seen, and impression and outcome count within ATTRIBUTION_MS of the decision. The
    window is over (`closed`) when the user's own partition is archived beyond it.
    """
    offered = _once(read_archive(spark, url, decisions, OFFERED, offers)).cache()
    told = read_archive(spark, url, events, SAID, said).cache()
    through = told.groupBy("log").agg(F.max("said_at").alias("through"))
    known = _of_first(told.where("user_id is not null").join(through, "log"), offered)
    found = _joined(offered, known).cache()
    return found.where("not capped").drop("capped"), _counts(found, offered, known)


def offers(message: Message, _log: str) -> Iterator[Row]:
    """OFFERED: each choice of a decision that had an artwork drawn now, or earlier in the session;
    nothing of what is no decision or no known user's."""
    try:
        decision = decode_decision(message[1] or b"")
    except BadInput:
        return
    if decision.user_id is None:
        return
    policy = decision.policies.get("artwork", "")
    arms, taste = _json(decision.arms), _json(decision.taste)
    for place, shelf in enumerate(decision.rows):
        for position, choice in enumerate(shelf.items):
            if choice.repeat_of or _drawn(choice):
                yield (
                    decision.user_id,
                    decision.decision_id,
                    choice.item_id,
                    decision.session_id,
                    place,
                    position,
                    decision.context.device,
                    decision.context.daypart,
                    policy,
                    arms,
                    taste,
                    decision.at,
                    None if choice.repeat_of else _index(choice),
                    _json(choice.candidates),
                    _json(choice.distribution),
                    choice.repeat_of,
                )


def said(message: Message, log: str) -> Iterator[Row]:
    """SAID: what an event tells of items of a decision, and when it was accepted."""
    try:
        event = read_event(*message)
    except BadInput:
        return
    now = event.accepted_at or event.at
    yield None, None, None, log, now, 0, 0, 0, 0
    if event.decision_id is None:
        return
    head = event.user_id, event.decision_id
    if event.type == "impressions":
        for item in dict.fromkeys(seen.item_id for seen in event.seen):
            yield *head, item, log, now, 1, 0, 0, 0
    elif event.type in OUTCOMES:
        share = watched_share(event)
        ended, watched = int(share is not None), round(FULL * (share or 0.0))
        yield *head, event.item_id, log, now, 0, 1, ended, watched


def _drawn(choice: Choice) -> bool:
    return choice.artwork_id in choice.candidates and (
        len(choice.candidates) == len(choice.distribution)
    )


def _index(choice: Choice) -> int:
    return choice.candidates.index(choice.artwork_id or "")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _once(offered: DataFrame) -> DataFrame:
    """One row per decision and item: the best place on the page."""
    whole = F.struct(*OFFERED.names)
    best = F.min_by(whole, F.struct("row", "position")).alias("offer")
    return offered.groupBy(*KEYS).agg(best).select("offer.*")


def _of_first(known: DataFrame, offered: DataFrame) -> DataFrame:
    """What is known of a repeat goes to the decision that it repeats."""
    repeats = offered.where("repeat_of is not null").select(*KEYS, "repeat_of")
    of = F.coalesce("repeat_of", "decision_id")
    return known.join(repeats, list(KEYS), "left").withColumn("decision_id", of).drop("repeat_of")


def _joined(offered: DataFrame, known: DataFrame) -> DataFrame:
    """Also `capped`. Two showings of a session, the second page made before the first was known to
    have been seen, are both drawn: there too the first seen one counts."""
    both = offered.where("repeat_of is null").join(known, list(KEYS))
    within = F.col("said_at") <= F.col("at") + ATTRIBUTION_MS
    showing = F.struct(*OFFERED.names)
    session = Window.partitionBy("user_id", "item_id", F.coalesce("session_id", "decision_id"))
    first = F.min_by(showing, F.when(within, F.struct("said_at", "at"))).over(session)
    clicked, ended = within & (F.col("outcome") == 1), within & (F.col("ended") == 1)
    found = (
        both.withColumn("first", first)
        .where("first is not null")
        .select("first.*", *(name for name in known.columns if name not in KEYS))
        .groupBy(*KEYS)
        .agg(
            F.first(F.struct(*(n for n in OFFERED.names if n not in KEYS))).alias("offer"),
            F.min(F.when(within, F.col("said_at"))).alias("seen_at"),
            _any(clicked).alias("click"),
            _any(ended).alias("ended"),
            _any(~within & (F.col("outcome") == 1)).alias("after"),
            (F.max(F.when(within, F.col("watched")).otherwise(0)) / FULL).alias("watched"),
            F.max("through").alias("through"),
        )
        .select("*", "offer.*")
        .drop("offer")
    )
    return _as_columns(found)


def _as_columns(found: DataFrame) -> DataFrame:
    """What was found of each showing as the columns that are promised."""
    for name, kind in _JSON.items():
        found = found.withColumn(name, F.from_json(name, kind))
    hour = Window.partitionBy("user_id", F.floor(F.col("seen_at") / HOUR_MS))
    place = F.row_number().over(hour.orderBy("seen_at", "at", "decision_id", "row", "position"))
    return (
        found.withColumn("K", F.size("candidates"))
        .withColumn("propensity", F.element_at("distribution", F.col("artwork").cast("int") + 1))
        .withColumn("late", F.col("after") & ~F.col("click"))
        .withColumn("quality", F.when(F.col("ended") | ~F.col("click"), F.col("watched")))
        .withColumn("click", F.col("click").cast("int"))
        .withColumn("closed", F.col("at") + ATTRIBUTION_MS < F.col("through"))
        .withColumn("capped", place > IMPRESSIONS_PER_HOUR)
        .drop("after", "ended", "watched", "seen_at", "through", "repeat_of")
    )


def _any(condition: Column) -> Column:
    return F.max(condition.cast("int")) == 1


def _counts(rows: DataFrame, offered: DataFrame, known: DataFrame) -> Counts:
    counts, clicked = F.col("closed") & ~F.col("capped"), F.col("click") == 1
    n = {
        "impressions": counts,
        "clicked": counts & clicked,
        "unended": counts & clicked & F.col("quality").isNull(),
        "open": ~F.col("closed") & ~F.col("capped"),
        "late": counts & F.col("late"),
        "capped": F.col("capped"),
    }
    counted = rows.agg(*(F.count_if(which).alias(name) for name, which in n.items())).first()
    pages = offered.select("user_id", "decision_id").distinct()
    orphans = known.join(pages, ["user_id", "decision_id"], "left_anti").count()
    return Counts(**counted.asDict(), orphans=orphans)
