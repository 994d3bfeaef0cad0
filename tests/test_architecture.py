"""The structure of the code, held: imports go one way, and each library has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "connector"

# the path that data takes, top to bottom: a module imports only what stands above it
PATH = (
    "shipped_files",
    "installed",
    "errors",
    "secret",
    "log_masking",
    "pasted",
    "destination",
    "strict_json",
    "visible",
    "private_file",
    "sealed",
    "keyrings",
    "saved_files",
    "saved",
    "excerpt",
    "yaml_syntax",
    "document",
    "expression_syntax",
    "expression",
    "expression_parser",
    "evaluate",
    "compiling",
    "template",
    "template_parser",
    "size",
    "pattern",
    "scalars",
    "acceptance",
    "schema_sentences",
    "schema_form",
    "schema",
    "output_types",
    "shape",
    "inference",
    "manifest_values",
    "manifest_route",
    "manifest_action",
    "manifest_connection",
    "manifest",
    "manifest_words",
    "soundness",
    "reading",
    "compiled",
    "loading",
    "connection",
    "checks",
    "relevant",
    "choices",
    "plan",
    "lint_values",
    "lint_pattern",
    "lint_schema",
    "lint_template",
    "lint_action",
    "lint",
    "http",
    "messages",
    "request",
    "retry",
    "deadline",
    "forks",
    "event_loops",
    "limits",
    "places",
    "attempts",
    "network_errors",
    "incoming",
    "sockets",
    "async_sockets",
    "certificates",
    "recorders",
    "wire",
    "transport",
    "observed",
    "sse",
    "refusal",
    "response",
    "oauth",
    "output",
    "streamed",
    "polling",
    "ledger",
    "tokens",
    "opened",
    "run",
    "run_async",
    "opening",
    "rows",
    "slots",
    "journal",
    "watched",
    "bulk",
)
FACES = ("cli", "documenting", "drift", "importing", "mcp", "mock", "new", "sandbox", "testing")
# the command line starts the other faces; recording needs a server to record; samples and new connectors are written
# as drafts are; a mock is served and misbehaves as the sandbox does, and gives what was recorded; what serves over
# HTTP, listens as the sandbox does
FACES_THAT_USE_FACES = {
    "cli": {"documenting", "drift", "importing", "mcp", "mock", "new", "sandbox", "testing"},
    "documenting": {"importing"},
    "mcp": {"sandbox"},
    "mock": {"sandbox", "testing"},
    "new": {"importing"},
    "testing": {"mock", "sandbox"},
}
HOMES = {
    "httpx": {"http"},  # and who takes it from there: USERS_OF_HTTP
    "httptools": {"incoming"},
    "httpcore": {"recorders"},  # a recorder's way leads through it
    "yaml": {"document", "importing", "testing"},  # other people's YAML is read, and vcrpy writes YAML
    "jmespath": {"expression_parser"},
    "jsonschema": {"schema"},
    "referencing": {"schema"},
    "regex": {"pattern"},
    "pydantic": {"template_parser", "reading", "documenting"},
    "pydantic_core": {"template_parser"},
    "keyring": {"keyrings"},
    "cryptography": {"sealed"},
    "vcr": {"testing"},
    "sqlite3": {"journal"},
    "csv": {"rows", "cli"},
    "perplexity": {"drift"},
    "click": {"cli"},
    "rich": {"cli"},
    "starlette": {"sandbox", "mcp", "mock"},
    "uvicorn": {"sandbox"},
    "mcp": {"mcp"},
    "mcp_types": {"mcp"},
    "anyio": {"mcp"},
}
USERS_OF_HTTP = {
    *("request", "network_errors", "incoming", "sockets", "async_sockets", "certificates", "recorders"),
    *("messages", "wire", "transport", "observed"),
    *("refusal", "response", "oauth", "streamed"),
}
WORDS_TO_AVOID = (
    "manager",
    "handler",
    "helper",
    "utils",
    "common",
    "base",
    "director",
    "factory",
    "process",
    "data",
    "context",
)


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def module_of(file: Path) -> str:
    """`connector/cli/demo.py` belongs to `cli`."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, deferred and type-only ones included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            module = node.module or ""
            yield from (
                (f"{module}.{alias.name}" for alias in node.names) if module == "connector" else [module]
            )


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_one_way(file: Path) -> None:
    """A module imports only what stands above it on the path; faces import the path; nobody imports a face."""
    here = module_of(file)
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "connector" or len(parts) == 1 or parts[1] == here:
            continue
        there = parts[1]
        if here in FACES:
            assert there in PATH or there in FACES_THAT_USE_FACES.get(here, ()), f"{here} imports {there}"
        else:
            assert there in PATH[: PATH.index(here)], f"{here} imports {there}, which stands below it"


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_each_library_has_one_home(file: Path) -> None:
    """A library is imported only by the modules that are named for it."""
    for name in imports(file):
        library = name.split(".")[0]
        assert module_of(file) in HOMES.get(library, {module_of(file)}), f"{file.name} imports {library}"


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_few_modules_know_httpx(file: Path) -> None:
    """What is not about HTTP does without httpx."""
    assert "connector.http" not in imports(file) or module_of(file) in USERS_OF_HTTP


def test_every_module_stands_on_the_path() -> None:
    """A new module has a place on the path, or is a face."""
    found = {module_of(file) for file in files()}
    assert found <= {*PATH, *FACES}


def test_modules_are_named_by_their_job() -> None:
    """No file is called by a word that says nothing."""
    assert [
        file.name for file in files() if any(word in file.stem.split("_") for word in WORDS_TO_AVOID)
    ] == []


def test_only_named_places_read_the_environment() -> None:
    """The core is a function of its arguments: os.environ is read by connection, run and the faces."""
    readers = {
        module_of(file)
        for file in files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers <= {"connection", "opening", *FACES}
