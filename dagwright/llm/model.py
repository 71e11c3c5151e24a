"""The one-method `Model` protocol and the frozen values that go in and come out."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import Field, JsonValue

from dagwright.model import Frozen, JsonSchema


class Message(Frozen):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class ModelRequest(Frozen):
    """Everything that determines an answer; its canonical JSON is a cassette's key."""

    messages: tuple[Message, ...]
    """The conversation; stable parts first, so that prefixes are cached."""
    json_schema: JsonSchema | None = None
    """Schema of the wanted JSON answer; None asks for text."""
    grammar: str | None = None
    """GBNF that the text must follow; only where `Model.accepts_grammar`; excludes `json_schema`."""
    seed: int = 0
    """Seed of sampling."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 is greedy."""
    max_tokens: int = Field(default=512, ge=1)
    """Limit of the answer."""
    stop: tuple[str, ...] = ()
    """Strings that end the answer; they are not part of it."""
    continues: bool = False
    """True where the last message is the beginning of the assistant's own answer."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds, retries included; None leaves it to the model: 120 for a hosted one, 600 for the local one."""
    stable: int = Field(default=0, ge=0, exclude=True)
    """How many leading messages hold nothing of a user's own and come again in other runs.

    What a model on this machine read of them may be kept on disk. It is no part of what is asked,
    and therefore not of its JSON.
    """


class Usage(Frozen):
    """What an answer took."""

    prompt_tokens: int = 0
    """Tokens read, cached ones included."""
    cached_tokens: int = 0
    """Tokens of the prompt that a prefix cache already had."""
    completion_tokens: int = 0
    """Tokens written."""
    cost: float | None = None
    """US dollars; None is unknown; 0 only for a model on this machine."""
    seconds: float = 0.0
    """Wall time."""


class ModelReply(Frozen):
    """An answer."""

    text: str
    """As written."""
    value: JsonValue = None
    """The parsed JSON where a schema was given; it has been validated against it."""
    logprobs: tuple[float, ...] | None = None
    """Natural logarithm of each token's probability, where the provider gives it."""
    finish: Literal["stop", "length"] = "stop"
    """Why it ended."""
    usage: Usage = Usage()
    """What it took."""
    model: str
    """Which model answered."""


class Model(Protocol):
    """A language model: messages in, text or JSON out. It never executes anything."""

    @property
    def name(self) -> str:
        """Stable name, e.g. `local:qwen2.5-coder-1.5b-instruct-q4_k_m` or `openai:gpt-4o-mini`."""
        ...

    @property
    def accepts_grammar(self) -> bool:
        """Whether `ModelRequest.grammar` is enforced while decoding."""
        ...

    def complete(self, request: ModelRequest) -> ModelReply:
        """Gives the answer.

        Raises:
            ModelAnswerError: garbage, a refusal, or cut off where JSON was wanted.
            TransportError: the model cannot be reached or did not answer in time.
            Cancelled: the caller stopped it.
        """
        ...
