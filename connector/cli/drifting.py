"""`connector drift`: what the manifests and the vendor's own SDK say differently."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.endings import Exit, closing
from connector.cli.streams import give, tell
from connector.cli.visible import visible


@click.command(
    "drift",
    short_help="Compare a manifest with the vendor's SDK.",
    epilog=closing("connector drift", ends=(Exit.OK, Exit.FOUND, Exit.WRONG)),
)
@click.argument("path", default="perplexity")
@click.option(
    "--accepted",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="The accepted differences, each with its reason.  [default: tests/drift/<connector>.yaml]",
)
def drift(path: str, accepted: Path | None) -> None:
    """Compare the manifest of PATH, or Perplexity's, with the request and response types of the installed SDK.

    Nothing is sent. Each difference is printed with the reason for which it is accepted; a new one fails,
    and so does an accepted one that no longer occurs.
    """
    from connector.drift import drift as compared
    from connector.loading import find

    if accepted is None:
        usual = Path("tests", "drift", f"{find(path).resolve().name}.yaml")
        accepted = usual if usual.is_file() else None
        if accepted is None:
            tell(f"Nothing is accepted: there is no {usual.as_posix()} here.")
    try:
        report = compared(path, accepted)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    for difference, reason in report.accepted:
        give(visible(f"accepted: {difference.id}. {reason}"))
    for difference in report.new:
        give(visible(f"NEW: {difference.id}."))
    for problem in report.stale:
        give(visible(str(problem)))
    found = f"{report.compared} fields compared with perplexityai {report.version}"
    if report.passed:
        give(f"ok: {found}, {len(report.accepted)} differences, all accepted")
        return
    tell(
        f"{found}: {len(report.new)} new differences, {len(report.stale)} accepted ones that no longer occur."
    )
    tell("Mend the manifest, or list the difference with its reason in the file of accepted ones.")
    raise click.exceptions.Exit(Exit.FOUND)
