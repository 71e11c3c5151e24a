"""From a specification to a model, without loading or reaching anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dagwright.exceptions import InputError, Unreachable
from dagwright.llm import Message, ModelRequest, default_spec, open_model


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("DAGWRIGHT_CACHE", str(tmp_path))


@pytest.mark.parametrize(
    ("spec", "name", "grammar"),
    [
        ("local", "local:qwen2.5-coder-1.5b-instruct-q4_k_m", True),
        ("openai:gpt-4o-mini", "openai:gpt-4o-mini", False),
        ("openai:ft:gpt-4o:x", "openai:ft:gpt-4o:x", False),
        ("anthropic:claude-sonnet-4-6", "anthropic:claude-sonnet-4-6", False),
        ("http://localhost:11434/v1#qwen2.5", "http://localhost:11434/v1#qwen2.5", False),
    ],
)
def test_a_specification_names_a_model(spec: str, name: str, grammar: bool) -> None:
    model = open_model(spec)
    assert (model.name, model.accepts_grammar) == (name, grammar)


def test_a_gguf_file_and_a_cassette_are_named_by_path(tmp_path: Path) -> None:
    (tmp_path / "my.model.gguf").write_bytes(b"GGUF")
    (tmp_path / "c.jsonl").write_text("")
    assert open_model(f"local:{tmp_path}/my.model.gguf").name == "local:my.model"
    assert open_model(f"cassette:{tmp_path}/c.jsonl").name == "cassette:c.jsonl"


@pytest.mark.parametrize("spec", ["", "gpt-4o", "openai:", "local:", "cassette:", "ftp://x#y", "http:/x#y"])
def test_an_unknown_specification_lists_what_is_allowed(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        open_model(spec)
    assert all(word in str(caught.value) for word in ("local:FILE.gguf", "openai:gpt-4o-mini", "/v1#", "cassette:"))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("local:/no/such.gguf", "no model file"),
        ("cassette:/no/such.jsonl", "cannot be read"),
        ("http://localhost/v1", "#NAME"),
        ("http://#m", "not an address"),
    ],
)
def test_what_a_specification_needs_is_checked_at_once(spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        open_model(spec)


def test_absent_weights_name_the_command_that_fetches_them() -> None:
    request = ModelRequest(messages=(Message(role="user", content="x"),))
    with pytest.raises(Unreachable, match="dagwright model pull") as caught:
        open_model("local").complete(request)
    assert caught.value.exit_code == 5


def test_a_file_that_is_no_model_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"nonsense" * 1000)
    request = ModelRequest(messages=(Message(role="user", content="x"),))
    with pytest.raises(InputError, match="cannot be loaded"):
        open_model(f"local:{tmp_path}/bad.gguf").complete(request)


@pytest.mark.parametrize(
    ("env", "kind"),
    [
        ({}, "local"),
        ({"OPENAI_API_KEY": "k"}, "openai"),
        ({"ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ({"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}, "anthropic"),
        ({"OPENAI_API_KEY": ""}, "local"),
    ],
)
def test_the_default_follows_the_keys(env: dict[str, str], kind: str) -> None:
    spec = default_spec(env)
    assert spec.partition(":")[0] == kind
    assert open_model(spec).name.startswith(kind)


def test_importing_dagwright_and_opening_a_model_imports_no_heavy_library() -> None:
    heavy = ["openai", "anthropic", "instructor", "xllamacpp", "huggingface_hub", "genai_prices", "jsonschema_rs"]
    code = (
        "import sys, dagwright, dagwright.llm as llm; llm.open_model('local'); llm.open_model('openai:m');"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_dagwright_alone_imports_nothing_else() -> None:
    code = "import sys, dagwright; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
