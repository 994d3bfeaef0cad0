"""The plugin of pytest: what authors of connectors get, and what everybody else does not notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from golden import LIBRARY

from connector.loading import load
from connector.testing import live, session  # noqa: F401 - the runs within drop what they import: let it be here
from connector.testing.examples import examples
from connector.testing.recording import record

pytest_plugins = ["pytester"]

TEST = """
import pytest

@pytest.mark.connector_examples("library")
def test_example(connector_example, replay):
    assert replay(connector_example).outputs["count"] == 2
"""


@pytest.fixture(scope="module")
def recorded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(LIBRARY, tmp_path_factory.mktemp("recorded") / "library")
    file = folder / "actions" / "find_books.yaml"
    file.write_text(file.read_text() + "  - id: poems\n    inputs: {shelf: poems}\n")
    list(record(folder))
    return Path(folder)


@pytest.fixture
def library(recorded_once: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A connector with two recorded examples, in the folder of a project."""
    for name in ("HAZARDS_FILE", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return Path(shutil.copytree(recorded_once, pytester.path / "library"))


def test_a_test_runs_once_for_each_example(library: Path, pytester: pytest.Pytester) -> None:
    """Named by action and example; the connector by its folder, seen from pytest's root."""
    pytester.makepyfile(TEST)
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*test_example?find_books/fiction? PASSED*", "*test_example?find_books/poems? PASSED*"]
    )


@pytest.mark.parametrize(
    ("settings", "marker"),
    [
        ("[pytest]\nconnector_paths =\n    library", ""),
        ("[pytest]\nconnector_paths = library", "@pytest.mark.connector_examples"),
        ("[pytest]\nconnector_paths = nope", "@pytest.mark.connector_examples('library')"),
        (
            "[pytest]\naddopts = --strict-markers",
            "@pytest.mark.connector_examples('library', action='find_books')",
        ),
    ],
    ids=["setting", "setting and marker", "marker first", "one action"],
)
def test_how_connectors_are_named(
    library: Path, pytester: pytest.Pytester, settings: str, marker: str
) -> None:
    """By the marker, or for all tests by a setting."""
    pytester.makeini(settings)
    pytester.makepyfile(
        f"import pytest\n\n{marker}\ndef test_it(connector_example, replay): replay(connector_example)"
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_a_name_of_an_installed_connector_will_do(library: Path, pytester: pytest.Pytester) -> None:
    """As on the command line."""
    pytester.makepyfile(
        TEST.replace('"library"', '"perplexity", action="execute_search"').replace("== 2", "> 0")
    )
    number = len(load("perplexity").actions["execute_search"].examples)
    pytester.runpytest().assert_outcomes(passed=number)


WRONG = {
    "no such folder": ("@pytest.mark.connector_examples('nope')", "There is no connector named*nope"),
    "no such action": (
        "@pytest.mark.connector_examples('library', action='nope')",
        "library has no action 'nope'",
    ),
    "no connector": ("", "There are no examples. Name a connector"),
    "another option": (
        "@pytest.mark.connector_examples('library', example='x')",
        "takes names or folders, and action=",
    ),
}


@pytest.mark.parametrize(("marker", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_when_tests_are_collected(
    library: Path, pytester: pytest.Pytester, marker: str, said: str
) -> None:
    """In a sentence, without our frames."""
    pytester.makepyfile(f"import pytest\n\n{marker}\ndef test_it(connector_example): pass")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{said}*"])
    result.stdout.no_fnmatch_line("*fixtures.py*")


def test_a_failure_is_readable(library: Path, pytester: pytest.Pytester) -> None:
    """The line of the test, what differs, what to do; none of our frames."""
    file = library / "actions" / "find_books.yaml"
    file.write_text(file.read_text().replace("{title: title, year: year}", "{title: title}"))
    pytester.makepyfile(TEST)
    result = pytester.runpytest("-k", "poems")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            ">*replay(connector_example)*",
            "E *CassetteError: *poems.yaml: The outputs differ from the recorded ones. *connector record *",
            'E *-      "year": 2',
            'E *+      "year": null',
        ]
    )
    result.stdout.no_fnmatch_line("*replaying.py*")
    result.stdout.no_fnmatch_line("*fixtures.py*")


@pytest.mark.hazard("H5")
def test_nothing_is_recorded_unless_someone_says_so(library: Path, pytester: pytest.Pytester) -> None:
    """A missing cassette is a failure, and stays missing."""
    (cassette,) = [one.cassette for one in examples(load(library)) if one.example.id == "poems"]
    cassette.unlink()
    pytester.makepyfile(TEST)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["E *There is no cassette. Record it again: connector record *library find_books poems"]
    )
    assert not cassette.exists()
    pytester.runpytest("--connector-record=mock").assert_outcomes(passed=2)
    assert cassette.exists()
    pytester.runpytest().assert_outcomes(passed=2)


@pytest.mark.hazard("H5")
def test_an_unused_exchange_fails_the_test(library: Path, pytester: pytest.Pytester) -> None:
    """And is named."""
    one = examples(load(library))[0]
    head, _, rest = one.cassette.read_text().partition("interactions:\n")
    exchange, _, tail = rest.partition("metadata:")
    one.cassette.write_text(
        f"{head}interactions:\n{exchange}{exchange.replace('fiction', 'more')}metadata:{tail}"
    )
    pytester.makepyfile(TEST)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *not used: POST /shelves/more/books?limit=10"])


@pytest.mark.hazard("H5")
def test_sockets_are_blocked_while_replay_is_there(library: Path, pytester: pytest.Pytester) -> None:
    """Also those of the test's own code, and of other libraries; in other tests they are not."""
    pytester.makepyfile(
        """
        import socket, urllib.request
        import pytest

        def reach(url):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            return opener.open(url, timeout=5).status

        @pytest.fixture
        def url():
            with socket.create_server(("127.0.0.1", 0)) as server:
                yield server.getsockname()

        def test_with(replay, url):
            with pytest.raises(AssertionError, match="must not use the network"):
                reach(f"http://127.0.0.1:{url[1]}")
            with pytest.raises(AssertionError, match="example.test"):
                reach("http://example.test")

        def test_without(url):
            socket.create_connection(url).close()
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_errors_of_the_service_can_be_expected(library: Path, pytester: pytest.Pytester) -> None:
    """A recorded refusal raises what a run raises."""
    one = examples(load(library))[0]
    text = one.cassette.read_text().replace("code: 200", "code: 401")
    one.cassette.write_text(text)
    pytester.makepyfile(
        """
        import pytest
        from connector.errors import ApiError

        @pytest.mark.connector_examples("library")
        def test_it(connector_example, replay):
            if connector_example.example.id == "fiction":
                with pytest.raises(ApiError, match="Check the key"):
                    replay(connector_example)
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_reports_say_what_was_recorded(library: Path, pytester: pytest.Pytester) -> None:
    """In JUnit's XML: what answered, and when."""
    pytester.makepyfile(TEST)
    pytester.runpytest("--junitxml=report.xml").assert_outcomes(passed=2)
    text = (pytester.path / "report.xml").read_text()
    assert text.count('name="recorded_against" value="a mock of the manifest"') == 2


@pytest.mark.slow
def test_it_works_on_several_processes(library: Path, pytester: pytest.Pytester) -> None:
    """With xdist, and with warnings as errors."""
    pytester.makepyfile(TEST)
    result = pytester.runpytest_subprocess("-n", "2", "-W", "error", "--strict-markers")
    result.assert_outcomes(passed=2)


# --- for everybody else


def test_it_imports_next_to_nothing(pytester: pytest.Pytester) -> None:
    """In a run that does not use it, with warnings as errors: our two smallest modules."""
    pytester.makepyfile(
        """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.split(".")[0] == "connector"}
            assert ours == {"connector", "connector.testing", "connector.testing.plugin"}
            assert not {"vcr", "yaml", "pydantic", "httpx"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_it_says_what_it_needs(library: Path, pytester: pytest.Pytester) -> None:
    """Without vcrpy: a sentence, and only where it is used."""
    pytester.makepyfile(TEST + "\ndef test_other(): pass\n")
    pytester.makeconftest("import sys\nsys.modules['vcr'] = None\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        ["*`replay` needs vcrpy: python -m pip install 'perplexity-connector?test?'*"]
    )


# --- a real package


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-connector"
version = "1.2.0"

[project.entry-points."connector.manifests"]
library = "acme_connector:manifests.library"

[tool.hatch.build.targets.wheel]
packages = ["src/acme_connector"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_a_connector_in_a_package_of_its_own(tmp_path: Path, recorded_once: Path, kind: str) -> None:
    """Built and installed by pip: listed, run against its mock, tested and recorded by name; its code never runs."""
    project = tmp_path / "acme"
    package = project / "src" / "acme_connector"
    folder = Path(shutil.copytree(recorded_once, package / "manifests" / "library"))
    (package / "cassettes").mkdir()
    (folder / "cassettes").rename(package / "cassettes" / "library")
    (package / "__init__.py").write_text("raise SystemExit('the code of the package was run')\n")
    (project / "pyproject.toml").write_text(PYPROJECT)
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = next(home.glob("lib/*/site-packages"))
    paths = [path for path in sys.path if path.endswith("site-packages")]
    root = str(Path(__file__).parent.parent)
    (site / "libraries.pth").write_text("\n".join([*paths, root, ""]), encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
    ]
    what = ["--editable", str(project)] if kind == "editable" else [str(project)]

    def run(*command: str) -> str:
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))
        }
        done = subprocess.run(
            command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(*pip, *what)
    command = (str(python), "-m", "connector.cli")
    assert "library.find_books" in run(*command, "list")
    assert "acme-connector 1.2.0" in run(*command, "list")
    assert "ok: library" in run(*command, "lint", "library")
    assert "/shelves/fiction/books" in run(*command, "plan", "library.find_books", "shelf=fiction")
    assert "2 passed, 0 failed" in run(*command, "test", "library")
    assert "same shape" in run(*command, "record", "library.find_books", "poems")
    test = tmp_path / "test_acme.py"
    test.write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    assert "2 passed" in run(str(python), "-m", "pytest", "-W", "error", str(test))
