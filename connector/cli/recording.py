"""`connector record`: the examples of a manifest, run and kept as cassettes."""

from __future__ import annotations

import click

from connector.cli.endings import RUNS, closing
from connector.cli.naming import complete_action, find_action
from connector.cli.streams import give
from connector.cli.visible import visible


@click.command(
    "record",
    short_help="Record the examples as cassettes.",
    epilog=closing("connector record perplexity.execute_search one_query", ends=RUNS),
)
@click.argument("action", required=False, shell_complete=complete_action)
@click.argument("example", required=False)
@click.option("--live", is_flag=True, help="Ask the real service with your key, which may cost money.")
def record(action: str | None, example: str | None, live: bool) -> None:
    """Record the examples of all shipped connectors, of one ACTION, or one EXAMPLE of it, as cassettes.

    The sandbox answers, unless --live is given.
    """
    try:
        from connector.testing.recording import record as record_examples
    except ImportError as error:
        if str(error.name).startswith("connector"):
            raise
        message = "Recording needs vcrpy: python -m pip install 'perplexity-connector[test]'"
        raise click.ClickException(message) from None
    if action is None:
        from connector.loading import shipped_names

        places: list[tuple[str, str | None]] = [(name, None) for name in shipped_names()]
    else:
        connector, chosen = find_action(action)
        places = [(str(connector.folder), chosen.id)]
    for place, action_id in places:
        for line in record_examples(place, action_id, example, live=live):
            give(visible(line))
