"""`connector demo`: both actions against the sandbox, in one process, with nothing to configure."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from connector.cli.endings import RUNS, closing

if TYPE_CHECKING:
    from connector.cli.page import Page
    from connector.manifest import Action
    from connector.run import OpenConnection

_SHOWN = ("create_chat_completion", "execute_search")
_KEY = "pplx-test-demo"
_ROWS = 2


@click.command(
    "demo",
    short_help="Run every action once against a local sandbox.",
    epilog=closing("connector demo", ends=RUNS),
)
def demo() -> None:
    """Run a chat completion and a search against a local sandbox, and show what goes in and what comes out.

    It needs no key, no network and no configuration; saved connections and the environment are left alone.
    """
    from connector.cli.page import Page
    from connector.connection import resolve
    from connector.loading import load
    from connector.run import OpenConnection
    from connector.sandbox import Sandbox

    page = Page()
    perplexity = load("perplexity")
    with Sandbox() as sandbox:
        fields = {"api_key": _KEY, "base_url": sandbox.url}
        with OpenConnection(resolve(perplexity, fields, environ={})) as opened:
            page.line(
                f"A sandbox at {sandbox.url} answers here, with synthetic text. Nothing leaves this computer."
            )
            for action_id in _SHOWN:
                _show(page, opened, perplexity.actions[action_id])
    _show_next(page, perplexity.links.get("api_keys", ""))


def _show(page: Page, opened: OpenConnection, action: Action) -> None:
    from connector.cli.flat import show_fields
    from connector.request import preview

    inputs = action.examples[0].inputs
    planned = opened.plan(action.id, inputs)
    request = preview(planned, opened.connection)
    result = opened.run(action.id, inputs)
    page.line()
    page.title(action.name, f"{opened.connector.id}.{action.id}")
    page.line("inputs", style="dim", indent=2)
    show_fields(page, inputs, indent=4)
    body = json.dumps(request.body, ensure_ascii=False)
    page.cut("sent", f"{request.method} {request.url} {body}", indent=2)
    page.line(f"outputs (HTTP {result.status})", style="dim", indent=2)
    show_fields(page, result.outputs, indent=4, most=_ROWS)


def _show_next(page: Page, keys: str) -> None:
    page.line()
    page.title("Next, with a real key" + (f" from {keys}" if keys else ""))
    for command in (
        "connector connections add perplexity",
        "connector connections test",
        f"connector run perplexity.execute_search query={shlex.quote('latest AI news')}",
    ):
        page.whole(command, indent=2)
