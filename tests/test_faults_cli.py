"""Every fault met by the command line: an exit code that is told of, words for people, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from faults.asking import SUBJECTS
from faults.judging import nothing_left
from faults.mode import RIGHT, Mode
from faults.streams import PIECES, STREAMS, TALKS, StreamMode
from faults.table import QUICK_MODES
from leaks import KEY, leaked
from loopback import Loopback

Cli = Callable[..., Any]
SEARCH = ("run", "execute_search", "query=stars", "--deadline", "20")
CHAT = (
    *("run", "create_chat_completion", "model=sonar", 'messages:=[{"role": "user", "content": "Hello"}]'),
    *("stream:=true", "--deadline", "20"),
)
FAILS = {3, 4, 5, 6}


def cases(modes: Any) -> list[Any]:
    return [
        pytest.param(mode, id=mode.name, marks=pytest.mark.hazard(*mode.hazards.split())) for mode in modes
    ]


@pytest.mark.parametrize("mode", cases(QUICK_MODES))
def test_a_search_ends_with_its_outputs_or_an_error(
    mode: Mode, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON on stdout and nothing else, or nothing there and an error on stderr."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    body = json.dumps(SUBJECTS["search"].body, ensure_ascii=False).encode()
    with nothing_left(), Loopback(*mode.answers(body), first=mode.first) as server:
        ended = cli(*SEARCH, "--base-url", server.url)
        assert server.still_open() == 0
    judged(ended, mode.right == RIGHT)
    if mode.right == RIGHT:
        assert json.loads(ended.out)["search_id"] == "s-1"


@pytest.mark.parametrize("mode", cases(STREAMS))
def test_a_stream_ends_whole_or_with_an_error(
    mode: StreamMode, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the error is not lost."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    with nothing_left(), Loopback(mode.answer(TALKS["agent"])) as server:
        ended = cli(*CHAT, "--base-url", server.url)
        assert server.still_open() == 0
    judged(ended, mode.right == RIGHT)
    if mode.right == RIGHT:
        assert json.loads(ended.out)["content"] == "".join(PIECES)
    else:
        assert [piece for piece in PIECES[:2] if piece in ended.err] == list(PIECES[: min(mode.kept, 2)])


def judged(ended: Any, is_right: bool) -> None:
    """Whether a command ended as it says it does."""
    assert ended.code == 0 if is_right else ended.code in FAILS
    assert bool(ended.out) is is_right
    assert is_right or "\nerror: " in f"\n{ended.err}"
    assert "Traceback" not in ended.err
    assert leaked(ended.out + ended.err) == []
    assert all(char.isprintable() or char == "\n" for char in ended.err)
