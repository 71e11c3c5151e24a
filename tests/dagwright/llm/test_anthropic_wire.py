"""Anthropic's wire format as its own SDK describes it: requests are checked, answers made with its types."""

from __future__ import annotations

import warnings
from typing import Any

import anthropic.types as wire
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from dagwright.exceptions import ContentError, DagwrightError, InputError, ModelAnswerError, TransportError
from dagwright.llm.anthropic import AnthropicModel
from dagwright.llm.model import Message, ModelRequest

from .conftest import Provider, Reply

SCHEMAS: dict[str, tuple[Any, Any, Any]] = {
    "an object": (
        {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False},
        {"n": 3},
        {"n": 3},
    ),
    "nested": (
        {
            "type": "object",
            "properties": {
                "rows": {"type": "array", "items": {"type": "object", "properties": {"é": {"type": "string"}}}}
            },
            "required": ["rows"],
        },
        {"rows": [{"é": 'ü\n"\\'}, {}]},
        {"rows": [{"é": 'ü\n"\\'}, {}]},
    ),
    "an array": ({"type": "array", "items": {"type": "integer"}}, {"value": [1, 2]}, [1, 2]),
    "a number": ({"type": "number"}, {"value": 1.5}, 1.5),
    "one of a set": ({"enum": ["a", "b", None]}, {"value": None}, None),
}


@pytest.fixture
def model(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> AnthropicModel:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    return AnthropicModel("claude-sonnet-4-6", base_url=provider.url)


def message(*content: Any, stop: Any = "end_turn") -> Any:
    made = wire.Message(
        id="msg_013Zva2CMHLNnXjNJJKqJ2EF",
        type="message",
        role="assistant",
        model="claude-sonnet-4-6",
        content=list(content),
        stop_reason=stop,
        stop_sequence=None,
        usage=wire.Usage(
            input_tokens=700,
            output_tokens=90,
            cache_read_input_tokens=200,
            cache_creation_input_tokens=100,
            service_tier="standard",
        ),
    )
    return made.model_dump(mode="json")


def text(words: str) -> Any:
    return wire.TextBlock(type="text", text=words, citations=None)


def tool(value: dict[str, object]) -> Any:
    return wire.ToolUseBlock(type="tool_use", id="toolu_01A09q90qw90lq917835lq9", name="Answer", input=value)


def request(schema: Any = None, **other: Any) -> ModelRequest:
    turns = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="Where?"),
        Message(role="assistant", content="Where what?"),
        Message(role="user", content="Oslo."),
    )
    return ModelRequest(messages=turns, json_schema=schema, **other)


def check_request(asked: dict[str, Any]) -> None:
    """Whether a body is what the SDK's own type of a request allows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        TypeAdapter(MessageCreateParamsNonStreaming).validate_python(asked)
    known = set(MessageCreateParamsNonStreaming.__annotations__)
    assert set(asked) - known <= {"temperature"}, "older models take it, newer ones refuse it"


@pytest.mark.parametrize(("schema", "sent", "value"), SCHEMAS.values(), ids=SCHEMAS)
def test_json_of_every_shape_comes_back(
    model: AnthropicModel, provider: Provider, schema: Any, sent: Any, value: Any
) -> None:
    provider.answers(Reply(body=message(text("Here it is."), tool(sent), stop="tool_use")))
    reply = model.complete(request(schema, stop=("###",), temperature=1.5))
    assert (reply.value, reply.finish) == (value, "stop")
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (1000, 200, 90)
    (asked,) = provider.asked
    check_request(asked)
    assert asked["tools"][0]["input_schema"]["type"] == "object"
    assert asked["tool_choice"] == {"type": "tool", "name": "Answer"} | {
        name: value for name, value in asked["tool_choice"].items() if name not in ("type", "name")
    }
    assert (asked["stop_sequences"], asked["temperature"]) == (["###"], 1.0)


def test_text_comes_back_from_all_its_blocks(model: AnthropicModel, provider: Provider) -> None:
    thought = wire.ThinkingBlock(type="thinking", thinking="Hm.", signature="EqQB")
    provider.answers(Reply(body=message(thought, text("Os"), text("lo"))))
    assert model.complete(request()).text == "Oslo"
    (asked,) = provider.asked
    check_request(asked)
    assert [turn["role"] for turn in asked["messages"]] == ["user", "assistant", "user"]
    headers = {name.lower(): value for name, value in provider.headers[0].items()}
    assert headers["authorization"] == "Bearer sk-ant-test"
    assert headers["anthropic-version"]


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_why_it_ended(model: AnthropicModel, provider: Provider, stop: str, finish: str) -> None:
    provider.answers(Reply(body=message(text("Oslo"), stop=stop)))
    assert model.complete(request()).finish == finish


@pytest.mark.parametrize("schema", [None, SCHEMAS["an object"][0]], ids=["text", "json"])
def test_a_refusal_is_said_to_be_one(model: AnthropicModel, provider: Provider, schema: Any) -> None:
    provider.answers(Reply(body=message(stop="refusal")))
    with pytest.raises(ModelAnswerError, match="refused") as caught:
        model.complete(request(schema))
    assert caught.value.usage is not None


ERRORS: dict[str, tuple[int, Any, type[DagwrightError], str]] = {
    "bad request": (400, wire.InvalidRequestError, ContentError, "refused the request"),
    "key": (401, wire.AuthenticationError, InputError, "refused the key in ANTHROPIC_API_KEY"),
    "no credit": (402, wire.BillingError, InputError, "no credit left"),
    "not allowed": (403, wire.PermissionError, InputError, "refused the key"),
    "unknown model": (404, wire.NotFoundError, InputError, "knows no model"),
    "too many": (429, wire.RateLimitError, TransportError, "429"),
    "server": (500, wire.APIErrorObject, TransportError, "500"),
    "gateway": (504, wire.GatewayTimeoutError, TransportError, "504"),
    "overloaded": (529, wire.OverloadedError, TransportError, "529"),
}


@pytest.mark.parametrize(("status", "kind", "error", "says"), ERRORS.values(), ids=ERRORS)
def test_each_error_of_the_api_has_ours(
    model: AnthropicModel, provider: Provider, status: int, kind: Any, error: type[DagwrightError], says: str
) -> None:
    known = kind.model_fields["type"].annotation.__args__[0]
    body = wire.ErrorResponse(type="error", error=kind(type=known, message="no"), request_id="req_011")
    provider.answers(Reply(status=status, body=body.model_dump(mode="json")))
    with pytest.raises(error, match=says):
        model.complete(request(SCHEMAS["an object"][0]))


@pytest.mark.parametrize("body", ["<html>", "null", '{"type": "message"}', ""], ids=["html", "null", "bare", "empty"])
@pytest.mark.parametrize("schema", [None, SCHEMAS["an object"][0]], ids=["text", "json"])
def test_what_is_no_message_is_a_wrong_answer(
    model: AnthropicModel, provider: Provider, schema: Any, body: str
) -> None:
    provider.answers(Reply(body=body))
    with pytest.raises(ModelAnswerError):
        model.complete(request(schema))
