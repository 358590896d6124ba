"""People: who looks at pages, what they love, and what makes them come back.

They are the simulator's, and deliberately not what the platform believes of people: everybody is a
mixture of a few **communities**, tilted by device and daypart, and what they love is told in
GENRES, more than the platform has buckets for. Who is disappointed comes back less: satisfaction
decays, plays raise or lower it, and it sets the daily probability of a return (after RecSim's
long-term satisfaction environment).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from marquee_shared.fold_in import F64
from marquee_shared.posterior import I64
from marquee_shared.taste import DAYPARTS, DEVICES

# Films of each genre in ml-latest-small: what is made often is also what people often love.
FILMS = {
    "Drama": 4361, "Comedy": 3756, "Thriller": 1894, "Action": 1828, "Romance": 1596,
    "Adventure": 1263, "Crime": 1199, "Sci-Fi": 980, "Horror": 978, "Fantasy": 779,
    "Children": 664, "Animation": 611, "Mystery": 573, "Documentary": 440, "War": 382,
    "Musical": 334, "Western": 167, "Film-Noir": 87,
}  # fmt: skip
GENRES = tuple(FILMS)
# What communities love, and what they do not mind: rounded by hand from what k-means finds among
# the people of ml-latest-small (six centres; the logarithm of a genre's share against all's).
COMMUNITIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "romantics": (("Romance", "Musical", "Drama"), ("Comedy", "Fantasy")),
    "families": (("Children", "Animation", "Comedy"), ("Fantasy", "Adventure", "Musical")),
    "adventurers": (("Action", "Adventure", "Sci-Fi"), ("Fantasy", "War", "Thriller")),
    "night owls": (("Horror", "Thriller", "Mystery"), ("Sci-Fi", "Crime")),
    "detectives": (("Crime", "Film-Noir", "Thriller"), ("Mystery", "Drama", "Western")),
    "curious": (("Documentary", "War", "Drama"), ("Western", "Sci-Fi")),
}
LOVED, LIKED, REST = 0.9, 0.45, 0.08
LOVES = np.array([
    [LOVED if genre in loved else LIKED if genre in liked else REST for genre in GENRES]
    for loved, liked in COMMUNITIES.values()
])  # fmt: skip
BELONGING = 0.2  # Dirichlet concentration: most people belong to one or two communities
TILT = 0.3  # standard deviation of a community's log-weight on a device, in a daypart
# Plays that the platform knows a person by: median and spread of the logarithm as of the ratings in
# ml-latest-small, no less than there, no more than a user state keeps. Who plays more visits more.
HISTORY, HISTORY_SPREAD, HISTORY_RANGE = 70.0, 1.06, (20, 512)
# Log-odds by which what one loves is played more: 40 plays tell as much of a person's taste as 40
# ratings of ml-latest-small do (two such halves of a person correlate by 0.57, over BUCKETS).
HISTORY_PULL = 2.8
EXPECTATION = 0.3  # watched share of a play that leaves a person as satisfied as before
BOREDOM = 0.1  # what a page without a play costs
MEMORY = 0.9  # of a day's satisfaction, what is left on the next
RETURN_BASE, RETURN_PULL = -0.4, 1.2  # log-odds of a visit on a day


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The truth about them."""

    mixture: F64  # (people, communities) log-weights at time 0
    later: F64  # (people, communities) likewise, what drift leads to
    drift: float  # how far towards `later` a person is at time 1, 0 to 1
    tilt: F64  # (devices + dayparts, communities)
    plays: I64  # (people,) length of the history; who plays more visits more


def make_people(rng: np.random.Generator, number: int, drift: float = 0.0) -> People:
    """Equal generators make equal people."""
    mixture, later = (np.log(rng.dirichlet([BELONGING] * len(LOVES), number)) for _ in range(2))
    plays = np.exp(rng.normal(np.log(HISTORY), HISTORY_SPREAD, number)).clip(*HISTORY_RANGE)
    return People(
        mixture=mixture,
        later=later,
        drift=drift,
        tilt=rng.normal(0, TILT, (len(DEVICES) + len(DAYPARTS), len(LOVES))),
        plays=plays.astype(np.int64),
    )


def loved(people: People, person: I64, device: I64, daypart: I64, time: F64 | float) -> F64:
    """What persons love where and when they are `(n, GENRES)`, 0 to 1; `time` 0 to 1."""
    gone = np.broadcast_to(people.drift * np.asarray(time), person.shape)[:, None]
    tilt = people.tilt[device] + people.tilt[len(DEVICES) + daypart]
    now, then = (_softmax(part[person] + tilt) for part in (people.mixture, people.later))
    return np.asarray(((1 - gone) * now + gone * then) @ LOVES)


def usually_loved(people: People) -> F64:
    """What everybody loves wherever they are, at time 0: `(people, GENRES)`."""
    return np.asarray(_softmax(people.mixture) @ LOVES)


def fit(genres: F64, loves: F64) -> F64:
    """How well titles go with people: the mean love of their genres. `(n, titles)`.

    `genres` `(1 or n, titles, GENRES)`.
    """
    return np.asarray((genres @ loves[..., None])[..., 0] / np.maximum(genres.sum(axis=2), 1))


def marked(words: Iterable[str]) -> F64:
    """`(GENRES,)`: 1 where a genre is among the words; letter case does not matter."""
    found = {word.strip().lower() for word in words}
    return np.array([float(genre.lower() in found) for genre in GENRES])


def words(marks: F64) -> tuple[str, ...]:
    """The GENRES that a vector of 0 and 1 names."""
    return tuple(np.array(GENRES)[marks > 0].tolist())


def delight(click: F64, quality: F64) -> F64:
    """What titles in view do to satisfaction; a page without a play costs BOREDOM besides."""
    return np.where(click > 0, quality - EXPECTATION, 0.0)


def return_probability(satisfaction: F64) -> F64:
    """Of a visit on a day."""
    return np.asarray(1 / (1 + np.exp(-RETURN_BASE - RETURN_PULL * np.tanh(satisfaction))))


def _softmax(logs: F64) -> F64:
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
