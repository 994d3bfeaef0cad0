"""`connector usage`: what the runs of this machine have used, from the local ledger."""

from __future__ import annotations

import os
from datetime import date, datetime

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import json_text


@click.command(
    "usage",
    short_help="Sum up what the runs of this machine have used.",
    help="Sum up what the runs of this machine have used: requests, tokens and cost, by action and model.\n\n"
    "    Each `connector run` notes its action, model, tokens and cost in usage.jsonl, in the folder of the\n"
    "    saved connections; nothing that was asked or answered. CONNECTOR_USAGE=off switches it off. The\n"
    "    vendor has no endpoint for usage; its console has the bill.",
    epilog=closing("connector usage --since 2026-11-01", ends=(Exit.OK, Exit.WRONG)),
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="From this day on, in UTC.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def usage(since: datetime | None, form: str) -> None:
    from connector.ledger import entries, is_on, sums
    from connector.private_file import default_folder

    day: date | None = since.date() if since else None
    rows = sums(entries(default_folder(os.environ)), day)
    if form == "json":
        give(json_text([vars(row) for row in rows]))
        return
    if not rows:
        state = "" if is_on(os.environ) else " CONNECTOR_USAGE=off: nothing is noted."
        tell(f"No run is noted{f' since {day}' if day else ''}.{state}")
        return
    from connector.cli.page import Page

    page = Page()
    cells = [
        (
            row.action,
            row.model or "",
            str(row.runs),
            str(row.tokens),
            f"{row.cost:.5f}" if row.priced else "not said",
        )
        for row in rows
    ]
    page.table(("action", "model", "runs", "tokens", "US dollars"), cells, indent=0, keys=2)
    total = sum(row.cost for row in rows)
    unsaid = sum(row.runs - row.priced for row in rows)
    rest = f"; runs whose answer named no cost: {unsaid}" if unsaid else ""
    page.line(f"Together {total:.5f} US dollars{rest}.")
