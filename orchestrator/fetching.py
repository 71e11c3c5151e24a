"""Reading a document that a person names: a file, or a URL that they typed."""

from __future__ import annotations

from pathlib import Path

from dagwright.exceptions import InputError, Unreachable

MOST_BYTES = 64 * 1024 * 1024
"""The largest document that is taken."""
PATIENCE = 30.0
"""Seconds until a server that does not answer is given up."""


def read_source(source: str) -> Path | bytes:
    """Gives the path of a file, or the bytes behind an http(s) URL.

    Raises:
        InputError: the file is not there, or the document is too large.
        Unreachable: the server does not answer.
    """
    if not source.startswith(("http://", "https://")):
        if not Path(source).is_file():
            raise InputError(f"there is no file {source!r}")
        return Path(source)
    import httpx

    try:
        reply = httpx.get(source, timeout=PATIENCE, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise Unreachable(source, str(error), remedy="(start the server that serves it)") from error
    if len(reply.content) > MOST_BYTES:
        raise InputError(f"{source!r} holds {len(reply.content)} bytes, more than {MOST_BYTES}")
    return reply.content
