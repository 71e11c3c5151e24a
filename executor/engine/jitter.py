"""Back-off with jitter that replays: how much a delay is shortened follows from the run, the step and the attempt."""

from __future__ import annotations

import hashlib

SPREAD = 0.5
"""By which share of itself a delay is shortened at most ("equal jitter"); never lengthened, so bounds hold."""


def jittered(delay: float, *of: object) -> float:
    """Gives a delay in seconds between half of `delay` and all of it, always the same for the same `of`."""
    if delay <= 0:
        return delay
    digest = hashlib.sha256("\0".join(map(str, of)).encode("utf-8", "replace")).digest()
    return delay * (1 - SPREAD * int.from_bytes(digest[:8], "big") / 2**64)
