"""Likeness: places of texts, the likest first, by meaning and by words."""

from __future__ import annotations

from pathlib import Path

from knowledge.embedder import MiniLm
from planner.likeness import Likeness

TEXTS = (
    "How many COLUMN were VALUE?",
    "Draw a bar chart of the COLUMN per COLUMN.",
    "The COLUMN with the lowest COLUMN",
)


def test_the_same_text_is_the_nearest(tmp_path: Path) -> None:
    likeness = Likeness(TEXTS, MiniLm(), tmp_path)
    for place, text in enumerate(TEXTS):
        assert likeness.nearest(text)[0] == place


def test_every_text_has_a_place_whatever_is_asked_for(tmp_path: Path) -> None:
    likeness = Likeness(TEXTS, MiniLm(), tmp_path)
    for text in ("Which COLUMN is cheapest?", "zzz", ""):
        assert sorted(likeness.nearest(text)) == [0, 1, 2]


def test_other_words_of_the_same_meaning_are_found(tmp_path: Path) -> None:
    assert Likeness(TEXTS, MiniLm(), tmp_path).nearest("Please plot the COLUMN of each COLUMN as bars")[0] == 1
