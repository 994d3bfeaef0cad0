"""`connector sandbox`: a local server that behaves like the real API, or as a manifest says, until Ctrl-C."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import tell
from connector.cli.visible import visible
from connector.errors import InputError, Problem

if TYPE_CHECKING:
    from connector.manifest import Connector
    from connector.mock import Credential

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
    short_help="Serve a local stand-in for the Perplexity API, or for any connector's.",
    epilog=closing(
        "connector sandbox --port 9000",
        "connector sandbox ./my_connector",
        "connector sandbox --fault 429,times=2,retry-after=1 --fault cut,on=/v1/agent,rate=0.3",
        ends=(Exit.OK, Exit.WRONG),
    ),
)
@click.argument("path", required=False)
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
def sandbox(path: str | None, port: int, sonar: bool, faults: tuple[str, ...]) -> None:
    """Serve a local stand-in for an API until Ctrl-C, which ends it with exit code 0.

    PATH is a folder with a connector.yaml: its service is made from the manifest. It checks requests as the
    manifest says, and answers with what was recorded in cassettes, else with values that fit the response
    schemas; it takes the credentials that it prints, and no others.

    Without PATH, or with `perplexity`, it is the Perplexity API. It answers with synthetic text, needs no network, and costs nothing. Any key that begins with
    pplx- is good; pplx-test-invalid, pplx-test-no-credit and pplx-test-not-allowed rehearse failures,
    and so does --fault. Requests are counted for each key apart: another key begins anew.
    """
    if path is not None and path != "perplexity":
        if sonar:
            raise click.UsageError("--sonar is for the Perplexity API, without PATH.")
        _serve_mock(path, port, faults)
        return
    from connector.sandbox import serve

    def ready(url: str) -> None:
        retired = "answers the retired chat endpoint" if sonar else "refuses the retired chat endpoint"
        tell(f"The sandbox serves {url} and {retired}. Ctrl-C ends it.")
        tell("To use it from another terminal:")
        tell(f"  export PERPLEXITY_BASE_URL={url} PERPLEXITY_API_KEY={SANDBOX_KEY}")
        for fault in faults:
            tell(f"It rehearses {fault}.")

    with _port_told(port):
        serve(port=port, sonar=sonar, ready=ready, faults=faults, told=_told)


def _serve_mock(path: str, port: int, faults: tuple[str, ...]) -> None:
    from connector.loading import load
    from connector.mock import serve_mock

    connector = load(path)

    def ready(url: str, credential: Credential, recorded: int) -> None:
        actions = f"{len(connector.actions)} action" + ("" if len(connector.actions) == 1 else "s")
        also = f", {recorded} of the answers as recorded" if recorded else ""
        name = visible(connector.name, one_line=True)
        tell(f"A mock of {name} serves {url}: {actions}{also}. Ctrl-C ends it.")
        _tell_use(path, connector, credential)
        for fault in faults:
            tell(f"It rehearses {fault}.")

    with _port_told(port):
        serve_mock(connector, port=port, ready=ready, faults=faults, told=_told)


def _tell_use(path: str, connector: Connector, credential: Credential) -> None:
    """What another terminal needs to use a mock."""
    first = next(iter(connector.actions), "ACTION")
    if credential.url_field is None:
        tell(
            "The manifest writes its base URL out, so no connection leads here. Run an action against a mock:"
        )
        tell(f"  connector try {shlex.quote(path)} {first} --mock")
        return
    from connector.connection import NAME_FIELD
    from connector.evaluate import text_of
    from connector.secret import Secret

    words = []
    for name, value in credential.fields.items():
        if name != NAME_FIELD:
            text = value.reveal() if isinstance(value, Secret) else text_of(value)
            words.append(f"{connector.id}_{name}".upper() + f"={shlex.quote(text)}")
    tell("To use it from another terminal:")
    tell(f"  export {' '.join(words)}")
    name = f"{path.rstrip('/')}.{first}"
    tell(f"  connector run {shlex.quote(name)} ...")


def _told(line: str) -> None:
    tell(visible(line, one_line=True))


@contextmanager
def _port_told(port: int) -> Iterator[None]:
    """A port that cannot be had, as an error of the caller."""
    try:
        yield
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        message = "It is in use." if in_use else f"It cannot be listened on: {error.strerror}."
        hint = "Choose another with --port; --port 0 takes any free one."
        raise InputError([Problem(f"port {port}", message, hint)]) from None
