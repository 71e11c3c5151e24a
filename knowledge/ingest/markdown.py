"""Markdown files as documents: one per section under a heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagwright.exceptions import InputError
from knowledge.document import Document

MAX_BYTES = 20_000_000
"""Largest Markdown file that is read."""
SECTION = 6_000
"""Characters of a section that one document holds; longer ones are split between paragraphs."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_SLUG = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Section:
    """What stands under one heading, without the sections below it."""

    headings: tuple[str, ...]
    """The heading and those above it, the highest first."""
    text: str
    """Its text."""


def import_markdown(path: Path, *, api: str | None = None) -> tuple[Document, ...]:
    """Gives the documents of a Markdown file, or of every `*.md` below a folder.

    Raises:
        InputError: it cannot be read, is not UTF-8, is larger than `MAX_BYTES`, or there is nothing in it.
    """
    files = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    documents = tuple(document for file in files for document in _documents(file, root, api))
    if not documents:
        raise InputError(f"{str(path)!r} holds no Markdown text")
    return documents


def _documents(file: Path, root: Path, api: str | None) -> Iterator[Document]:
    name = file.relative_to(root).as_posix()
    taken: set[str] = set()
    for section in sections(_text(file)):
        headings = section.headings or (file.stem,)
        base = doc_id = f"text:{name}#{_SLUG.sub('-', ' '.join(headings).lower()).strip('-')}"
        number = 2
        while doc_id in taken:
            doc_id, number = f"{base}-{number}", number + 1
        taken.add(doc_id)
        yield Document(doc_id=doc_id, title=" > ".join(headings), body=section.text, api=api, source=name)


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{str(file)!r} is larger than {MAX_BYTES:,} bytes: split it")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{str(file)!r} is not UTF-8 text: {error}") from error


def sections(text: str) -> Iterator[Section]:
    """Gives the sections of a Markdown text that have text of their own, in order."""
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    fence: str | None = None
    for line in _FRONT_MATTER.sub("", text.replace("\r\n", "\n")).split("\n"):
        fence = _fence_after(fence, line)
        heading = _HEADING.match(line) if fence is None else None
        if heading is None:
            lines.append(line)
            continue
        yield from _split(headings, lines)
        level = len(heading.group(1))
        headings = [*(item for item in headings if item[0] < level), (level, heading.group(2))]
        lines = []
    yield from _split(headings, lines)


def _fence_after(fence: str | None, line: str) -> str | None:
    """The fence that is open after a line: a heading inside code is not one."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    if fence is None:
        return found.group(1)
    closes = found.group(1).startswith(fence) and not line.strip().strip(fence[0])
    return None if closes else fence


def _split(headings: list[tuple[int, str]], lines: list[str]) -> Iterator[Section]:
    names = tuple(name for _, name in headings)
    rest = "\n".join(lines).strip()
    while rest:
        cut = len(rest) if len(rest) <= SECTION else max(rest.rfind("\n\n", 0, SECTION), 0) or SECTION
        yield Section(names, rest[:cut].strip())
        rest = rest[cut:].strip()
