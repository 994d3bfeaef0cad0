"""What is installed works, however it was installed: the manifests and the icon are found."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOAD = """
import connector, pathlib, sys
perplexity = connector.load("perplexity")
print("as compiled" if "yaml" not in sys.modules else "from YAML")
print(pathlib.Path(connector.__file__).parent)
print(len(perplexity.actions), (perplexity.folder / perplexity.icon).is_file())
first_line = (perplexity.folder / "connector.yaml").read_text(encoding="utf-8").splitlines()[0]
print("schema", (perplexity.folder / first_line.partition("=")[2]).is_file())
"""


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel and an sdist of this checkout, made without a network."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz")), "editable": ROOT}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_an_installation_finds_its_manifests_icon_and_schemas(
    kind: str, built: dict[str, Path], tmp_path: Path
) -> None:
    """Each kind of installation, in an environment of its own, loads the connector and runs the command.

    What was built has the compiled form: its first load reads no YAML.
    """
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    # the libraries of this environment, behind the new one's own packages
    site = next(home.glob("lib/*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    what = ["--editable", built[kind]] if kind == "editable" else [built[kind]]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
    ]
    run(*pip, "--ignore-installed", *what, cwd=tmp_path)
    how, place, found, schema = run(python, "-c", LOAD, cwd=tmp_path).splitlines()
    assert kind == "editable" or how == "as compiled"
    assert Path(place).is_relative_to(ROOT if kind == "editable" else home)
    assert (found, schema) == ("19 True", "schema True")
    assert "perplexity.execute_search" in run(home / "bin" / "connector", "list", cwd=tmp_path)
