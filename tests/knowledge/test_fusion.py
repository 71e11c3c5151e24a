from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.fusion import fuse
from knowledge.index import Found

NAMES = st.lists(st.sampled_from("abcdefghij"), unique=True)


def ranked(names: list[str]) -> list[Found]:
    return [Found(id=name, score=1 - i / 100, doc_id=name, age=(0, "1"), content="") for i, name in enumerate(names)]


def order(dense: list[str], sparse: list[str]) -> list[str]:
    return [item.found.id for item in fuse(ranked(dense), ranked(sparse))]


def test_second_in_both_beats_first_in_one():
    assert order(["a", "b", "c"], ["d", "b"])[0] == "b"


def test_equal_scores_are_told_apart_by_meaning():
    assert order(["a"], ["b"]) == ["a", "b"]


@given(NAMES)
def test_two_equal_rankings_stay_as_they_are(names):
    assert order(names, names) == names


@given(NAMES, NAMES)
def test_nobody_is_lost_and_whoever_is_ahead_in_both_stays_ahead(dense, sparse):
    fused = order(dense, sparse)
    assert sorted(fused) == sorted({*dense, *sparse})
    both = [name for name in dense if name in sparse]
    for ahead in both:
        for behind in both:
            if dense.index(ahead) < dense.index(behind) and sparse.index(ahead) < sparse.index(behind):
                assert fused.index(ahead) < fused.index(behind)
