"""Taste: who looks, in the words that images are tagged with; what artwork is chosen by.

Tags fall into BUCKETS by their own name, never by what a model knows: a user's taste and a credit
token mean the same under every model, and sums learnt under one model stay true under the next.
"""

import zlib
from collections.abc import Sequence

import numpy as np

from marquee_shared.context import Context
from marquee_shared.fold_in import F64
from marquee_shared.ids import LOW

BUCKETS = 12
# What the field's catalogues use most, so placed that no two that an image must tell apart fall
# together. Any other tag goes where its CRC-32 sends it.
PLACES = {
    "romance": 0, "comedy": 1, "action": 2, "drama": 3, "horror": 4, "sci-fi": 5, "thriller": 6,
    "children": 7, "animation": 7, "adventure": 8, "fantasy": 9, "crime": 10, "documentary": 11,
    "mystery": 6, "musical": 0, "war": 2, "imax": 2, "western": 8, "film-noir": 10,
}  # fmt: skip
# `(BUCKETS, 5)`: the principal axes on which the people of ml-latest-small differ. They carry 90 %
# of what two halves of somebody's ratings tell alike; a test makes them anew from the data. Love of
# one genre tells of others, and a product per pair of axes learns what: 25 numbers and not 144.
AXES = np.array([
    [0.38, -0.02, -0.19, -0.23, -0.27],  # romance
    [0.57, -0.43, 0.47, -0.16, -0.13],  # comedy
    [-0.53, -0.15, 0.16, -0.35, -0.11],  # action
    [0.19, 0.68, -0.27, -0.22, -0.27],  # drama
    [0.02, 0.05, 0.17, 0.74, -0.08],  # horror
    [-0.26, -0.10, -0.10, 0.30, -0.53],  # sci-fi
    [-0.21, 0.25, 0.50, -0.07, -0.01],  # thriller
    [0.09, -0.22, -0.36, 0.03, 0.35],  # children
    [-0.28, -0.31, -0.26, -0.21, 0.00],  # adventure
    [0.01, -0.14, -0.30, 0.10, 0.23],  # fantasy
    [-0.06, 0.27, 0.26, -0.11, 0.52],  # crime
    [0.08, 0.11, -0.07, 0.19, 0.29],  # documentary
])  # fmt: skip
DEVICES = ("phone", "tv", "tablet", "web")
DAYPARTS = ("morning", "day", "evening", "night")
USER_FEATURES = BUCKETS + len(DEVICES) + len(DAYPARTS)
FEATURES = 7 + AXES.shape[1] ** 2  # of a user before an image: 32
ARTWORK_BITS = 8  # of an image's key; what is above them names its title


def bucket(tag: str) -> int:
    """The bucket of a tag, 0 to BUCKETS - 1; letter case does not matter."""
    word = tag.strip().lower()
    return PLACES.get(word, zlib.crc32(word.encode()) % BUCKETS)


def theme_vector(tags: Sequence[str]) -> F64:
    """`(BUCKETS,)`, 1 where a tag falls, of length 1; zeros without tags."""
    found = np.zeros(BUCKETS)
    found[[bucket(tag) for tag in tags]] = 1.0
    return _unit(found)


def taste(themes: F64, weights: F64) -> F64:
    """What somebody's history leans to: `(BUCKETS,)` of length 1, zeros where it leans nowhere.

    `themes` `(n, BUCKETS)` of the items, `weights` `(n,)` signed, as `signals.weigh` gives them.
    The mean over the buckets is taken off: a lean is towards one thing and away from others.
    """
    if not len(weights):
        return np.zeros(BUCKETS)
    lean = weights @ themes
    return _unit(lean - lean.mean())


def user_features(taste: F64, context: Context) -> F64:
    """`(USER_FEATURES,)`: taste, device, daypart; a credit token carries it in half precision."""
    device = np.array([context.device == name for name in DEVICES], float)
    daypart = np.array([context.daypart == name for name in DAYPARTS], float)
    return np.concatenate([taste, device, daypart])


def image_features(user: F64, themes: F64) -> F64:
    """A user before images: `(n, FEATURES)`; `themes` `(n, BUCKETS)`, `user` `(USER_FEATURES,)`.

    1; the match m, the taste for the best of the themes; m by device, web and unknown as one (3);
    m by the clock, whose quarters are the dayparts (2); each axis of the taste times each of the
    themes (25). `user` may also be `(n, USER_FEATURES)`. What an image is worth to everybody is no
    feature: each image has an intercept of its own.
    """
    lean, device, part = np.split(user, (BUCKETS, BUCKETS + len(DEVICES)), axis=-1)
    shown = themes > 0
    best = np.where(shown, lean, -np.inf).max(axis=-1, keepdims=True)
    match = np.where(shown.any(axis=-1, keepdims=True), best, 0.0)
    clock = part[..., :2] - part[..., 2:]  # morning against evening, day against night
    pairs = _on_axes(themes)[..., :, None] * _on_axes(lean)[..., None, :]
    return np.concatenate(
        [
            np.ones_like(match),
            match,
            match * device[..., :-1],
            match * clock,
            pairs.reshape(*match.shape[:-1], AXES.shape[1] ** 2),
        ],
        axis=-1,
    )


def image_key(item: int, artwork: int) -> int:
    """An image in sums and tokens: low 32 bits of its item's hash, its index among the item's."""
    return (item & LOW) << ARTWORK_BITS | artwork


def _on_axes(vector: F64) -> F64:
    """Added up in one order whatever the number of rows: sums must be the same to the last bit."""
    return np.asarray((vector[..., None] * AXES).sum(axis=-2))


def _unit(vector: F64) -> F64:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-12 else np.zeros_like(vector)
