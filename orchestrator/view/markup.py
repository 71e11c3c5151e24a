"""`text`: anything as text in HTML or SVG that can only ever be text."""

from __future__ import annotations

import html
import re
from typing import Final

# Control characters but for tab and line feed, what reverses or hides writing, lone surrogates, no characters.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff]"
)


def text(value: object) -> str:
    """Gives a value's text, escaped; characters that are not seen, or change the order of others, by their number."""
    return html.escape(_UNSEEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", str(value)), quote=True)
