"""`connector sandbox`: the local server that behaves like the real API, until Ctrl-C."""

from __future__ import annotations

import errno

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import tell
from connector.errors import InputError, Problem

SANDBOX_KEY = "pplx-test-sandbox"


@click.command(
    "sandbox",
    short_help="Serve a local stand-in for the Perplexity API.",
    epilog=closing("connector sandbox --port 9000", ends=(Exit.OK, Exit.WRONG)),
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any free one."
)
@click.option("--sonar", is_flag=True, help="Answer the retired chat endpoint, as some gateways do.")
def sandbox(port: int, sonar: bool) -> None:
    """Serve a local stand-in for the Perplexity API until Ctrl-C, which ends it with exit code 0.

    It answers with synthetic text, needs no network, and costs nothing. Any key that begins with
    pplx- is good; pplx-test-invalid, pplx-test-no-credit and pplx-test-not-allowed rehearse failures.
    """
    from connector.sandbox import serve

    def ready(url: str) -> None:
        retired = "answers the retired chat endpoint" if sonar else "refuses the retired chat endpoint"
        tell(f"The sandbox serves {url} and {retired}. Ctrl-C ends it.")
        tell("To use it from another terminal:")
        tell(f"  export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={SANDBOX_KEY}")

    try:
        serve(port=port, sonar=sonar, ready=ready)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        message = "It is in use." if in_use else f"It cannot be listened on: {error.strerror}."
        hint = "Choose another with --port; --port 0 takes any free one."
        raise InputError([Problem(f"port {port}", message, hint)]) from None
