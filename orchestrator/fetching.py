"""Reading a document that a person names: a file, or a URL that they typed."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dagwright.exceptions import InputError, Unreachable

MOST_BYTES = 64 * 1024 * 1024
"""The largest document that is taken."""
PATIENCE = 30.0
"""Seconds until a server that does not answer is given up."""


@contextmanager
def fetched(source: str) -> Generator[Path]:
    """Gives the path of a file, or of a temporary copy of what lies behind an http(s) URL.

    Raises:
        InputError: the file is not there, the URL leads to nothing, or the document is too large.
        Unreachable: the server does not answer.
    """
    if not source.startswith(("http://", "https://")):
        if not Path(source).is_file():
            raise InputError(f"there is no file {source!r}")
        yield Path(source)
        return
    with tempfile.TemporaryDirectory(prefix="dagwright-") as folder:
        path = Path(folder) / (Path(urlsplit(source).path).name or "document")
        path.write_bytes(_downloaded(source))
        yield path


def _downloaded(url: str) -> bytes:
    import httpx

    chunks: list[bytes] = []
    size = 0
    try:
        with httpx.stream("GET", url, timeout=PATIENCE, follow_redirects=True) as reply:
            if reply.status_code >= 400:
                raise InputError(f"{url!r} answers with status {reply.status_code}")
            for chunk in reply.iter_bytes():
                size += len(chunk)
                if size > MOST_BYTES:
                    raise InputError(f"{url!r} holds more than {MOST_BYTES} bytes")
                chunks.append(chunk)
    except httpx.InvalidURL as error:
        raise InputError(f"{url!r} is not a URL: {error}") from error
    except httpx.TransportError as error:
        raise Unreachable(url, str(error) or type(error).__name__, remedy="whatever serves it") from error
    return b"".join(chunks)
