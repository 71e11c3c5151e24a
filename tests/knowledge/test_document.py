from __future__ import annotations

from datetime import date

import pytest

from dagwright.catalogue import Catalogue
from dagwright.tool import HttpBinding, PythonBinding, ToolSpec
from knowledge.document import BOILERPLATE, Document, documents_of
from knowledge.words import first_sentence, sentences, split_name


def tool(operation: str, description: str, properties: dict | None = None, **fields) -> ToolSpec:
    base = {
        "tool_name": "github",
        "operation": operation,
        "description": description,
        "input_schema": {"type": "object", "properties": properties or {}},
        "output_schema": {"type": "object"},
        "effect": "read",
        "binding": PythonBinding(callable="a:b"),
    }
    return ToolSpec.model_validate(base | fields)


def documents(*tools: ToolSpec) -> tuple[Document, ...]:
    return documents_of(Catalogue(name="test", tools=tools))


def test_a_tool_becomes_a_document_with_name_sentence_and_parameters():
    spec = tool(
        "listReposByUser",
        "Lists a user's repositories. Private ones need a token.",
        {
            "sortOrder": {"enum": ["asc", "desc"], "description": "Which comes first. More text."},
            "body": {"type": "object", "properties": {"fullName": {}, "private": {}}},
        },
        output_schema={
            "type": "object",
            "properties": {
                "body": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "full_name": {"type": "string"},
                            "owner": {"type": "object", "properties": {"loginName": {}}},
                        },
                    },
                },
                "status": {"type": "integer"},
            },
        },
        version="2022-11-28",
        deprecated=True,
        replaced_by="github.searchRepos",
        valid_to=date(2027, 1, 1),
        binding=HttpBinding(method="GET", url="https://x.test/users/{user}/repos"),
    )
    (document,) = documents(spec)
    assert document.model_dump(exclude_none=True) == {
        "doc_id": "tool:github.listReposByUser",
        "title": "github list repos by user. Lists a user's repositories.",
        "body": "Lists a user's repositories.\nPrivate ones need a token.\nGET users user repos\n"
        "sort order: Which comes first.: one of asc, desc\nbody: fields full name, private\n"
        "gives full name, owner, login name",
        "api": "github",
        "operation": "github.listReposByUser",
        "version": "2022-11-28",
        "source": "catalogue:test",
        "valid_to": date(2027, 1, 1),
        "deprecated": True,
        "replaced_by": "github.searchRepos",
        "payload": {"effect": "read", "method": "GET", "url": "https://x.test/users/{user}/repos"},
    }


@pytest.mark.parametrize(("times", "kept"), [(BOILERPLATE - 1, True), (BOILERPLATE, False)])
def test_a_sentence_that_many_operations_share_is_left_out(times, kept):
    found = documents(*(tool(f"op{n}", f"Does thing {n}. Needs the scope repo.") for n in range(times)))
    assert all(("Needs the scope repo." in document.body) == kept for document in found)
    assert [f"Does thing {n}." in document.body for n, document in enumerate(found)] == [True] * times


def test_a_sentence_twice_in_one_operation_counts_once():
    assert "Slow." in documents(tool("op", "Slow. " * BOILERPLATE))[0].body


@pytest.mark.parametrize(
    ("day", "valid"),
    [(date(2019, 12, 31), False), (date(2020, 1, 1), True), (date(2020, 12, 31), True), (date(2021, 1, 1), False)],
)
def test_the_last_day_of_validity_is_the_one_before_its_end(day, valid):
    document = Document(doc_id="d", title="t", valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1))
    assert document.valid_at(day) is valid
    assert Document(doc_id="d", title="t").valid_at(day)


def test_equal_content_has_equal_hashes_and_other_content_another():
    assert Document(doc_id="d", title="t").hash == Document(doc_id="d", title="t").hash
    assert Document(doc_id="d", title="t").hash != Document(doc_id="d", title="u").hash


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("listReposByUserID", "list repos by user id"),
        ("GET_movie-movie_id-reviews", "get movie movie id reviews"),
        ("HTTPServer2Go", "http server2 go"),
        ("read_csv", "read csv"),
        ("__", ""),
    ],
)
def test_identifiers_become_words(name, words):
    assert split_name(name) == words


def test_sentences_end_where_the_next_one_begins():
    assert first_sentence("A name, e.g. `out.csv`, i.e. Text. More.") == "A name, e.g. `out.csv`, i.e. Text."
    assert sentences("Reads e.g. a file. Costs 1.5 dollars.\n\nIs it? Yes") == [
        "Reads e.g. a file.",
        "Costs 1.5 dollars.",
        "Is it?",
        "Yes",
    ]


def test_a_long_first_sentence_is_cut_at_a_word():
    assert first_sentence("word " * 100, limit=12) == "word word …"
    assert first_sentence(" \n") == ""
