"""Reading a document that a person names: a file, a URL that they typed, or what the local server says of itself."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dagwright.exceptions import CatalogueError, InputError, Unreachable

MOST_BYTES = 64 * 1024 * 1024
"""The largest document that is taken."""
PATIENCE = 30.0
"""Seconds until a server that does not answer is given up."""
ADVICE = "Check the address, or save the document and name its file"
"""What would be right where a URL leads to nothing."""
CONDUCTOR = "conductor"
"""Names the document in which the Conductor server in use describes its own API."""


@contextmanager
def fetched(source: str) -> Generator[Path]:
    """Gives the path of a file, or of a temporary copy of what lies behind an http(s) URL.

    What is wrong with such a copy is said of the URL.

    Raises:
        InputError: the file is not there, the URL leads to nothing, or the document is too large.
        Unreachable: the server does not answer.
    """
    url = _conductor_document() if source == CONDUCTOR else source
    remedy = "dagwright conductor up" if source == CONDUCTOR else ""
    if "://" not in url:
        if not Path(url).is_file():
            raise InputError(f"there is no file {url!r}; name a file, an http(s) URL, or {CONDUCTOR!r}")
        yield Path(url)
        return
    name = _checked(url)
    with tempfile.TemporaryDirectory(prefix="dagwright-") as folder:
        path = Path(folder) / (name or "document")
        path.write_bytes(_downloaded(url, remedy))
        try:
            yield path
        except CatalogueError as error:
            raise CatalogueError(url, error.problems) from error
        except InputError as error:
            raise InputError(str(error).replace(str(path), url)) from error


def _conductor_document() -> str:
    from orchestrator.assembly import conductor_url

    return f"{conductor_url().rstrip('/').removesuffix('/api')}/api-docs"


def _checked(url: str) -> str:
    """Gives the name of the file that a URL ends in."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return Path(parts.path).name
    except ValueError:
        pass
    raise InputError(f"{url!r} is not a URL like https://HOST/openapi.json")


def _downloaded(url: str, remedy: str) -> bytes:
    import httpx

    chunks: list[bytes] = []
    size = 0
    try:
        with httpx.stream("GET", url, timeout=PATIENCE, follow_redirects=True) as reply:
            if reply.status_code >= 400:
                raise InputError(f"{url!r} holds no document: the server answers with {reply.status_code}. {ADVICE}.")
            for chunk in reply.iter_bytes():
                size += len(chunk)
                if size > MOST_BYTES:
                    raise InputError(f"{url!r} holds more than {MOST_BYTES} bytes")
                chunks.append(chunk)
    except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError) as error:
        raise InputError(f"{url!r} holds no document: {error}. {ADVICE}.") from error
    except httpx.TransportError as error:
        host, said = urlsplit(url).netloc, str(error) or type(error).__name__
        raise Unreachable(f"the server at {host}", f"{url!r}: {said}", remedy=remedy, advice=ADVICE) from error
    return b"".join(chunks)
