"""A place in a JSON text has a line and a column, from its key to its end, however the text is laid out."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.reports.positions import TOP, Positions, Region
from validation.types.schema import pointer_of

TEXT = """{
  "plan": {"nodes": [1, "two",
    {"a/b~c": null}]},
  "é\\n\\"": [[], {}], "end": true
}"""

PLACES = {
    "a member, from its key to its end": ("/plan", Region(2, 3, 3, 22)),
    "an item": ("/plan/nodes/0", Region(2, 22, 2, 23)),
    "a text": ("/plan/nodes/1", Region(2, 25, 2, 30)),
    "an escaped pointer": ("/plan/nodes/2/a~1b~0c", Region(3, 6, 3, 19)),
    "an escaped key": ('/é\n"', Region(4, 3, 4, 20)),
    "a second empty container": ('/é\n"/1', Region(4, 17, 4, 19)),
    "a member after it": ("/end", Region(4, 22, 4, 33)),
    "the nearest place around an absent one": ("/plan/nodes/2/x/y", Region(3, 5, 3, 20)),
    "the whole": ("", TOP),
    "a place in nothing": ("/nowhere", TOP),
}


@pytest.mark.parametrize(("pointer", "region"), PLACES.values(), ids=PLACES.keys())
def test_a_place_is_found(pointer: str, region: Region) -> None:
    assert Positions(TEXT, [pointer]).region(pointer) == region


def pointers(value: Any, at: str = "") -> dict[str, Any]:
    found = {at: value}
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in members:
        found |= pointers(item, at + pointer_of(str(name)))
    return found


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 2]), plain=st.booleans())
def test_what_stands_at_a_region_is_the_value(document: Any, indent: int | None, plain: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=plain)
    lines = text.split("\n")
    for pointer, value in pointers(document).items():
        if not pointer:
            continue
        region = Positions(text, [pointer]).region(pointer)
        start = sum(len(line) + 1 for line in lines[: region.line - 1]) + region.column - 1
        end = sum(len(line) + 1 for line in lines[: region.end_line - 1]) + region.end_column - 1
        found = text[start:end]
        # Of a member the key stands in front; in front of an item there is none.
        members = json.loads(f"{{{found}}}") if pointer_is_of_member(document, pointer) else {"": json.loads(found)}
        assert list(members.values()) == [value]


def pointer_is_of_member(document: Any, pointer: str) -> bool:
    return isinstance(pointers(document)[pointer.rpartition("/")[0]], dict)


@pytest.mark.parametrize(
    "text",
    ['{"a": "' + '\\"' * 200_000, "[" * 200_000, '{"a":' * 100_000, "}" * 1000 + '{"a"', '"', "{,:]", ""],
    ids=["no-end", "deep", "deeper", "closed", "quote", "signs", "empty"],
)
def test_what_is_no_json_is_read_in_linear_time_and_gives_some_place(text: str) -> None:
    began = time.perf_counter()
    assert Positions(text, ["/a/b"]).region("/a/b").line >= 1
    assert time.perf_counter() - began < 5
