"""Credit tokens: what comes back is what was signed, or nothing."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.credit import MAX_CLOCK_MS, MAX_TOKEN, Credit, Credited, sign, verify
from marquee_shared.errors import BadToken
from marquee_shared.ids import item_hash

KEY, NOW, HOUR = b"a key of the test", 1_795_464_000_000, 3_600_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def credit(choices: int = 2, **changes: object) -> Credit:
    fields = {
        "decision_id": "0c4f4f9c7f5e4c0f9f63a51de1f0a3b7",
        "user": item_hash("u1"),
        "issued_at": NOW,
        "taste": (0.5, -1.0, 0.25),
        "choices": tuple(
            Credited(
                item=item_hash(f"m{n}") & 0xFFFFFFFF,
                artwork=n % 5,
                policy=("thompson-7", "uniform")[n % 2],
                propensity=0.25,
            )
            for n in range(choices)
        ),
    }
    return Credit(**(fields | changes))  # type: ignore[arg-type]


def checked(token: str, *, user: str = "u1", now: int = NOW, keys: dict[str, bytes] | None = None):
    return verify(token, keys or {"k1": KEY}, user_id=user, now_ms=now, window_ms=HOUR)


half = st.floats(width=16, allow_nan=False, allow_infinity=False)
credits_ = st.builds(
    Credit,
    decision_id=st.from_regex(r"\A[A-Za-z0-9_.:-]{1,128}\Z"),
    user=st.just(item_hash("u1")),
    issued_at=st.integers(NOW - HOUR, NOW),
    taste=st.lists(half, max_size=32).map(tuple),
    choices=st.lists(
        st.builds(
            Credited,
            item=st.integers(0, 2**32 - 1),
            artwork=st.integers(0, 255),
            policy=st.sampled_from(["thompson-7", "uniform", "", "Zürich"]),
            propensity=half,
        ),
        max_size=40,
    ).map(tuple),
)


@given(credits_)
def test_credit_survives_the_client(given_credit):
    token = sign(given_credit, "k1", KEY)
    assert checked(token) == given_credit
    assert set(token) <= set(ALPHABET)


def test_page_of_40_fits_700_characters():
    taste = tuple(n / 32 for n in range(32))
    assert len(sign(credit(choices=40, taste=taste), "k1", KEY)) <= 700


def test_page_of_255_choices_is_still_a_token():
    token = sign(credit(choices=255), "k1", KEY)
    assert len(checked(token).choices) == 255
    assert len(token) <= MAX_TOKEN


def test_every_flipped_bit_is_a_forgery():
    raw = base64.urlsafe_b64decode(padded(sign(credit(), "k1", KEY)))
    for bit in range(8 * len(raw)):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadToken):
            checked(base64.urlsafe_b64encode(bytes(forged)).rstrip(b"=").decode())


@pytest.mark.parametrize("choices", [1, 2, 3])  # three lengths, for base64's three endings
def test_every_changed_character_is_a_forgery(choices):
    token = sign(credit(choices), "k1", KEY)
    for place, character in enumerate(token):
        other = ALPHABET[ALPHABET.index(character) ^ 1]
        with pytest.raises(BadToken):
            checked(token[:place] + other + token[place + 1 :])


def padded(token: str) -> str:
    return token + "=" * (-len(token) % 4)


@pytest.mark.parametrize("choices", [1, 2, 3])
def test_one_credit_has_one_spelling(choices):
    token = sign(credit(choices), "k1", KEY)
    for other in (padded(token) + "=", token + "\n", " " + token, token + "===="):
        with pytest.raises(BadToken):
            checked(other)


def test_token_of_another_user_earns_nothing():
    with pytest.raises(BadToken, match="another user"):
        checked(sign(credit(), "k1", KEY), user="u2")


def test_token_lives_exactly_as_long_as_the_window():
    token = sign(credit(), "k1", KEY)
    assert checked(token, now=NOW + HOUR) == checked(token, now=NOW - MAX_CLOCK_MS) == credit()
    for outside in (NOW + HOUR + 1, NOW - MAX_CLOCK_MS - 1):
        with pytest.raises(BadToken, match="window"):
            checked(token, now=outside)


def test_token_signed_by_a_retired_or_another_key_earns_nothing():
    token = sign(credit(), "k0", KEY)
    for keys in ({"k1": KEY}, {"k0": b"another"}):
        with pytest.raises(BadToken, match="signature"):
            checked(token, keys=keys)


def test_old_key_holds_beside_the_new_one():
    keys = {"k1": b"new", "k0": KEY}
    assert checked(sign(credit(), "k0", KEY), keys=keys) == credit()


@pytest.mark.parametrize(
    "token",
    ["", "A", "AQ", "AQ==", "!", "\N{PILE OF POO}", "AQ AQ", "A" * 100, "_" * 4096, "AQ" * 2049],
)
def test_malformed_token_earns_nothing(token):
    with pytest.raises(BadToken):
        checked(token)


@given(st.text(max_size=80) | st.text(ALPHABET, max_size=80))
def test_any_text_is_a_bad_token(text):
    with pytest.raises(BadToken):
        checked(text)


def test_refusal_never_holds_the_token():
    with pytest.raises(BadToken) as refused:
        checked("secret-secret-secret")
    assert "secret" not in str(refused.value)
