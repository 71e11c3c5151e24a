"""Hosted models: what is asked, what comes back, and which error each fault becomes."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dagwright.exceptions import (
    ContentError,
    DagwrightError,
    InputError,
    ModelAnswerError,
    TimedOut,
    TransportError,
    Unreachable,
)
from dagwright.llm.anthropic import AnthropicModel
from dagwright.llm.model import Message, Model, ModelRequest
from dagwright.llm.openai import OpenAIModel
from dagwright.llm.transport import ATTEMPTS

from .conftest import Provider, Reply

SECRET = "sk-test-0123456789-very-secret"
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 2}},
    "required": ["city"],
    "additionalProperties": False,
}


def request(schema: Any = None, **other: Any) -> ModelRequest:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content="Where?"))
    return ModelRequest(messages=messages, json_schema=schema, **other)


def openai_answer(content: str | None, *, finish: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": 1000,
            "completion_tokens": 100,
            "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 200},
        },
    }


def anthropic_answer(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 800, "output_tokens": 100, "cache_read_input_tokens": 200},
    }


def tool_use(value: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t1", "name": "Answer", "input": value}


@pytest.fixture
def openai_model(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> OpenAIModel:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    return OpenAIModel("gpt-4o-mini", base_url=f"{provider.url}/v1")


@pytest.fixture
def anthropic_model(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> AnthropicModel:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    return AnthropicModel("claude-sonnet-4-6", base_url=provider.url)


# ---------------------------------------------------------------------------- good answers


def test_openai_gives_text_with_its_usage(openai_model: OpenAIModel, provider: Provider) -> None:
    provider.answers(Reply(body=openai_answer("Oslo")))
    reply = openai_model.complete(request(stop=("!",), max_tokens=7, seed=3))
    assert (reply.text, reply.value, reply.finish) == ("Oslo", None, "stop")
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (1000, 200, 100)
    asked = provider.asked[0]
    assert (asked["max_tokens"], asked["seed"], asked["stop"], asked["temperature"]) == (7, 3, ["!"], 0.0)


def test_openai_gets_the_schema_as_it_is_and_the_value_comes_back(
    openai_model: OpenAIModel, provider: Provider
) -> None:
    provider.answers(Reply(body=openai_answer('{"city": "Oslo"}')))
    assert openai_model.complete(request(CITY)).value == {"city": "Oslo"}
    sent = provider.asked[0]["response_format"]["json_schema"]["schema"]
    assert {name: sent[name] for name in CITY} == CITY


def test_anthropic_gives_text_with_the_system_message_apart(
    anthropic_model: AnthropicModel, provider: Provider
) -> None:
    provider.answers(Reply(body=anthropic_answer({"type": "text", "text": "Oslo"})))
    reply = anthropic_model.complete(request())
    assert (reply.text, reply.usage.prompt_tokens, reply.usage.cached_tokens) == ("Oslo", 1000, 200)
    assert reply.usage.cost == pytest.approx(800 * 3e-6 + 200 * 0.3e-6 + 100 * 15e-6)
    asked = provider.asked[0]
    assert (asked["system"], asked["messages"]) == ("Be brief.", [{"role": "user", "content": "Where?"}])


def test_anthropic_gets_the_schema_as_a_forced_tool(anthropic_model: AnthropicModel, provider: Provider) -> None:
    provider.answers(Reply(body=anthropic_answer(tool_use({"city": "Oslo"}), stop="tool_use")))
    assert anthropic_model.complete(request(CITY)).value == {"city": "Oslo"}
    asked = provider.asked[0]
    assert asked["tool_choice"]["name"] == asked["tools"][0]["name"]
    assert asked["tools"][0]["input_schema"]["properties"] == CITY["properties"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        {"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}},
    ],
    ids=["array", "array-with-definitions"],
)
def test_a_schema_that_is_no_object_travels_inside_one(
    openai_model: OpenAIModel, provider: Provider, schema: dict[str, Any]
) -> None:
    provider.answers(Reply(body=openai_answer('{"value": [1, 2]}')))
    assert openai_model.complete(request(schema)).value == [1, 2]
    sent = provider.asked[0]["response_format"]["json_schema"]["schema"]
    assert sent["type"] == "object"
    assert sent.get("$defs") == schema.get("$defs")


def test_a_price_that_is_not_known_stays_unknown(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    provider.answers(Reply(body=openai_answer("Oslo")))
    assert OpenAIModel("my-own", base_url=f"{provider.url}/v1").complete(request()).usage.cost is None


def test_a_parameter_that_a_model_refuses_is_left_out(openai_model: OpenAIModel, provider: Provider) -> None:
    refusal = {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature", "code": "unsupported"}}
    provider.answers(Reply(status=400, body=refusal), Reply(body=openai_answer("Oslo")))
    assert openai_model.complete(request()).text == "Oslo"
    assert ["temperature" in asked for asked in provider.asked] == [True, False]


def test_a_temperature_that_claude_refuses_is_left_out(anthropic_model: AnthropicModel, provider: Provider) -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "temperature: not supported"}}
    provider.answers(
        Reply(status=400, body=refusal),
        Reply(body=anthropic_answer(tool_use({"city": "Oslo"}), stop="tool_use")),
    )
    assert anthropic_model.complete(request(CITY)).value == {"city": "Oslo"}
    assert ["temperature" in asked for asked in provider.asked] == [True, False]


# ---------------------------------------------------------------------------------- faults


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    replies: tuple[Reply, ...]
    error: type[DagwrightError]
    says: str
    schema: Any = None
    asked: int = 1


def failed(status: int, message: str = "no") -> Reply:
    return Reply(status=status, body={"type": "error", "error": {"type": "e", "message": message, "code": None}})


SHARED = (
    Case(id="busy", replies=(failed(429),), error=TransportError, says="429", asked=ATTEMPTS),
    Case(id="overloaded", replies=(failed(503),), error=TransportError, says="503", asked=ATTEMPTS),
    Case(id="dropped", replies=(Reply(drop=True),), error=Unreachable, says="not reachable", asked=ATTEMPTS),
    Case(id="key-refused", replies=(failed(401, f"bad key {SECRET}"),), error=InputError, says="_API_KEY"),
    Case(id="unknown-model", replies=(failed(404),), error=InputError, says="knows no model"),
    Case(id="bad-request", replies=(failed(400, "too long"),), error=ContentError, says="too long"),
)
OPENAI = (
    *SHARED,
    Case(id="no-json", replies=(Reply(body=openai_answer("Oslo!")),), error=ModelAnswerError, says="", schema=CITY),
    Case(
        id="wrong-json",
        replies=(Reply(body=openai_answer('{"city": "O"}')),),
        error=ModelAnswerError,
        says="does not fit its schema: at /city",
        schema=CITY,
    ),
    Case(
        id="cut-off",
        replies=(Reply(body=openai_answer('{"city": "Os', finish="length")),),
        error=ModelAnswerError,
        says="cut off",
        schema=CITY,
    ),
    Case(
        id="refusal",
        replies=(Reply(body=openai_answer(None, refusal="I can't")),),
        error=ModelAnswerError,
        says="refused",
    ),
    Case(
        id="filtered",
        replies=(Reply(body=openai_answer("", finish="content_filter")),),
        error=ModelAnswerError,
        says="content filter",
    ),
    Case(id="no-choices", replies=(Reply(body={"id": "1"}),), error=ModelAnswerError, says="no choice"),
    Case(id="html", replies=(Reply(body="<html>"),), error=ModelAnswerError, says=""),
)
ANTHROPIC = (
    *SHARED,
    Case(
        id="text-instead",
        replies=(Reply(body=anthropic_answer({"type": "text", "text": "Oslo"})),),
        error=ModelAnswerError,
        says="",
        schema=CITY,
    ),
    Case(
        id="wrong-value",
        replies=(Reply(body=anthropic_answer(tool_use({"town": "Oslo"}), stop="tool_use")),),
        error=ModelAnswerError,
        says="does not fit its schema",
        schema=CITY,
    ),
    Case(
        id="cut-off",
        replies=(Reply(body=anthropic_answer(tool_use({}), stop="max_tokens")),),
        error=ModelAnswerError,
        says="cut off",
        schema=CITY,
    ),
    Case(
        id="refusal",
        replies=(Reply(body=anthropic_answer(stop="refusal")),),
        error=ModelAnswerError,
        says="refused",
    ),
    Case(
        id="refusal-of-json",
        replies=(Reply(body=anthropic_answer(stop="refusal")),),
        error=ModelAnswerError,
        says="",
        schema=CITY,
    ),
)


def check_fault(model: Model, provider: Provider, case: Case) -> None:
    provider.answers(*case.replies)
    with pytest.raises(case.error) as caught:
        model.complete(request(case.schema))
    assert case.says in str(caught.value)
    assert isinstance(caught.value, TransportError) == issubclass(case.error, TransportError)
    assert len(provider.asked) == case.asked, "only transport is tried again"
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    if case.schema is not None and isinstance(caught.value, ModelAnswerError):
        assert caught.value.usage is not None, "tokens of a useless answer count too"
        assert caught.value.usage.completion_tokens == 100


@pytest.mark.parametrize("case", OPENAI, ids=lambda case: case.id)
def test_each_fault_of_an_openai_endpoint_has_its_error(
    openai_model: OpenAIModel, provider: Provider, case: Case
) -> None:
    check_fault(openai_model, provider, case)


@pytest.mark.parametrize("case", ANTHROPIC, ids=lambda case: case.id)
def test_each_fault_of_anthropic_has_its_error(anthropic_model: AnthropicModel, provider: Provider, case: Case) -> None:
    check_fault(anthropic_model, provider, case)


def test_what_answers_after_two_failures_is_taken(openai_model: OpenAIModel, provider: Provider) -> None:
    provider.answers(failed(503), Reply(drop=True), Reply(body=openai_answer("Oslo")))
    assert openai_model.complete(request()).text == "Oslo"


@pytest.mark.parametrize("schema", [None, CITY], ids=["text", "json"])
def test_an_answer_that_takes_too_long_is_a_timeout(openai_model: OpenAIModel, provider: Provider, schema: Any) -> None:
    provider.answers(Reply(body=openai_answer("Oslo"), delay=1.0))
    with pytest.raises(TimedOut, match="did not answer in time"):
        openai_model.complete(request(schema, timeout=0.2))


def test_where_nothing_listens_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(Unreachable, match="--model local"):
        OpenAIModel("m", base_url="http://127.0.0.1:9/v1").complete(request(timeout=5))


@pytest.mark.parametrize(
    "asked",
    [{"grammar": 'root ::= "a"'}, {"continues": True}],
    ids=["grammar", "continues"],
)
def test_what_hosted_models_do_not_offer_is_refused_before_asking(
    openai_model: OpenAIModel, provider: Provider, asked: dict[str, Any]
) -> None:
    with pytest.raises(ContentError):
        openai_model.complete(request(**asked))
    assert not provider.asked


# ------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("make", "variable"),
    [(OpenAIModel, "OPENAI_API_KEY"), (AnthropicModel, "ANTHROPIC_API_KEY")],
    ids=["openai", "anthropic"],
)
def test_a_missing_key_is_named(make: Callable[[str], Model], variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(InputError, match=variable):
        make("some-model")


def test_no_key_shows_in_reprs_or_logs(
    openai_model: OpenAIModel, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    provider.answers(failed(401, f"Incorrect API key provided: {SECRET}"))
    with pytest.raises(InputError):
        openai_model.complete(request(CITY))
    shown = repr(openai_model) + repr(vars(openai_model)) + caplog.text
    assert SECRET not in shown
    sent = {name.lower(): value for name, value in provider.headers[0].items()}
    assert sent["authorization"] == f"Bearer {SECRET}"
