"""Reports: results one after the other, in Markdown or HTML."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, cast
from urllib.parse import quote

from pydantic import JsonValue

from executor.bindings.runner import ToolContext
from executor.toolchest.arguments import Arguments, Outputs
from executor.toolchest.markdown import table_block, table_markup, written
from executor.toolchest.tables import Table
from executor.toolchest.workspace import readable, write_file

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2rem .6rem;text-align:left}"
    "img{max-width:100%}"
)


class _Form(Protocol):
    """How the parts of a report look in one format."""

    def heading(self, level: int, text: str) -> str: ...

    def paragraph(self, text: str) -> str: ...

    def table(self, table: Table) -> str: ...

    def picture(self, name: str, link: str) -> str: ...

    def link(self, name: str, link: str) -> str: ...

    def page(self, title: str, parts: list[str]) -> str: ...


class _Markdown:
    def heading(self, level: int, text: str) -> str:
        return f"{'#' * level} {' '.join(text.split())}"

    def paragraph(self, text: str) -> str:
        return text.strip()

    def table(self, table: Table) -> str:
        return table_block(table)

    def picture(self, name: str, link: str) -> str:
        return f"![{name}]({link})"

    def link(self, name: str, link: str) -> str:
        return f"[{name}]({link})"

    def page(self, title: str, parts: list[str]) -> str:
        return "\n\n".join([self.heading(1, title), *parts]) + "\n"


class _Html:
    def heading(self, level: int, text: str) -> str:
        return f"<h{level}>{html.escape(text)}</h{level}>"

    def paragraph(self, text: str) -> str:
        return "\n".join(f"<p>{html.escape(part)}</p>" for part in text.strip().split("\n\n"))

    def table(self, table: Table) -> str:
        return table_markup(table)

    def picture(self, name: str, link: str) -> str:
        return f'<p><img src="{html.escape(link)}" alt="{html.escape(name)}"></p>'

    def link(self, name: str, link: str) -> str:
        return f'<p><a href="{html.escape(link)}">{html.escape(name)}</a></p>'

    def page(self, title: str, parts: list[str]) -> str:
        head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
        return "\n".join(["<!doctype html>", head, self.heading(1, title), *parts]) + "\n"


@dataclass(frozen=True, kw_only=True)
class _Page:
    form: _Form
    folder: PurePosixPath
    context: ToolContext

    def part(self, item: JsonValue) -> str:
        """Gives one item as the format shows it."""
        if isinstance(item, dict):
            return self._object(item)
        if isinstance(item, list):
            if item and all(isinstance(row, dict) for row in item):
                return self.form.table(cast("Table", item))
            return self.form.paragraph(", ".join(written(value) for value in item) or "(nothing)")
        return self.form.paragraph(written(item))

    def _object(self, item: dict[str, JsonValue]) -> str:
        if {"path", "sha256", "media_type"} <= item.keys():
            return self._file(item)
        if len(item) == 1:
            return self.part(next(iter(item.values())))
        return self.form.table([{"name": name, "value": value} for name, value in item.items()])

    def _file(self, item: dict[str, JsonValue]) -> str:
        readable(item, self.context)
        path = PurePosixPath(str(item["path"]))
        link = quote(os.path.relpath(path, self.folder).replace(os.sep, "/"))
        show = self.form.picture if str(item["media_type"]).startswith("image/") else self.form.link
        return show(path.name, link)


def write_report(arguments: Outputs, context: ToolContext) -> Outputs:
    """Writes a report; pictures and files stand in it as links relative to where it lies."""
    call = Arguments(arguments)
    path, items = call.text("path"), cast("list[JsonValue]", call.value("items"))
    form: _Form = _Html() if path.endswith(".html") else _Markdown()
    page = _Page(form=form, folder=PurePosixPath("files", path).parent, context=context)
    captions = call.texts("captions")
    parts: list[str] = []
    for index, item in enumerate(items):
        if index < len(captions) and captions[index]:
            parts.append(form.heading(2, captions[index]))
        parts.append(page.part(item))
    text = form.page(call.text("title"), parts)

    def write(target: Path) -> None:
        target.write_text(text, encoding="utf-8", newline="\n")

    return {"file": cast("JsonValue", write_file(path, context, write))}
