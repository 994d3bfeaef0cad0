"""A key, and the search for it in whatever people or files may see."""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from urllib.parse import quote

import connector

PACKAGE = Path(connector.__file__).parent

KEY = "pplx-test-abcDEF123+/=456"

FORMS = (
    KEY,
    KEY[:16],
    quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode().rstrip("="),
    base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
)


def leaked(text: str) -> list[str]:
    """The forms of the key that the text holds."""
    return [form for form in FORMS if form in text]


def everything_shown(error: BaseException) -> str:
    """What a careless logger writes of an error: text, arguments, attributes, causes, our frames' variables."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in shown.stack if Path(frame.filename).is_relative_to(PACKAGE)]
    assert ours, "an error of ours comes from our code"
    chain: list[BaseException] = [error]
    for one in chain:
        chain += [other for other in (one.__cause__, one.__context__) if other and other not in chain]
    told = [f"{one!r} {one} {one.args!r} {vars(one)!r}" for one in chain]
    return "\n".join([*told, *(f"{frame.name} {frame.line} {frame.locals}" for frame in ours)])
