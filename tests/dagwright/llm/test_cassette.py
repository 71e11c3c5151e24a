"""A cassette records whole exchanges, replays them in order, and never asks a live model in replay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagwright.exceptions import InputError, ModelAnswerError
from dagwright.llm.cassette import Cassette, CassetteMiss, key_of
from dagwright.llm.model import Message, ModelReply, ModelRequest, Usage


class Counting:
    """A model whose answers tell how often it was asked; `bad` comes back as an error."""

    name = "counting"
    accepts_grammar = True

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        if request.messages[-1].content == "bad":
            raise ModelAnswerError("counting: garbage")
        return ModelReply(text=f"answer {self.asked}", usage=Usage(completion_tokens=2, cost=0.0), model=self.name)


def ask(text: str, **other: object) -> ModelRequest:
    return ModelRequest(messages=(Message(role="system", content="rules"), Message(role="user", content=text)), **other)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "exchanges.jsonl"


def recorded(path: Path, *texts: str) -> Counting:
    model = Counting()
    cassette = Cassette(path, mode="record", model=model)
    for text in texts:
        try:
            cassette.complete(ask(text))
        except ModelAnswerError:
            continue
    return model


def test_what_was_recorded_is_replayed_without_the_model(path: Path) -> None:
    recorded(path, "one", "two")
    replay = Cassette(path, mode="replay")
    assert (replay.name, replay.complete(ask("two")).text, replay.complete(ask("one")).text) == (
        "counting",
        "answer 2",
        "answer 1",
    )


def test_equal_requests_are_answered_in_their_order_then_the_last_again(path: Path) -> None:
    recorded(path, "same", "other", "same")
    replay = Cassette(path, mode="replay")
    assert [replay.complete(ask("same")).text for _ in range(3)] == ["answer 1", "answer 3", "answer 3"]


def test_useless_answers_are_recorded_and_replayed_as_errors(path: Path) -> None:
    recorded(path, "bad", "one")
    replay = Cassette(path, mode="replay")
    with pytest.raises(ModelAnswerError, match="counting: garbage"):
        replay.complete(ask("bad"))
    assert replay.complete(ask("one")).text == "answer 2"


def test_live_asks_and_leaves_the_file_alone(path: Path) -> None:
    model = recorded(path, "one")
    before = path.read_bytes()
    assert Cassette(path, mode="live", model=model).complete(ask("new")).text == "answer 2"
    assert path.read_bytes() == before


def test_recording_adds_to_what_is_there(path: Path) -> None:
    recorded(path, "one")
    recorded(path, "two")
    assert len(path.read_text().splitlines()) == 2


def test_a_miss_shows_how_the_nearest_recording_differs(path: Path) -> None:
    recorded(path, "name a fruit", "something entirely different and long")
    with pytest.raises(CassetteMiss) as caught:
        Cassette(path, mode="replay").complete(ask("name a bird", temperature=0.5))
    shown = str(caught.value)
    assert "-name a fruit" in shown
    assert "+name a bird" in shown
    assert "-temperature: 0.0" in shown
    assert "+temperature: 0.5" in shown
    assert "entirely" not in shown


def test_a_miss_shows_a_long_difference_in_part(path: Path) -> None:
    recorded(path, "one")
    grammar = "\n".join(f'r{number} ::= "{"x" * 999}"' for number in range(500))
    with pytest.raises(CassetteMiss) as caught:
        Cassette(path, mode="replay").complete(ask("one", grammar=grammar))
    shown = str(caught.value)
    assert "+r0 ::=" in shown
    assert shown.endswith("more lines")
    assert len(shown) < 10_000


def test_a_miss_in_an_empty_cassette_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("")
    with pytest.raises(CassetteMiss, match="it is empty"):
        Cassette(path, mode="replay").complete(ask("x"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{}\n", "line 1, at /key"),
        ("nonsense", "line 1"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
    ids=["absent", "incomplete", "no-json", "no-text"],
)
def test_a_file_that_is_no_cassette_is_an_input_error(path: Path, content: str | bytes | None, says: str) -> None:
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=says):
        Cassette(path, mode="replay")


def test_recording_needs_a_model(path: Path) -> None:
    with pytest.raises(InputError, match="needs a live model"):
        Cassette(path, mode="record")


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 9),
        "temperature": st.sampled_from([0.0, 0.7]),
        "max_tokens": st.integers(1, 9),
        "stop": st.lists(st.text(max_size=2), max_size=2).map(tuple),
        "grammar": st.sampled_from(['root ::= "a"', None]),
        "json_schema": st.sampled_from([None, {"type": "object"}]),
    },
)


@given(FIELDS, FIELDS)
def test_the_key_is_the_whole_request(left: dict[str, object], right: dict[str, object]) -> None:
    one, other = ask("x", **left), ask("x", **right)
    assert (key_of("m", one) == key_of("m", other)) == (one == other)
    assert key_of("m", one) != key_of("n", one)


def test_the_time_that_an_answer_may_take_is_no_part_of_the_key() -> None:
    assert key_of("m", ask("x", timeout=1.0)) == key_of("m", ask("x", timeout=2.0))
