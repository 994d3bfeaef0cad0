"""`connector sandbox`: the local server that behaves like the real API, until Ctrl-C."""

from __future__ import annotations

import errno

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import tell
from connector.cli.visible import visible
from connector.errors import InputError, Problem

SANDBOX_KEY = "pplx-test-sandbox"


class _WithFaults(click.Command):
    """Its help lists the faults, from their own table."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from connector.sandbox.fault_names import FAULTS, described, own_arguments, shared_arguments

        super().format_options(ctx, formatter)
        for title, rows in (
            ("Faults, with the arguments of their own", [(one.name, described(one)) for one in FAULTS]),
            ("Which requests a fault is for", [(one.name, one.about) for one in shared_arguments()]),
            ("Arguments of some faults", [(one.name, one.about) for one in own_arguments()]),
        ):
            with formatter.section(title):
                formatter.write_dl(rows)


@click.command(
    "sandbox",
    cls=_WithFaults,
    short_help="Serve a local stand-in for the Perplexity API.",
    epilog=closing(
        "connector sandbox --port 9000",
        "connector sandbox --fault 429,times=2,retry-after=1 --fault cut,on=/v1/agent,rate=0.3",
        ends=(Exit.OK, Exit.WRONG),
    ),
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: any free one."
)
@click.option("--sonar", is_flag=True, help="Answer the retired chat endpoint, as some gateways do.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[,ARGUMENT=VALUE]...",
    help="Rehearse a failure; can be repeated: the first whose turn it is decides. The request header "
    "X-Sandbox-Fault does the same for one request.",
)
def sandbox(port: int, sonar: bool, faults: tuple[str, ...]) -> None:
    """Serve a local stand-in for the Perplexity API until Ctrl-C, which ends it with exit code 0.

    It answers with synthetic text, needs no network, and costs nothing. Any key that begins with
    pplx- is good; pplx-test-invalid, pplx-test-no-credit and pplx-test-not-allowed rehearse failures,
    and so does --fault. Requests are counted for each key apart: another key begins anew.
    """
    from connector.sandbox import serve

    def ready(url: str) -> None:
        retired = "answers the retired chat endpoint" if sonar else "refuses the retired chat endpoint"
        tell(f"The sandbox serves {url} and {retired}. Ctrl-C ends it.")
        tell("To use it from another terminal:")
        tell(f"  export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={SANDBOX_KEY}")
        for fault in faults:
            tell(f"It rehearses {fault}.")

    def told(line: str) -> None:
        tell(visible(line, one_line=True))

    try:
        serve(port=port, sonar=sonar, ready=ready, faults=faults, told=told)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        message = "It is in use." if in_use else f"It cannot be listened on: {error.strerror}."
        hint = "Choose another with --port; --port 0 takes any free one."
        raise InputError([Problem(f"port {port}", message, hint)]) from None
