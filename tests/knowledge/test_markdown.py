from __future__ import annotations

import pytest

from dagwright.exceptions import InputError
from knowledge.ingest.markdown import SECTION, import_markdown, sections

GUIDE = """---
title: ignored
---
Before any heading.

# Guide
## Read files ##
Reads them.

```python
# not a heading
~~~
```

~~~
# nor this
~~~

### Empty

## Read files
Again.
"""


def test_every_section_with_text_is_one(tmp_path):
    (tmp_path / "guide.md").write_text(GUIDE)
    found = import_markdown(tmp_path / "guide.md", api="docs")
    assert [(document.doc_id, document.title) for document in found] == [
        ("text:guide.md#guide", "guide"),
        ("text:guide.md#guide-read-files", "Guide > Read files"),
        ("text:guide.md#guide-read-files-2", "Guide > Read files"),
    ]
    assert found[1].body.startswith("Reads them.")
    assert "# not a heading" in found[1].body
    assert "# nor this" in found[1].body
    assert {document.api for document in found} == {"docs"}
    assert {document.operation for document in found} == {None}


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        pytest.param("# A\nx\n### C\ny\n## B\nz", [("A",), ("A", "C"), ("A", "B")], id="levels left out"),
        pytest.param("#no heading", [()], id="no blank"),
        pytest.param("#\tA\r\nx", [("A",)], id="tab and Windows lines"),
        pytest.param("", [], id="nothing"),
        pytest.param("# only a heading", [], id="no text"),
        pytest.param("```\n# open to the end", [()], id="a fence that never closes"),
    ],
)
def test_headings_nest(text, headings):
    assert [section.headings for section in sections(text)] == headings


def test_a_long_section_is_split_between_paragraphs_and_loses_nothing():
    paragraphs = [f"paragraph {n} " + "word " * 200 for n in range(20)]
    found = list(sections("# A\n" + "\n\n".join(paragraphs)))
    assert len(found) > 1
    assert all(len(section.text) <= SECTION for section in found)
    assert "\n\n".join(section.text for section in found).split() == "\n\n".join(paragraphs).split()


def test_a_paragraph_that_is_too_long_is_split_too():
    assert sum(len(section.text) for section in sections("x" * (2 * SECTION + 1))) == 2 * SECTION + 1


def test_a_folder_gives_all_its_files_by_their_paths(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("# B\ntext")
    (tmp_path / "a.md").write_text("text")
    (tmp_path / "a.txt").write_text("text")
    assert [document.source for document in import_markdown(tmp_path)] == ["a.md", "sub/b.md"]


@pytest.mark.parametrize(
    ("content", "problem"), [(b"\xff\xfe\x00", "not UTF-8"), (b"# heading only", "holds no Markdown text")]
)
def test_a_file_without_text_is_refused(tmp_path, content, problem):
    (tmp_path / "bad.md").write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.md.*{problem}"):
        import_markdown(tmp_path / "bad.md")
