"""`Names`: the nearest of many known names to one that isn't known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

_CANDIDATES = 24
_SHOWN = 3
_ENOUGH = 0.6
_CERTAIN = 0.78
_APART = 0.08
_LONGEST = 1_000
_SEARCHES = 500


class Names:
    """A set of names that can be asked for the nearest ones. Its index is built when first asked."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(set(known))
        self._found: dict[str, list[tuple[float, str]]] = {}

    @cached_property
    def _index(self) -> dict[str, list[int]]:
        index: defaultdict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(self._known):
            for gram in _grams(name):
                index[gram].append(position)
        return index

    def ranked(self, name: str) -> list[tuple[float, str]]:
        """Gives known names by their likeness (0-1) to `name`, best first, those alike enough only.

        Each name is searched for once; after some hundred different ones nothing is found any more.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._ranked(name) if len(self._found) < _SEARCHES else []
        return found

    def _ranked(self, name: str) -> list[tuple[float, str]]:
        votes: Counter[int] = Counter()
        for gram in _grams(name):
            votes.update(self._index.get(gram, ()))
        near = sorted(votes.items(), key=lambda item: (-item[1], item[0]))[:_CANDIDATES]
        scored = ((_likeness(name, self._known[position]), self._known[position]) for position, _ in near)
        return sorted((pair for pair in scored if pair[0] >= _ENOUGH), key=lambda pair: (-pair[0], pair[1]))

    def certain(self, name: str, *, least: float = _CERTAIN) -> str | None:
        """Gives the one name that is surely meant, at least so alike (0-1; 1: but for case and marks), or None."""
        ranked = self.ranked(name)
        if not ranked or ranked[0][0] < least:
            return None
        alone = len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= _APART
        return ranked[0][1] if alone else None

    def hint(self, name: str) -> str:
        """Gives what to say of known names: the nearest, or all where they are few."""
        near = [found for _, found in self.ranked(name)][:_SHOWN]
        if near:
            return f"nearest: {', '.join(map(repr, near))}"
        if not self._known:
            return "there are none"
        shown = ", ".join(map(repr, self._known[:8]))
        return f"known: {shown}" + (f" and {len(self._known) - 8} more" if len(self._known) > 8 else "")


def _plain(name: str) -> str:
    return _letters(name[:_LONGEST])


@lru_cache(maxsize=4096)
def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _grams(name: str) -> set[str]:
    padded = f"^{_plain(name)[:200]}$"
    return {padded[start : start + 2] for start in range(len(padded) - 1)}


def _likeness(left: str, right: str) -> float:
    if _plain(left) == _plain(right):
        return 1.0
    return SequenceMatcher(None, _plain(left)[:200], _plain(right)[:200], autojunk=False).ratio()
