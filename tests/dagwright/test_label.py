"""Labels form a join semilattice with `TRUSTED` at the bottom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagwright.label import TRUSTED, Label, join_all

READERS = st.none() | st.sets(st.sampled_from("abc"), max_size=3).map(lambda names: tuple(sorted(names)))
LABELS = st.builds(
    Label,
    integrity=st.sampled_from(["trusted", "untrusted"]),
    confidentiality=st.sampled_from(["public", "tenant", "secret"]),
    readers=READERS,
)
LEVELS = ("public", "tenant", "secret")


@given(LABELS)
def test_join_is_idempotent_and_bottom_is_neutral(a: Label) -> None:
    assert a.join(a) == a
    assert a.join(TRUSTED) == a == TRUSTED.join(a)


@given(LABELS, LABELS)
def test_join_is_commutative(a: Label, b: Label) -> None:
    assert a.join(b) == b.join(a)


@given(LABELS, LABELS, LABELS)
def test_join_is_associative(a: Label, b: Label, c: Label) -> None:
    assert a.join(b).join(c) == a.join(b.join(c))


@given(LABELS, LABELS)
def test_the_join_is_at_least_as_strict_as_both(a: Label, b: Label) -> None:
    joined = a.join(b)
    assert joined.join(a) == joined == joined.join(b)
    assert (joined.integrity == "trusted") == (a.integrity == b.integrity == "trusted")
    assert LEVELS.index(joined.confidentiality) == max(LEVELS.index(a.confidentiality), LEVELS.index(b.confidentiality))
    for label in (a, b):
        if label.readers is not None:
            assert joined.readers is not None
            assert set(joined.readers) <= set(label.readers)


@given(st.lists(LABELS, max_size=4), st.randoms())
def test_the_join_of_many_does_not_depend_on_their_order(labels: list[Label], random: object) -> None:
    shuffled = list(labels)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert join_all(shuffled) == join_all(labels)
