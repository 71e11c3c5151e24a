"""What every backend of the knowledge store does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from dagwright.exceptions import InputError
from knowledge.document import Document
from knowledge.opening import open_store
from knowledge.store import Added


@pytest.mark.parametrize(
    ("request_text", "first"),
    [
        pytest.param("load the spreadsheet file penguins.csv", "tool:data.read_csv", id="a paraphrase"),
        pytest.param("mean per category of the table's column", "tool:data.group", id="no word of the name"),
        pytest.param("drawing charts with bars", "tool:chart.bars", id="other forms of the words"),
        pytest.param("write_text", "tool:files.write_text", id="an identifier"),
        pytest.param("notify Ada by mail", "tool:mail.send", id="part of a word"),
        pytest.param("which penguin is heaviest?", "text:guide.md#penguins", id="a text that is no operation"),
    ],
)
def test_the_document_that_answers_comes_first(store, documents, request_text, first):
    store.add(documents)
    assert store.search(request_text)[0].document.doc_id == first


def test_a_hit_says_where_it_stood_and_why(store, documents):
    store.add(documents)
    hit = store.search("reading CSV files", limit=1)[0]
    assert hit.document == documents[0]
    assert (hit.dense_rank, hit.sparse_rank) == (1, 1)
    assert 0.5 < hit.dense_score <= 1
    assert hit.sparse_score > 0
    assert hit.score == pytest.approx(2 / 61)
    assert "place 1 by meaning (cosine 0." in hit.why
    assert "reading, csv, files" in hit.why


def test_a_deprecated_document_says_what_replaces_it(store, operation):
    store.add([operation("mail.post", "mail post. Posts a letter.", deprecated=True, replaced_by="mail.send")])
    assert store.search("post a letter")[0].why.endswith("deprecated, use mail.send")


def test_hits_come_best_first_and_at_most_as_many_as_asked_for(store, documents):
    store.add(documents)
    hits = store.search("table", limit=3)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_adding_again_embeds_nothing_and_changes_nothing(store, embedder, documents):
    assert store.add(documents) == Added(added=6, unchanged=0)
    before, texts = store.search("table"), embedder.texts
    assert store.add(documents) == Added(added=0, unchanged=6)
    assert embedder.texts == texts
    assert store.search("table") == before


def test_the_same_version_with_other_content_replaces_the_old(store, documents, operation):
    store.add(documents)
    changed = operation("mail.send", "mail send. Launches a rocket.")
    assert store.add([changed]) == Added(added=1, unchanged=0)
    assert store.documents(["tool:mail.send"]) == (changed,)
    assert store.stats().documents == 6


def test_of_equal_documents_in_one_call_one_is_written(store, documents):
    assert store.add([documents[0], documents[0]]).added == 1
    assert store.stats().documents == 1


TERM = {"v1": date(2020, 1, 1), "v2": date(2024, 6, 1), "end": date(2025, 1, 1)}


@pytest.mark.parametrize(
    ("day", "version"),
    [
        pytest.param(date(2019, 12, 31), None, id="before the first version"),
        pytest.param(date(2020, 1, 1), "1", id="on its first day"),
        pytest.param(date(2024, 5, 31), "1", id="on its last day"),
        pytest.param(date(2024, 6, 1), "2", id="from the day on which the next one replaces it"),
        pytest.param(date(2024, 12, 31), "2", id="on the last day of all"),
        pytest.param(date(2025, 1, 1), None, id="after the end"),
        pytest.param(None, None, id="today, where no day is given"),
    ],
)
def test_only_what_holds_on_the_day_is_found(store, operation, day, version):
    title = "mail send. Sends an e-mail."
    store.add(
        [
            operation("mail.send", title, version="1", valid_from=TERM["v1"], valid_to=TERM["v2"]),
            operation("mail.send", title, version="2", valid_from=TERM["v2"], valid_to=TERM["end"]),
        ]
    )
    found = [hit.document.version for hit in store.search("send mail", at=day)]
    assert found == ([version] if version else [])
    assert [document.version for document in store.documents(["tool:mail.send"], at=day)] == found


def test_of_revisions_that_hold_together_the_newest_is_given_once(store, operation):
    store.add(
        operation("mail.send", "mail send. Sends an e-mail.", version=version, valid_from=day)
        for version, day in (("2", date(2024, 6, 1)), ("1", None))
    )
    assert [hit.document.version for hit in store.search("mail", at=date(2025, 1, 1))] == ["2"]
    assert [hit.document.version for hit in store.search("mail", at=date(2024, 1, 1))] == ["1"]
    assert store.documents(["tool:mail.send"], at=date(2025, 1, 1))[0].version == "2"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param({"api": "data"}, {"data.read_csv", "data.group"}, id="one API"),
        pytest.param({"api": "nobody"}, set(), id="an unknown API"),
        pytest.param({"operations": ["mail.send", "no.such"]}, {"mail.send"}, id="some operations"),
        pytest.param({"operations": ()}, set(), id="no operation at all"),
        pytest.param({"api": "data", "operations": {"mail.send"}}, set(), id="both at once"),
    ],
)
def test_a_search_can_be_narrowed(store, documents, scope, expected):
    store.add(documents)
    assert {hit.document.operation for hit in store.search("table file mail", **scope)} == expected


def test_documents_come_in_the_order_asked_for_and_unknown_ones_are_left_out(store, documents):
    store.add(documents)
    wanted = ["tool:chart.bars", "tool:nobody.knows", "tool:mail.send", "tool:chart.bars"]
    assert store.documents(wanted) == (documents[4], documents[3])
    assert store.documents([]) == ()


def test_an_empty_store_finds_nothing(store):
    assert store.search("anything") == ()
    assert store.stats().documents == 0


@pytest.mark.parametrize("text", ["the of and", "😀", "x" * 10_000, "東京"])
def test_any_text_can_be_searched_for(store, documents, text):
    store.add(documents)
    assert len(store.search(text, limit=6)) == 6


@pytest.mark.parametrize(("text", "limit"), [("", 5), (" \n", 5), ("table", 0), ("table", 51)])
def test_a_search_that_makes_no_sense_is_refused(store, text, limit):
    with pytest.raises(InputError, match="search"):
        store.search(text, limit=limit)


def test_stats_tell_what_is_in_it(store, documents, backend, mini_lm):
    store.add(documents)
    stats = store.stats()
    assert (stats.documents, stats.operations) == (6, 5)
    assert stats.apis == {"data": 2, "files": 1, "mail": 1, "chart": 1}
    assert (stats.backend, stats.embedder) == (backend, mini_lm.name)


def test_without_an_embedder_words_decide(backend, documents):
    with open_store(backend=backend, embedder=None) as store:
        store.add(documents)
        hits = store.search("reads files")
        assert {hit.document.operation for hit in hits} == {"data.read_csv", "files.write_text"}
        assert all(hit.dense_rank is None and "by words" in hit.why for hit in hits)
        assert store.search("astronomy") == ()
        assert store.stats().embedder is None


def test_a_word_of_the_title_counts_more_than_one_of_the_body(backend):
    padding = "alpha beta gamma delta epsilon zeta eta theta"
    documents = [
        Document(doc_id="body", title="iota kappa", body=f"penguin penguin {padding}"),
        Document(doc_id="title", title="iota penguin", body=f"lambda lambda {padding}"),
    ]
    with open_store(backend=backend, embedder=None) as store:
        store.add(documents)
        assert [hit.document.doc_id for hit in store.search("penguin")] == ["title", "body"]


def test_threads_share_a_store(store, documents):
    store.add(documents)
    expected = store.search("reading CSV files")
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(store.add, documents) for _ in range(4)]
        found = [pool.submit(store.search, "reading CSV files") for _ in range(16)]
        assert all(future.result().added == 0 for future in writing)
        assert all(future.result() == expected for future in found)


def test_a_closed_store_says_so(store):
    store.close()
    store.close()
    with pytest.raises(InputError, match="closed"):
        store.search("table")
