from __future__ import annotations

import json
import subprocess
import sys

import pytest

import knowledge
from dagwright.exceptions import CatalogueError, InputError
from knowledge.ingest.source import add_source
from knowledge.opening import open_store

SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "Weather", "version": "1"},
    "servers": [{"url": "https://weather.test"}],
    "paths": {"/now": {"get": {"operationId": "now", "summary": "Tell the weather"}}},
}
CATALOGUE = {
    "name": "tiny",
    "tools": [
        {
            "tool_name": "text",
            "operation": "count",
            "description": "Counts words.",
            "input_schema": {"type": "object"},
            "output_schema": {"type": "object"},
            "effect": "read",
            "binding": {"kind": "python", "callable": "a:b"},
        }
    ],
}


@pytest.fixture
def words():
    with open_store(backend="memory", embedder=None) as store:
        yield store


@pytest.mark.parametrize(
    ("file", "content", "kind", "doc_id"),
    [
        ("weather-2.json", json.dumps(SPEC), "openapi", "tool:weather-2.now"),
        ("2weather.yaml", json.dumps(SPEC), "openapi", "tool:api_2weather.now"),
        ("tiny.yml", json.dumps(CATALOGUE), "catalogue", "tool:text.count"),
        ("notes.md", "# Notes\ntext", "markdown", "text:notes.md#notes"),
    ],
)
def test_the_content_decides_what_a_source_is(words, tmp_path, file, content, kind, doc_id):
    (tmp_path / file).write_text(content)
    result = add_source(words, tmp_path / file)
    assert (result.kind, result.added, result.unchanged) == (kind, 1, 0)
    assert bool(result.notes) is (kind == "openapi")
    assert [document.doc_id for document in words.documents([doc_id])] == [doc_id]
    assert add_source(words, tmp_path / file).unchanged == 1


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("data.csv", "a,b", "no source of documents"),
        ("other.json", "{}", "neither 'openapi' nor 'tools'"),
        ("missing.md", None, "does not exist"),
        ("broken.json", '{"tools": [{}]}', "at /name"),
        ("old.json", '{"swagger": "2.0"}', "converted to OpenAPI 3"),
    ],
)
def test_what_is_no_source_is_refused_and_changes_nothing(words, tmp_path, file, content, problem):
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises((InputError, CatalogueError), match=problem):
        add_source(words, tmp_path / file)
    assert words.stats().documents == 0


def test_public_names_are_there():
    assert {name for name in knowledge.__all__ if getattr(knowledge, name) is None} == set()
    with pytest.raises(AttributeError, match="no_such_name"):
        knowledge.no_such_name  # noqa: B018


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, knowledge, knowledge.store; print({'numpy', 'onnxruntime', 'qdrant_edge'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"
