"""In process: policies drive the simulator without a service between, a batch of visits at a time.

A batch is what passes between two publications of the sums: the platform's second. The simulator's
day is compressed, so that a play's end comes some batches later, as it does in life.

`Server` is the seam: a policy or an oracle, whatever chooses images for titles in view and hears of
outcomes, can be driven by `stream` and `live`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from marquee_infra.people import BOREDOM, MEMORY, delight, return_probability
from marquee_infra.simulator import (
    Expected,
    Outcomes,
    Visits,
    World,
    expected,
    respond,
    visits,
)
from marquee_shared.bandit import POLICIES, Policy, choose
from marquee_shared.fold_in import F64
from marquee_shared.posterior import I64, Slate, posterior
from marquee_shared.sums import IMAGE, REWARDS, Reward, Sums
from marquee_shared.taste import (
    BUCKETS,
    DEVICES,
    FEATURES,
    USER_FEATURES,
    image_features,
    image_key,
)

PAGES = 126  # of a batch: some 500 titles in view


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The choice of a server: an image per title in view, and what it was drawn from."""

    image: I64  # (n,)
    distribution: F64  # (n, images)


class Server(Protocol):
    """Chooses images, and learns."""

    def serve(self, seen: Visits, truth: Expected) -> Served:
        """`truth` is for oracles; who else looks at it cheats."""
        ...

    def learn(self, seen: Visits, served: Served, outcomes: Outcomes) -> None:
        """One batch's outcomes, in the order in which they were served."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All that is known of one batch afterwards."""

    seen: Visits
    truth: Expected
    served: Served
    outcomes: Outcomes


class Oracle:
    """Shows the image whose mean reward is truly the greatest."""

    def __init__(self, reward: Reward) -> None:
        self._reward = reward

    def serve(self, seen: Visits, truth: Expected) -> Served:
        worth = truth.click if self._reward == "click" else truth.quality
        best = worth.argmax(axis=1)
        return Served(image=best, distribution=np.eye(worth.shape[1])[best])

    def learn(self, seen: Visits, served: Served, outcomes: Outcomes) -> None:
        return


class Learner:
    """A policy of the platform with sums of its own, published before every batch."""

    def __init__(
        self, world: World, policy: str, reward: Reward, rng: np.random.Generator
    ) -> None:  # fmt: skip
        self.sums = Sums()
        self._world, self._policy, self._reward, self._rng = world, policy, reward, rng
        self._late: dict[int, Sums] = defaultdict(Sums)  # by the batch that hears of it
        self._batch = 0

    def policy(self) -> Policy:
        """As it stands after what was learnt."""
        return POLICIES[self._policy](posterior(self.sums, self._reward))

    def serve(self, seen: Visits, truth: Expected) -> Served:
        slate = slate_of(self._world, seen)
        p = self.policy().distribution(slate, self._rng)
        image = choose(p, slate, self._rng) - slate.starts[:-1]
        return Served(image=image, distribution=p.reshape(len(image), -1))

    def learn(self, seen: Visits, served: Served, outcomes: Outcomes) -> None:
        features, keys = shown_features(self._world, seen, served.image)
        told = np.where(outcomes.told_after == 0, outcomes.quality, 0.0)
        self.sums.add(batch_sums(features, keys, outcomes.click, told))
        for wait in range(1, int(outcomes.told_after.max(initial=0)) + 1):
            late = (outcomes.told_after == wait) & (outcomes.quality > 0)
            heard = batch_sums(features[late], keys[late], None, outcomes.quality[late])
            self._late[self._batch + wait].add(heard)
        self._batch += 1
        self.sums.add(self._late.pop(self._batch, Sums()))


def stream(
    world: World, server: Server, seed: int, impressions: int, since: float = 0.0
) -> Iterator[Batch]:
    """Visits of anybody from time `since` to 1, until so many titles have been in view.

    The visits depend on the world and the seed, never on what is served.
    """
    done = batch = 0
    while done < impressions:
        rng = np.random.default_rng([seed, batch])
        seen = visits(world, rng, PAGES, since + (1 - since) * done / impressions)
        yield _step(world, server, seen)
        done, batch = done + len(seen.title), batch + 1


def live(world: World, server: Server, seed: int, days: int) -> F64:
    """Lives of everybody `(days, people)`: 1 where a person came, who comes as satisfied as they
    are. All come on day 0. A person's luck on a day depends on world, seed and day only."""
    people = np.arange(len(world.people.plays))
    satisfaction = np.zeros(len(people))
    came = np.ones((days, len(people)))
    for day in range(days):
        rng = np.random.default_rng([seed, day])
        if day:
            came[day] = rng.random(len(people)) < return_probability(satisfaction)
        everybody = visits(world, rng, len(people), day / days, people)
        for part in np.array_split(people, max(1, len(people) // PAGES)):
            here = (came[day, everybody.person] > 0) & np.isin(everybody.person, part)
            batch = _step(world, server, _where(everybody, here))
            pleased = delight(batch.outcomes.click, batch.outcomes.quality)
            satisfaction += np.bincount(batch.seen.person, pleased, len(people))
            plays = np.bincount(batch.seen.person, batch.outcomes.click, len(people))
            satisfaction[part] -= BOREDOM * (came[day, part] * (plays[part] == 0))
        satisfaction *= MEMORY
    return came


def slate_of(world: World, seen: Visits) -> Slate:
    """The candidates as online would lay them out for these titles, visitor by visitor."""
    images = world.seen_themes.shape[1]
    rows = np.arange(len(seen.title)).repeat(images)
    keys = image_key(0, 0) + (seen.title[:, None] << 8 | np.arange(images))
    return Slate(
        features=image_features(
            user_of(world, seen)[rows], world.seen_themes[seen.title].reshape(-1, BUCKETS)
        ),
        images=keys.reshape(-1),
        starts=np.arange(len(seen.title) + 1) * images,
    )


def user_of(world: World, seen: Visits) -> F64:
    """`(n, USER_FEATURES)`, as `taste.user_features` gives them one by one."""
    user = np.zeros((len(seen.person), USER_FEATURES))
    rows = np.arange(len(user))
    user[:, :BUCKETS] = world.seen_taste[seen.person]
    user[rows, BUCKETS + seen.device] = 1.0
    user[rows, BUCKETS + len(DEVICES) + seen.daypart] = 1.0
    return user


def shown_features(world: World, seen: Visits, image: I64) -> tuple[F64, I64]:
    """Features `(n, FEATURES)` and keys `(n,)` of the images that were shown."""
    themes = world.seen_themes[seen.title, image]
    return image_features(user_of(world, seen), themes), seen.title << 8 | image


def batch_sums(features: F64, keys: I64, click: F64 | None, quality: F64) -> Sums:
    """What `Sums.see` and `Sums.reward` make of the impressions one by one, in one step; without
    clicks only what was told of plays later. Equal but for the order of float additions."""
    sums = Sums()
    known, place = np.unique(keys, return_inverse=True)
    table = np.zeros((len(known), IMAGE))
    if click is not None:
        sums.precision[:] = features.T @ features
        for column in range(FEATURES):
            table[:, column] = np.bincount(place, features[:, column], len(known))
    for column, (name, amount) in enumerate(zip(REWARDS, (click, quality), strict=True)):
        if amount is not None:
            sums.response(name)[:] = amount @ features
            table[:, FEATURES + column] = np.bincount(place, amount, len(known))
    sums.images = dict(zip(known.tolist(), table, strict=True))
    return sums


def _step(world: World, server: Server, seen: Visits) -> Batch:
    truth = expected(world, seen)
    served = server.serve(seen, truth)
    outcomes = respond(truth, seen, served.image)
    server.learn(seen, served, outcomes)
    return Batch(seen=seen, truth=truth, served=served, outcomes=outcomes)


def _where(seen: Visits, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Visits:
    return Visits(**{name: getattr(seen, name)[rows] for name in Visits.__slots__})
