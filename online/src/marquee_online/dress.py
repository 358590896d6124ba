"""Dress: an image for every title of a page, drawn by the bandit for who looks. Pure.

The unit is the first showing of a title in a session: a title that was seen in it already keeps its
image, names the decision that first showed it, and enters neither learning nor evaluation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from marquee_shared.artwork import Artwork, fits
from marquee_shared.bandit import Policy, choose
from marquee_shared.context import Context
from marquee_shared.credit import Credited
from marquee_shared.decision import Choice, Row
from marquee_shared.fold_in import F64
from marquee_shared.ids import low_hash
from marquee_shared.images import Images
from marquee_shared.posterior import I64, Slate
from marquee_shared.seen import Showing, session_of
from marquee_shared.taste import BUCKETS, image_features, image_key, taste, user_features

MOST_CHOICES = 255  # that a token carries; a page has some 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Who looks, where, and what they have seen in this session."""

    user: F64  # (USER_FEATURES,)
    context: Context
    seen: Sequence[Showing] = ()
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressed:
    """The rows with their images, and what the credit token says of the images that were drawn."""

    rows: tuple[Row, ...]
    credited: tuple[Credited, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Title:
    """A title to draw for: its item and the images that fit, by their index."""

    item: int
    artworks: tuple[Artwork, ...]
    places: tuple[int, ...]
    themes: F64  # (n, BUCKETS)


def looker_taste(images: Images, rows: I64, weights: F64) -> F64:
    """What a history leans to `(BUCKETS,)`; rows and weights as `Model.history` gives them."""
    if not len(rows):
        return np.zeros(BUCKETS)
    return taste(np.array([images.item_themes(row) for row in rows.tolist()]), weights)


def looker(
    taste_vector: F64, context: Context, seen: Sequence[Showing], session_id: str | None
) -> Looker:
    """Half precision from the start: what is drawn by is what the token brings back."""
    user = user_features(taste_vector, context).astype(np.float16).astype(np.float64)
    return Looker(user=user, context=context, seen=seen, session_id=session_id)


def dress(
    rows: tuple[Row, ...], images: Images, who: Looker, policy: Policy, rng: np.random.Generator
) -> Dressed:
    """An image for every title that has one that fits; others are left as they are."""
    titles = {
        choice.item_id: title
        for row in rows
        for choice in row.items
        if (title := _title(choice.item_id, images, who.context))
    }
    kept = {item: again for item, title in titles.items() if (again := _again(title, who))}
    fresh = {item: title for item, title in titles.items() if item not in kept}
    drawn = dict(zip(fresh, _draw(list(fresh.values()), who, policy, rng), strict=True))
    credited = [
        Credited(
            item=fresh[item].item,
            artwork=fresh[item].places[place],
            policy=policy.name,
            propensity=float(distribution[place]),  # to display: the log has it exactly
        )
        for item, (place, distribution) in drawn.items()
    ]

    def dressed(choice: Choice) -> Choice:
        if choice.item_id in kept:
            artwork_id, decision_id = kept[choice.item_id]
            return msgspec.structs.replace(choice, artwork_id=artwork_id, repeat_of=decision_id)
        if choice.item_id in drawn:
            return _with_draw(choice, fresh[choice.item_id].artworks, *drawn[choice.item_id])
        return choice

    return Dressed(
        rows=tuple(
            msgspec.structs.replace(row, items=tuple(map(dressed, row.items))) for row in rows
        ),
        credited=tuple(credited[:MOST_CHOICES]),
    )


def _with_draw(
    choice: Choice, artworks: tuple[Artwork, ...], place: int, distribution: F64
) -> Choice:
    return msgspec.structs.replace(
        choice,
        artwork_id=artworks[place].artwork_id,
        candidates=tuple(artwork.artwork_id for artwork in artworks),
        distribution=tuple(distribution.tolist()),
    )


def _title(item_id: str, images: Images, context: Context) -> _Title | None:
    artworks, themes = images.of(images.model.row_of[item_id])
    places = [n for n, artwork in enumerate(artworks) if n < 256 and fits(artwork, context)]
    if not places:
        return None
    return _Title(
        item=low_hash(item_id),
        artworks=tuple(artworks[n] for n in places),
        places=tuple(places),
        themes=themes[places],
    )


def _again(title: _Title, who: Looker) -> tuple[str, str] | None:
    """Image and decision of a title that was seen in this session, if that image still fits."""
    session = session_of(who.session_id)
    for showing in who.seen if session else ():
        if (showing.item, showing.session) == (title.item, session):
            for place, artwork in zip(title.places, title.artworks, strict=True):
                if place == showing.artwork:
                    return artwork.artwork_id, showing.decision_id
    return None


def _draw(
    titles: Sequence[_Title], who: Looker, policy: Policy, rng: np.random.Generator
) -> list[tuple[int, F64]]:
    """Per title the candidate drawn, and the distribution it was drawn from."""
    if not titles:
        return []
    starts = np.cumsum([0, *(len(title.places) for title in titles)])
    keys = [image_key(title.item, place) for title in titles for place in title.places]
    themes = np.concatenate([title.themes for title in titles])
    slate = Slate(
        features=image_features(who.user, themes),
        images=np.array(keys, np.int64),
        starts=starts,
    )
    probabilities = policy.distribution(slate, rng)
    rows = choose(probabilities, slate, rng)
    return [
        (int(row - start), probabilities[start:end])
        for row, start, end in zip(rows.tolist(), starts[:-1], starts[1:], strict=True)
    ]
