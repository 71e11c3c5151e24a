"""The tools that come along: code, data, files, text, human."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagwright.catalogue import Catalogue

__all__ = ["default_catalogue", "load_pack", "packs"]

_PACKS = ("code", "data", "files", "human", "text")
_DEFAULT = ("data", "files")


def packs() -> tuple[str, ...]:
    """Gives the names of the packs, sorted."""
    return _PACKS


def load_pack(name: str) -> Catalogue:
    """Gives the catalogue of one pack.

    Raises:
        CatalogueError: there is no such pack; lists those that there are.
    """
    import importlib

    from dagwright.exceptions import CatalogueError

    if name not in _PACKS:
        raise CatalogueError(name, [f"there is no pack {name!r}; there are {', '.join(_PACKS)}"])
    module = importlib.import_module(f"executor.toolchest.{name}.pack")
    return module.catalogue()


def default_catalogue() -> Catalogue:
    """Gives the operations that a goal may use when nothing else is said: packs `data` and `files`."""
    first, *others = (load_pack(name) for name in _DEFAULT)
    return first.merged(*others)
