"""The real local model: grammars, schemas, continued answers, the prefix cache, stopping it.

One model for the whole file: loading takes seconds.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagwright.exceptions import Cancelled, ContentError, ModelAnswerError, TimedOut, TransportError
from dagwright.llm.answer import schema_problems
from dagwright.llm.llamacpp import Engine
from dagwright.llm.local import LocalModel
from dagwright.llm.model import Message, ModelRequest
from dagwright.llm.weights import require

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

RULES = Message(role="system", content="You are a careful assistant. " + "Answer briefly. " * 40)


def ask(text: str, *answer: str, **other: Any) -> ModelRequest:
    begun = tuple(Message(role="assistant", content=part) for part in answer)
    return ModelRequest(messages=(RULES, Message(role="user", content=text), *begun), continues=bool(begun), **other)


def endless(**other: Any) -> ModelRequest:
    """A request whose grammar never ends."""
    return ask("x", grammar='root ::= "x " root', max_tokens=7000, **other)


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    local = LocalModel()
    yield local
    local.close()


def test_the_same_request_gives_the_same_answer_and_its_prefix_is_cached(model: LocalModel) -> None:
    first = model.complete(ask("Name a fruit.", max_tokens=8))
    again = model.complete(ask("Name a bird.", max_tokens=8))
    assert first.text == model.complete(ask("Name a fruit.", max_tokens=8)).text
    assert 100 < again.usage.cached_tokens < again.usage.prompt_tokens
    assert (again.usage.cost, again.finish) == (0.0, "stop")
    assert again.logprobs is not None
    assert all(value <= 0 for value in again.logprobs)


SCHEMAS: dict[str, Any] = {
    "bounds": {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 100, "maximum": 120},
            "share": {"type": "number", "minimum": 0.5, "maximum": 0.75},
            "name": {"type": "string", "minLength": 3, "maxLength": 6, "pattern": "^[a-z]+$"},
        },
        "required": ["count", "share", "name"],
        "additionalProperties": False,
    },
    "enum-of-1000": {"enum": [f"value {n}" for n in range(1000)]},
    "tagged": {
        "type": "object",
        "properties": {
            "value": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": {"kind": {"const": "number"}, "of": {"type": "integer"}},
                        "required": ["kind", "of"],
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "properties": {"kind": {"const": "day"}, "of": {"type": "string", "format": "date"}},
                        "required": ["kind", "of"],
                        "additionalProperties": False,
                    },
                ]
            }
        },
        "required": ["value"],
        "additionalProperties": False,
    },
    "recursive": {
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 8},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 2},
                },
                "required": ["name", "parts"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/tree",
    },
    "array": {
        "type": "array",
        "prefixItems": [{"type": "boolean"}, {"type": "null"}],
        "items": {"type": "integer", "multipleOf": 5},
        "minItems": 4,
        "maxItems": 4,
    },
    "union": {"type": ["integer", "boolean"]},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_allowed_keyword_is_enforced_while_decoding(model: LocalModel, name: str) -> None:
    reply = model.complete(ask("Say something about penguins as JSON.", json_schema=SCHEMAS[name], max_tokens=300))
    assert schema_problems(SCHEMAS[name], reply.value) == []
    assert "\n" not in reply.text, "no free white space"


def test_a_grammar_is_enforced_and_an_answer_continued_call_by_call(model: LocalModel) -> None:
    line = 'root ::= " " ("red" | "green" | "blue") "\\n"'
    begun = "1."
    cached: list[int] = []
    for number in (2, 3, 4):
        reply = model.complete(ask("List three colours.", begun, grammar=line, max_tokens=10))
        assert reply.text.strip() in ("red", "green", "blue")
        cached.append(reply.usage.prompt_tokens - reply.usage.cached_tokens)
        begun += f"{reply.text}{number}."
    assert max(cached[1:]) < 10, "only what was appended is read"


CATALOGUE = Message(role="system", content="\n".join(f"Item {n} costs {n * n % 17} euros." for n in range(60)))


def answered(states: Path, text: str) -> tuple[str, tuple[float, ...] | None, int]:
    """What a fresh process would answer: text, log-probabilities, tokens that it need not read."""
    local = LocalModel(states=states)
    try:
        messages = (CATALOGUE, Message(role="user", content=text))
        reply = local.complete(ModelRequest(messages=messages, max_tokens=12, stable=1))
    finally:
        local.close()
    return reply.text, reply.logprobs, reply.usage.cached_tokens


def test_a_stable_opening_is_read_once_on_a_machine_and_changes_no_answer(tmp_path: Path) -> None:
    first, again = answered(tmp_path, "What does item 7 cost?"), answered(tmp_path, "What does item 7 cost?")
    assert again[:2] == first[:2]
    assert (first[2], again[2] > 400) == (0, True)


def test_what_is_kept_of_an_opening_holds_nothing_of_the_rest(tmp_path: Path) -> None:
    for folder, text in (("one", "What does item 7 cost?"), ("two", "Tell me a secret of penguins.")):
        answered(tmp_path / folder, text)
    one, two = ([path.name for path in (tmp_path / folder).iterdir()] for folder in ("one", "two"))
    assert one == two
    assert len(one) == 1, "whose name is the checksum of its content"


def test_a_damaged_state_is_read_again(tmp_path: Path) -> None:
    first = answered(tmp_path, "What does item 7 cost?")
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[: 1 << 20])
    assert answered(tmp_path, "What does item 7 cost?") == first


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_state_that_the_disk_had_no_room_for_is_not_kept(tmp_path: Path) -> None:
    engine = Engine(require(), threads=2, context=1024, states=tmp_path)
    (tmp_path / "full").symlink_to("/dev/full")
    try:
        assert engine.read("One two three four five.", timeout=60.0, cancelled=threading.Event()) > 5
        assert engine.save("full") is None
        assert engine.save("fine") is not None
    finally:
        engine.close()


def test_stop_strings_end_the_answer_and_are_no_part_of_it(model: LocalModel) -> None:
    reply = model.complete(ask("Count from 1 to 9, with commas.", stop=("5",), max_tokens=40))
    assert "4" in reply.text
    assert "5" not in reply.text
    assert reply.finish == "stop"


def test_a_text_that_is_cut_off_says_so(model: LocalModel) -> None:
    assert model.complete(ask("Count from 1 to 90.", max_tokens=5)).finish == "length"


def test_seeds_matter_where_it_is_warm(model: LocalModel) -> None:
    texts = {model.complete(ask("Invent a name.", seed=seed, temperature=1.5, max_tokens=12)).text for seed in range(4)}
    assert len(texts) > 1


def test_json_that_is_cut_off_is_an_error_that_counts(model: LocalModel) -> None:
    with pytest.raises(ModelAnswerError, match="cut off at 4 tokens") as caught:
        model.complete(ask("Penguins as JSON.", json_schema=SCHEMAS["bounds"], max_tokens=4))
    assert caught.value.usage is not None
    assert caught.value.usage.completion_tokens == 4


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"grammar": "root ::= nothing"}, "grammar"),
        ({"json_schema": {"not": {}}}, "cannot enforce"),
        ({"json_schema": {}, "grammar": 'root ::= "a"'}, "not both"),
    ],
    ids=["malformed-grammar", "schema", "both"],
)
def test_what_cannot_be_enforced_fails_closed(model: LocalModel, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ContentError, match=says):
        model.complete(ask("x", **asked))


def test_a_prompt_longer_than_the_context_is_an_error_of_content(model: LocalModel) -> None:
    with pytest.raises(ContentError, match="context"):
        model.complete(ask("word " * 9000))


def test_it_stops_in_time_and_answers_again(model: LocalModel) -> None:
    with pytest.raises(TimedOut):
        model.complete(endless(timeout=1.0))
    assert model.complete(ask("Name a fruit.", max_tokens=8)).text


def test_it_can_be_cancelled_from_another_thread(model: LocalModel) -> None:
    timer = threading.Timer(0.7, model.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        model.complete(endless())
    assert time.monotonic() - started < 60
    timer.join()


def test_two_threads_take_turns(model: LocalModel) -> None:
    replies: dict[str, str] = {}

    def work(word: str) -> None:
        replies[word] = model.complete(ask("x", grammar=f'root ::= "{word}"', max_tokens=20)).text

    threads = [threading.Thread(target=work, args=(word,)) for word in ("alpha", "beta", "gamma")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == {word: word for word in ("alpha", "beta", "gamma")}


def test_waiting_for_a_busy_model_ends_in_time(model: LocalModel) -> None:
    def be_long() -> None:
        with pytest.raises(Cancelled):
            model.complete(endless())

    long = threading.Thread(target=be_long)
    long.start()
    time.sleep(0.5)
    with pytest.raises(TransportError, match="busy"):
        model.complete(ask("x", timeout=0.2))
    model.cancel()
    long.join()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_signal_handlers_stay_and_no_port_is_open(model: LocalModel) -> None:
    model.complete(ask("x", max_tokens=1))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    ours = {row[9] for row in rows if row[3] == "0A"}
    assert not ours & own_sockets(), "llama.cpp listens on no TCP port"


def own_sockets() -> set[str]:
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def test_a_model_with_another_template_is_asked_through_it(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_chatml", False)
    reply = model.complete(ask("List three colours.", "1.", grammar='root ::= " " [a-z]+', max_tokens=10))
    assert reply.text.strip().isalpha()
    assert reply.usage.completion_tokens > 0


def test_loading_and_answering_prints_nothing() -> None:
    code = (
        "from dagwright.llm import *;"
        "m = open_model('local'); m.complete(ModelRequest(messages=(Message(role='user', content='x'),), max_tokens=2))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
