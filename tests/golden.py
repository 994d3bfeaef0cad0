"""Planted mistakes, and what lint says about each of them.

    manifests/library/         a small connector without a mistake
    manifests/<case>.diff      lines of it that are changed: ` ` stays, `-` goes, `+` comes
    manifests/<case>.err       what lint must say then, word for word

`python -m tests.golden` writes every .err anew. Read the difference before you commit it.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from connector.lint import lint

CASES = Path(__file__).parent / "manifests"
LIBRARY = CASES / "library"


def names() -> list[str]:
    """Every planted mistake."""
    return sorted(path.stem for path in CASES.glob("*.diff"))


def planted(case: str, folder: Path) -> Path:
    """The library with the case's lines changed: a copy, made in the folder."""
    library = folder / "library"
    shutil.copytree(LIBRARY, library)
    file = library
    lines: list[str] = []
    for line in [*(CASES / f"{case}.diff").read_text(encoding="utf-8").splitlines(), "--- "]:
        if line.startswith("--- "):
            if lines:
                change(file, lines)
            file, lines = library / line.removeprefix("--- "), []
        elif not line.startswith("#"):
            lines.append(line)
    return library


def said(case: str, folder: Path) -> str:
    """What lint says of the library with the case's lines changed. The copy is made in the folder."""
    library = planted(case, folder)
    problems = "\n".join(str(problem) for problem in lint(library))
    return problems.replace(f"{library}/", "") + "\n"


def change(file: Path, lines: list[str]) -> None:
    """Replace the one place in a file where the kept and the removed lines stand."""
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "-"})
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in {" ", "+"})
    text = file.read_text(encoding="utf-8")
    assert f"\n{text}".count(f"\n{old}") == 1, f"not once in {file.name}:\n{old}"
    file.write_text(f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:], encoding="utf-8")


def write() -> None:
    """Write what lint says now."""
    for case in names():
        with tempfile.TemporaryDirectory() as folder:
            (CASES / f"{case}.err").write_text(said(case, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    write()
