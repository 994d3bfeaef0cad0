"""Secrets masked in the log records of the libraries below us, whose DEBUG level prints URLs and answers.

A library knows nothing of our secrets: httpcore logs every header of an answer, and a gateway may echo the
key there; httpx logs the URL, which may hold `?api_key=`. As long as a redactor is alive, records of these
loggers are masked before any handler sees them. Where a level is off, there is no record and nothing to do.
"""

from __future__ import annotations

import logging
from functools import cache
from threading import RLock
from typing import Final
from weakref import WeakSet

from connector.secret import Redactor

LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "hpack.hpack",
    "hpack.table",
    "asyncio",
    "vcr.cassette",
    "vcr.matchers",
    "vcr.request",
    "vcr.stubs",
    "vcr.stubs.httpcore_stubs",
    "vcr.stubs.httpx_stubs",
)
"""Each by its full name: a filter of a logger is not asked for the records of those below it."""

_redactors: WeakSet[Redactor] = WeakSet()
_lock = RLock()  # the garbage collector may log while it is held
_formatter = logging.Formatter()


def guard(redactor: Redactor) -> None:
    """Mask this redactor's secrets in those records from now on, for as long as somebody holds it."""
    _install()
    with _lock:
        _redactors.add(redactor)


def mask(written: logging.Handler) -> None:
    """Mask the secrets of every redactor that is alive in all that goes this way, whoever logs it."""
    written.addFilter(_masked)


@cache
def _install() -> None:
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_masked)


def _masked(record: logging.LogRecord) -> bool:
    said = _text(record)
    shown = _hidden(said)
    if shown != said:
        record.msg, record.args = shown, None
    if record.exc_info:  # written by the handler, long after this
        told = _formatter.formatException(record.exc_info)
        shown = _hidden(told)
        if shown != told:
            record.exc_info, record.exc_text = None, shown
    return True


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a fault of the library's, which logging itself will tell
        return f"{record.msg} {record.args!r}"


def _hidden(text: str) -> str:
    with _lock:
        alive = tuple(_redactors)
    for redactor in alive:
        text = redactor.text(text)
    return text
