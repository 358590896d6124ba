"""Simulator: people before images, with a truth that the platform's models cannot hold.

The platform believes that a reward is linear in a match of tastes. These people are otherwise, and
deliberately so, for a bandit that is judged by data of its own model class proves nothing:

- who they are is told in people.py: mixtures of communities, in more genres than the platform has
  buckets for;
- an image is as good as its **best** theme, through a **threshold**: below it nothing happens,
  above it the effect saturates (Hill's curve);
- all of it is log-odds, on top of what title and image are worth to everybody, and is seen only
  through **attention**, which falls with the position;
- some images are **bait**: more clicks, and a play that is soon ended;
- the platform knows a person by a **finite history** of plays, a noisy sign of what they love.

The oracle is exact: `expected` gives the mean reward of every image before every visitor. All that
happens to a visitor is drawn before a policy is asked (`Visits.luck`), so policies are compared on
the same visitors with the same luck: common random numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marquee_infra.people import (
    FILMS,
    GENRES,
    HISTORY_PULL,
    People,
    fit,
    loved,
    make_people,
    usually_loved,
    words,
)
from marquee_shared.fold_in import F64
from marquee_shared.posterior import I64
from marquee_shared.taste import BUCKETS, DAYPARTS, DEVICES, taste, theme_vector

B1 = NDArray[np.bool_]

NEUTRAL = 0.3  # how well an image without themes goes with anybody
OWN_GENRES = 4  # of a title; its images show one each, or two of them, or none
BASE = -2.8  # log-odds of a click on an image that says nothing to somebody: 6 %
TITLE_SPREAD, IMAGE_SPREAD = 0.4, 0.35  # standard deviations of log-odds, for everybody
FIT = 0.6  # log-odds for a title that one loves, whatever its image
LIFT, THRESHOLD, STEEPNESS = 2.5, 0.5, 4.0  # log-odds of an image that one loves; Hill's curve
BAIT_SHARE, BAIT_PULL, BAIT_KEEPS = 0.15, 0.7, 0.2  # bait's log-odds; what is left of a play
WATCHED, WATCHED_FIT = 0.4, 0.45  # mean share of a play: at no fit, and what a full fit adds
PAST = 1500  # titles that histories are made of, of one to OWN_GENRES genres
PAGE = 10  # titles of a page
PAGE_PULL = 1.5  # log-odds by which the platform's ranking puts what one loves first
IN_VIEW = 0.7  # a position k from 1 comes into view with probability 1 / k ^ IN_VIEW
ATTENTION = 0.05  # what is in view is considered with probability 1 / (1 + ATTENTION (k - 1))
DELAY, MISSING = 4.0, 0.05  # mean batches until a play's end is told; share never told
LUCK = 4  # uniforms per title in view: click, watched share, delay, missing


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The truth about people and images, and beside it what the platform can see of them."""

    themes: F64  # (titles, images, GENRES) 0 or 1
    genres: F64  # (titles, GENRES) 0 or 1
    pull: F64  # (titles, images) log-odds for everybody
    bait: B1  # (titles, images)
    opens: F64  # (titles,) time from which a title is in the catalogue
    people: People
    seen_themes: F64  # (titles, images, BUCKETS), the platform's
    seen_taste: F64  # (people, BUCKETS), the platform's, from the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The images of titles, and what they are worth to everybody."""

    themes: F64  # (n, images, GENRES) 0 or 1
    pull: F64  # (n, images) log-odds
    bait: B1  # (n, images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Titles in view, one row each, of any number of pages."""

    person: I64
    device: I64
    daypart: I64
    title: I64
    position: I64
    time: F64  # 0 to 1
    luck: F64  # (n, LUCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Exact mean rewards of every image before every visitor, `(n, images)` each."""

    click: F64
    quality: F64  # watched share, 0 without a click


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What the visitors did with the images they were shown, `(n,)` each."""

    click: F64
    quality: F64
    told_after: I64  # batches until the platform hears how a play ended; -1 never


def make_world(
    rng: np.random.Generator,
    *,
    titles: int = 50,
    images: int = 6,
    people: int = 2000,
    cold: int = 10,
    drift: float = 0.0,
) -> World:
    """A world; its last `cold` titles join midway. At least 3 images per title."""
    who = make_people(rng, people, drift)
    themes = np.array([_themes(rng, images) for _ in range(titles)])
    bait = (rng.random((titles, images)) < BAIT_SHARE) & themes.any(axis=2)
    own = rng.normal(0, IMAGE_SPREAD, (titles, images)) + BAIT_PULL * bait
    return World(
        themes=themes,
        genres=(themes.sum(axis=1) > 0).astype(float),
        pull=rng.normal(0, TITLE_SPREAD, (titles, 1)) + own,
        bait=bait,
        opens=np.where(np.arange(titles) < titles - cold, 0.0, 0.5),
        people=who,
        seen_themes=np.array([[theme_vector(words(image)) for image in row] for row in themes]),
        seen_taste=_histories(rng, usually_loved(who), who.plays),
    )


def visits(
    world: World, rng: np.random.Generator, pages: int, time: float, people: I64 | None = None
) -> Visits:
    """What comes into view on as many pages, of anybody or of these people, in order of pages.

    Everything that depends on chance and not on the images is drawn here.
    """
    often = world.people.plays / world.people.plays.sum()
    person = rng.choice(len(often), pages, p=often) if people is None else people
    device = rng.integers(len(DEVICES), size=len(person))
    daypart = rng.integers(len(DAYPARTS), size=len(person))
    order = rng.gumbel(size=(len(person), len(world.opens)))
    order += PAGE_PULL * fit(world.genres[None], loved(world.people, person, device, daypart, time))
    order[:, world.opens > time] = -np.inf
    shown = np.argsort(-order, axis=1)[:, :PAGE]
    in_view = comes_into_view(rng, shown.shape)
    page, position = np.nonzero(in_view)
    return Visits(
        person=person[page],
        device=device[page],
        daypart=daypart[page],
        title=shown[in_view],
        position=position,
        time=np.full(len(page), time),
        luck=rng.random((*shown.shape, LUCK))[in_view],
    )


def comes_into_view(rng: np.random.Generator, shape: tuple[int, ...]) -> B1:
    """Of the positions of pages `(..., positions)`; the first of each always does."""
    return np.asarray(rng.random(shape) < (1.0 + np.arange(shape[-1])) ** -IN_VIEW)


def expected(world: World, seen: Visits) -> Expected:
    """The truth: what every image of the titles in view would earn, on average."""
    return worth(
        loved(world.people, seen.person, seen.device, seen.daypart, seen.time),
        world.genres[seen.title],
        Looks(
            themes=world.themes[seen.title],
            pull=world.pull[seen.title],
            bait=world.bait[seen.title],
        ),
        seen.position,
    )


def worth(loves: F64, genres: F64, looks: Looks, position: I64) -> Expected:
    """Of titles `(n, GENRES)` before who loves `(n, GENRES)`, by each of their images."""
    suits = fit(genres[:, None], loves)
    click = attention(position)[:, None] * click_probability(
        match(looks.themes, loves), FIT * suits + looks.pull
    )
    share = (WATCHED + WATCHED_FIT * suits) * np.where(looks.bait, BAIT_KEEPS, 1.0)
    return Expected(click=click, quality=click * share)


def respond(truth: Expected, seen: Visits, shown: I64) -> Outcomes:
    """What the visitors do with image `shown` `(n,)`; their luck was drawn with the visits."""
    rows = np.arange(len(shown))
    probability = truth.click[rows, shown]
    mean = truth.quality[rows, shown] / probability
    click = (seen.luck[:, 0] < probability).astype(float)
    share = seen.luck[:, 1] ** (1 / mean - 1)  # its mean is `mean`, its range 0 to 1
    wait = np.floor(-DELAY * np.log1p(-seen.luck[:, 2])).astype(np.int64)
    told = np.where(seen.luck[:, 3] < MISSING, -1, wait)
    return Outcomes(click=click, quality=click * share, told_after=told)


def match(themes: F64, loves: F64) -> F64:
    """How well images go with somebody, 0 to 1: by their best theme. `(n, images)`.

    `themes` `(n, images, GENRES)`, `loves` `(n, GENRES)`.
    """
    best: F64 = (themes * loves[:, None, :]).max(axis=2)
    return np.where(themes.any(axis=2), best, NEUTRAL)


def click_probability(match: F64, others: F64) -> F64:
    """Of an image that is looked at; `others` is what else adds to the log-odds."""
    lift = match**STEEPNESS / (match**STEEPNESS + THRESHOLD**STEEPNESS)
    return np.asarray(1 / (1 + np.exp(-(BASE + LIFT * lift + others))))


def attention(position: I64) -> F64:
    """Probability that what is in view is considered; positions from 0."""
    return np.asarray(1 / (1 + ATTENTION * position))


def _themes(rng: np.random.Generator, images: int) -> F64:
    """A title's images `(images, GENRES)`: one of each of its genres, two at once, none."""
    own = _some_genres(rng, OWN_GENRES)
    themes = np.zeros((images, len(GENRES)))
    for n in range(images - 1):
        themes[n, own[n % OWN_GENRES]] = 1.0
        if n >= OWN_GENRES:
            themes[n, own[(n + 1 + n // OWN_GENRES) % OWN_GENRES]] = 1.0
    return themes


def _histories(rng: np.random.Generator, loves: F64, plays: I64) -> F64:
    """`(people, BUCKETS)`: taste as the platform computes it from plays of other titles."""
    catalogue = np.zeros((PAST, len(GENRES)))
    for title in catalogue:
        title[_some_genres(rng, int(rng.integers(1, OWN_GENRES + 1)))] = 1.0
    seen = np.array([theme_vector(words(title)) for title in catalogue])
    suits = fit(catalogue[None], loves)
    told = np.zeros((len(loves), BUCKETS))
    for person, number in enumerate(plays):
        order = HISTORY_PULL * suits[person] + rng.gumbel(size=len(catalogue))
        played = np.argpartition(-order, number)[:number]
        mean = WATCHED + WATCHED_FIT * suits[person, played]
        told[person] = taste(seen[played], rng.random(number) ** (1 / mean - 1))
    return told.astype(np.float16).astype(np.float64)  # as a credit token carries it


def _some_genres(rng: np.random.Generator, number: int) -> I64:
    """Different genres, the frequent ones more often."""
    return np.argsort(-np.log(list(FILMS.values())) - rng.gumbel(size=len(GENRES)))[:number]
