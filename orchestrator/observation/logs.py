"""`Logs`: runs as records of Python's `logging`, one line each, in words or as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Final

from dagwright.exceptions import InputError
from orchestrator.observation.observer import NAME, Attribute, Attributes, Kind, Observation

FIELDS: Final = "dagwright"
"""Name under which a log record carries its attributes."""


class Logs:
    """Watches runs for a log: a line when a run begins, and one when anything ends."""

    def begin(self, kind: Kind, name: str, attributes: Attributes, within: Observation | None) -> Observation:
        """Gives what writes the line at its end."""
        logged = _Logged(kind, name, {**(within.shared if isinstance(within, _Logged) else {}), **attributes})
        if kind == "run":
            logged.write("began", logging.INFO, {})
        return logged


class _Logged:
    """Something that has begun, and will be a line."""

    def __init__(self, kind: Kind, name: str, attributes: dict[str, Attribute]) -> None:
        self._kind, self._name, self._known = kind, name, attributes
        self._begun = time.perf_counter()

    @property
    def shared(self) -> dict[str, Attribute]:
        """What everything within it says, too."""
        return {name: value for name, value in self._known.items() if name == "dagwright.run.id"}

    def tell(self, attributes: Attributes) -> None:
        self._known |= attributes

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        self.tell({**attributes, **({"error.type": error} if error else {})})
        seconds = round(time.perf_counter() - self._begun, 6)
        self.write("ended", logging.WARNING if error else logging.INFO, {"seconds": seconds})

    def write(self, what: str, level: int, more: dict[str, float]) -> None:
        fields = {**more, **self._known}
        logger = logging.getLogger(f"{NAME}.{self._kind}")
        logger.log(level, "%s %s", self._name, what, extra={FIELDS: {"event": f"{self._kind}.{what}", **fields}})


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: `time` (UTC), `level`, `logger`, `message`, and what it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Gives the line."""
        body: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(body | getattr(record, FIELDS, {}), ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """A record as one line of words and `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Gives the line."""
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, FIELDS, {}).items() if name != "event")
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{moment} {record.levelname.lower():<7} {record.name:<17} {record.getMessage()} {fields}".rstrip()


def write_logs(form: str) -> None:
    """Sends the log to standard error, once a process.

    Raises:
        InputError: there is no such form.
    """
    formatters = {"json": JsonFormatter, "text": TextFormatter}
    if form not in formatters:
        raise InputError(f"DAGWRIGHT_LOG is {form!r}; it can be json or text, or be left out")
    logger = logging.getLogger(NAME)
    if not any(isinstance(handler, _Handler) for handler in logger.handlers):
        handler = _Handler()
        handler.setFormatter(formatters[form]())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


class _Handler(logging.Handler):
    """Writes to what standard error is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a line; what cannot be written is no reason to stop."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except OSError:
            self.handleError(record)
