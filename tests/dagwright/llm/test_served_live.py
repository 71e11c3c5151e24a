"""The hosted adapters against a real server: llama.cpp speaks OpenAI's and Anthropic's protocols."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dagwright.exceptions import InputError, TimedOut, TransportError
from dagwright.llm import open_model
from dagwright.llm.anthropic import AnthropicModel
from dagwright.llm.model import Message, Model, ModelRequest
from dagwright.llm.weights import require

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

KEY = "a-key-for-this-test"
SERVE = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path = sys.argv[1]
p.n_ctx, p.n_parallel, p.verbosity, p.warmup = 4096, 1, -1, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 2
p.cache_ram_mib, p.api_keys, p.hostnames = 64, [sys.argv[2]], ["127.0.0.1"]
server = xllamacpp.Server(p)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer", "minimum": 3, "maximum": 5}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(require()), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        for _ in range(100):
            if httpx.get(f"{address}/health").status_code == 200:
                break
            time.sleep(0.1)
        yield address
        process.kill()


@pytest.fixture(params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    return open_model(f"{url}/v1#qwen") if request.param == "openai" else AnthropicModel("qwen", base_url=url)


def ask(text: str, **other: Any) -> ModelRequest:
    return ModelRequest(
        messages=(Message(role="system", content="Be brief."), Message(role="user", content=text)), **other
    )


def test_text_comes_with_tokens_and_an_unknown_price(model: Model) -> None:
    reply = model.complete(ask("Name a fruit.", max_tokens=12))
    assert reply.text
    assert reply.usage.prompt_tokens > 5
    assert reply.usage.completion_tokens > 0
    assert reply.usage.cost is None


@pytest.mark.parametrize("model", ["openai"], indirect=True)  # llama.cpp's forced tool calls loop on white space
def test_json_follows_its_schema(model: Model) -> None:
    value: Any = model.complete(
        ask("How many apples, and which colour? JSON.", json_schema=SCHEMA, max_tokens=80)
    ).value
    assert value["colour"] in ("red", "green")
    assert 3 <= value["count"] <= 5


def test_the_token_limit_shows(model: Model) -> None:
    assert model.complete(ask("Count from 1 to 90.", max_tokens=4)).finish == "length"


def test_too_slow_is_a_timeout(model: Model) -> None:
    with pytest.raises(TimedOut):
        model.complete(ask("Count from 1 to 900.", max_tokens=2000, timeout=0.4))


def test_a_wrong_key_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_model(f"{url}/v1#qwen").complete(ask("x"))
    assert os.environ["OPENAI_API_KEY"] == "wrong"


def test_a_server_that_dies_is_an_error_of_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code = SERVE.replace("sys.stdin.read()", "time.sleep(0.5); import os; os._exit(1)")
    command = [sys.executable, "-c", code, str(require()), "none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with pytest.raises(TransportError):
            open_model(f"{address}/v1#qwen").complete(ask("Count from 1 to 900.", max_tokens=3000, timeout=60))
