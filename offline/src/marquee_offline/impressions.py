"""Impressions: archived decisions joined with what users then saw and did, one row per showing.

What was offered is taken from the decision alone, for a client cannot write one: an event only
says that the user of a decision saw an item of it, or played it. The credit token's features are
read beside that, unproven: a forged one falsifies the features of its own user's rows alone.
"""

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from marquee_offline.archive_read import Message, Row, read_archive
from marquee_shared.credit import ATTRIBUTION_MS, unproven
from marquee_shared.decision import Choice, decode_decision
from marquee_shared.errors import BadInput, BadToken
from marquee_shared.event import Event, read_event

OUTCOMES = frozenset({"click", "play", "stop", "complete"})
FULL = 1000  # a play to the end
TEXT, WHOLE = pa.string(), pa.int64()
KEYS = ("user_id", "decision_id", "item_id")
OFFERED = pa.schema(
    {
        **dict.fromkeys(KEYS, TEXT),
        "row": WHOLE,
        "position": WHOLE,
        "device": TEXT,
        "daypart": TEXT,
        "policy": TEXT,
        "arms": TEXT,  # JSON: experiment -> arm
        "at": WHOLE,
        "artwork": WHOLE,  # index among the candidates
        "candidates": TEXT,  # JSON: ids
        "distribution": TEXT,  # JSON: probability of each
        "repeat": WHOLE,
    }
)
SAID = pa.schema(
    {
        **dict.fromkeys(KEYS, TEXT),  # all null in a row that only tells how far the log goes
        "said_at": WHOLE,
        "impression": WHOLE,
        "outcome": WHOLE,
        "watched": WHOLE,  # of FULL
        "taste": TEXT,  # JSON: the token's features
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
    open: int = 0  # seen, their window not over: an outcome may still come
    late: int = 0  # with an outcome after the window and none within: they count as not clicked
    orphans: int = 0  # what was seen or done of a decision that the archive does not have


def read_impressions(
    spark: SparkSession, url: str, decisions: Sequence[str], events: Sequence[str]
) -> tuple[DataFrame, Counts]:
    """The rows of these archive objects, cached, and their counts.

    Columns: user_id, decision_id, item_id, row, position, device, daypart, policy, arms (map), at
    (ms, of the decision), artwork (index among the candidates), candidates, K, propensity,
    distribution, taste (of the token, or null), click (0/1), quality (0..1), late, closed.

    One row per decision and item that had an artwork drawn and was seen: a message that came twice,
    or an item in two rows of a page, counts once, by its best place; a repeat within the session
    not at all. As in nearline an outcome proves that its item was seen, and impression and outcome
    count within ATTRIBUTION_MS of the decision, whose window is over (`closed`) when the archive
    reaches beyond it.
    """
    offered = _once(read_archive(spark, url, decisions, OFFERED, offers))
    told = read_archive(spark, url, events, SAID, said).cache()
    through = told.agg(F.max("said_at")).first()[0] or 0
    known = told.where(F.col("user_id").isNotNull())
    rows = _joined(offered, known, int(through)).cache()
    return rows, _counts(rows, offered, known)


def offers(message: Message) -> Iterator[Row]:
    """OFFERED: each choice of a decision that had an artwork drawn; nothing of what is no decision
    or no known user's."""
    try:
        decision = decode_decision(message[1] or b"")
    except BadInput:
        return
    if decision.user_id is None:
        return
    policy, arms = decision.policies.get("artwork", ""), _json(decision.arms)
    for place, shelf in enumerate(decision.rows):
        for position, choice in enumerate(shelf.items):
            if _drawn(choice):
                yield (
                    decision.user_id,
                    decision.decision_id,
                    choice.item_id,
                    place,
                    position,
                    decision.context.device,
                    decision.context.daypart,
                    policy,
                    arms,
                    decision.at,
                    choice.candidates.index(choice.artwork_id or ""),
                    _json(choice.candidates),
                    _json(choice.distribution),
                    int(choice.repeat_of is not None),
                )


def said(message: Message) -> Iterator[Row]:
    """SAID: what an event tells of items of a decision, and when it was accepted."""
    try:
        event = read_event(*message)
    except BadInput:
        return
    now = event.accepted_at or event.at
    yield None, None, None, now, 0, 0, 0, None
    if event.decision_id is None:
        return
    head = event.user_id, event.decision_id
    if event.type == "impressions":
        taste = _taste(event)
        for item in dict.fromkeys(seen.item_id for seen in event.seen):
            yield *head, item, now, 1, 0, 0, taste
    elif event.type in OUTCOMES:
        yield *head, event.item_id, now, 0, 1, round(FULL * _watched(event)), _taste(event)


def _drawn(choice: Choice) -> bool:
    return choice.artwork_id in choice.candidates and (
        len(choice.candidates) == len(choice.distribution)
    )


def _watched(event: Event) -> float:
    if event.type == "complete":
        return 1.0
    return min(1.0, (event.watched_s or 0.0) / event.runtime_s) if event.runtime_s else 0.0


def _taste(event: Event) -> str | None:
    if event.credit is None:
        return None
    try:
        credit = unproven(event.credit)
    except BadToken:
        return None
    honest = credit.decision_id == event.decision_id and all(abs(x) <= 1 for x in credit.taste)
    return _json(credit.taste) if honest else None  # a NaN compares as false


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _once(offered: DataFrame) -> DataFrame:
    """One row per decision and item: the best place on the page."""
    whole = F.struct(*OFFERED.names)
    best = F.min_by(whole, F.struct("row", "position")).alias("offer")
    return offered.groupBy(*KEYS).agg(best).select("offer.*")


def _joined(offered: DataFrame, known: DataFrame, through: int) -> DataFrame:
    within = F.col("said_at") <= F.col("at") + ATTRIBUTION_MS
    clicked = F.col("outcome") == 1
    found = (
        offered.where("repeat = 0")
        .join(known, list(KEYS))
        .groupBy(*KEYS)
        .agg(
            F.first(F.struct(*(n for n in OFFERED.names if n not in KEYS))).alias("offer"),
            _any(within).alias("seen"),
            _any(within & clicked).alias("click"),
            _any(~within & clicked).alias("after"),
            (F.max(F.when(within, F.col("watched")).otherwise(0)) / FULL).alias("quality"),
            F.max("taste").alias("taste"),
        )
        .where("seen")
    )
    plain = found.select(*KEYS, "offer.*", "click", "after", "quality", "taste")
    for name, kind in _JSON.items():
        plain = plain.withColumn(name, F.from_json(name, kind))
    return (
        plain.withColumn("K", F.size("candidates"))
        .withColumn("propensity", F.element_at("distribution", F.col("artwork").cast("int") + 1))
        .withColumn("late", F.col("after") & ~F.col("click"))
        .withColumn("click", F.col("click").cast("int"))
        .withColumn("closed", F.col("at") + ATTRIBUTION_MS < through)
        .drop("after", "repeat")
    )


def _any(condition: Column) -> Column:
    return F.max(condition.cast("int")) == 1


def _counts(rows: DataFrame, offered: DataFrame, known: DataFrame) -> Counts:
    n = {
        "impressions": F.col("closed"),
        "clicked": F.col("closed") & (F.col("click") == 1),
        "open": ~F.col("closed"),
        "late": F.col("closed") & F.col("late"),
    }
    counted = rows.agg(*(F.count_if(which).alias(name) for name, which in n.items())).first()
    pages = offered.select("user_id", "decision_id").distinct()
    orphans = known.join(pages, ["user_id", "decision_id"], "left_anti").count()
    return Counts(**counted.asDict(), orphans=orphans)
