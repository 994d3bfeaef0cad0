"""The documentation of a connector: complete, true, fresh, and safe whatever a manifest's texts hold."""

from __future__ import annotations

import contextlib
import copy
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import connector
from connector.document import parse
from connector.documenting import markdown
from connector.documenting.connector_page import pages, whole_page
from connector.documenting.samples import literal
from connector.importing.yaml_text import yaml_text
from connector.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
PERPLEXITY = connector.load("perplexity")
PAGE = whole_page(PERPLEXITY, "perplexity")
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(page: str) -> Iterator[Token]:
    for token in READER.parse(page):
        yield token
        yield from token.children or ()


def shown(page: str) -> str:
    """The text that a reader sees."""
    return " ".join(" ".join(token.content for token in tokens(page) if token.type in SEEN).split())


SEEN = {"text", "code_inline", "text_special"}

HOSTILE = {
    "pipes": "a | b || c \\| d",
    "backticks": "`code` ``more`` ``` and ` alone",
    "a fence": "```\nrm -rf /\n```\nafter",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)> <!-- gone --> </table>",
    "a link": "[click](javascript:alert(1)) ![](https://evil.test/x.png) [a]: https://evil.test <https://evil.test>",
    "a heading": "# Title\n## Other\n===\n---",
    "a list": "- one\n+ two\n* three\n1. four\n2) five",
    "a table": "a | b\n--- | ---\n1 | 2",
    "entities": "&lt;b&gt; &amp; &#124; AT&T",
    "emphasis": "*a* _b_ __c__ ~~d~~ **e** a_b_c $x^2$",
    "backslashes": "C:\\new\\table\\ and the end \\",
    "controls": "a\u202eb\u200bc\u0007d\x1b[31m",
}


def hostile_library(folder: Path, text: str) -> connector.manifest.Connector:
    """The library with the text in every place that people read, and in some that only look like code."""
    whole = parse((golden.LIBRARY / "connector.yaml").read_text(encoding="utf-8"), "c").value
    action = parse((golden.LIBRARY / "actions" / "find_books.yaml").read_text(encoding="utf-8"), "a").value
    for place in (whole, action):
        place["name"] = place["description"] = text
    whole["version"] = text
    whole["errors"]["kinds"][0] |= {"hint": text, "types": [text]}
    whole["connection"]["fields"]["properties"]["api_key"] |= {"title": text, "description": text}
    whole["connection"]["fields"]["properties"]["server"] |= {"enum": ["main", text]}
    whole["links"] = {text: "https://library.test/a(b)", "other": text}
    shelf = action["inputs"]["properties"]["shelf"]
    shelf |= {"title": text, "description": text, "enum": ["fiction", text], "default": text}
    action["inputs"]["properties"][text] = {"type": "string"}
    action["outputs"]["properties"]["count"]["description"] = text
    for rule in action["rules"]:
        rule["say"] = text
    action["routes"]["main"]["failures"][0]["hint"] = text
    action["routes"]["old"] |= {"note": text, "unsupported": {"language": text, text: text}}
    action["lifecycle"] = {"values": {"shelf": {text: {"retired": "2026-01-31", "note": text}}}}
    action["examples"][0] |= {"title": text, "inputs": {"shelf": text}}
    (folder / "actions").mkdir(parents=True)
    (folder / "connector.yaml").write_text(yaml_text(whole), encoding="utf-8")
    (folder / "actions" / "find_books.yaml").write_text(yaml_text(action), encoding="utf-8")
    return connector.load(folder)


def skeleton(page: str) -> list[tuple[str, int]]:
    """What the page consists of, apart from its words: blocks, cells, links."""
    kinds = {"heading_open", "tr_open", "td_open", "th_open", "list_item_open", "fence", "link_open", "image"}
    kinds |= {"html_block", "code_block", "blockquote_open", "hr", "bullet_list_open", "ordered_list_open"}
    kinds |= {"em_open", "s_open"}
    found = [token.type for token in tokens(page)]
    return [(kind, found.count(kind)) for kind in sorted(kinds)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_changes_nothing_but_words(text: str, tmp_path: Path) -> None:
    """Headings, cells, lists, links and code are as many as with a plain word in the same places."""
    plain = whole_page(hostile_library(tmp_path / "plain", "plain"), "library")
    page = whole_page(hostile_library(tmp_path / "hostile", text), "library")
    assert skeleton(page) == skeleton(plain)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_brings_no_markup(text: str, tmp_path: Path) -> None:
    """The only HTML is our own, and links lead to our own anchors or to the web."""
    found = list(tokens(whole_page(hostile_library(tmp_path / "library", text), "library")))
    tags = {token.content.strip() for token in found if token.type in {"html_inline", "html_block"}}
    assert all(
        re.fullmatch(r"</?code>|<a id=\"find_books\">|</a>|<!-- Written by .* -->", tag) for tag in tags
    ), tags
    links = {str(token.attrs["href"]) for token in found if token.type == "link_open"}
    assert links <= {"#find_books", "https://library.test/a(b)"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_shown_as_it_is(text: str) -> None:
    """In a paragraph and in a cell a reader sees the text itself, on one line, without what steers a terminal."""
    wanted = " ".join(markdown.visible(text).split())
    assert shown(markdown.text(text)) == wanted
    cells = list(markdown.table(("heading",), [(markdown.text(text),)]))
    assert shown("\n".join(cells)).removeprefix("heading ") == wanted


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_code_stays_code(text: str) -> None:
    """A block of code ends where we end it."""
    fences = [token for token in tokens(f"{markdown.block(text, 'yaml')}\n\nafter") if token.type == "fence"]
    assert [fence.content.rstrip("\n") for fence in fences] == [markdown.visible(text).rstrip("\n")]


@pytest.mark.parametrize("action", PERPLEXITY.actions.values(), ids=lambda action: action.id)
def test_a_page_has_all_of_an_action(action: connector.manifest.Action) -> None:
    """Its inputs, outputs, rules, routes, what is not sent, and the three samples of each example."""
    page = pages(PERPLEXITY, "perplexity")[f"actions/{action.id}.md"]
    seen = shown(page)
    words = [*action.input_fields, *action.output_fields, *action.routes]
    words += [rule.say for rule in action.rules]
    words += [path for route in action.routes.values() for path in route.unsupported]
    assert [word for word in words if word not in seen] == []
    languages = [token.info for token in tokens(page) if token.type == "fence"]
    assert languages == ["yaml", "python", "sh"] * len(action.examples)


def test_the_setup_has_every_field() -> None:
    """Its title, its environment variable, where the auth puts it, and the free check."""
    front = shown(PAGE.partition("## Actions")[0])
    words = ["API Key", "PERPLEXITY_API_KEY", "PERPLEXITY_BASE_URL", "PERPLEXITY_CHAT_ROUTE"]
    words += ["Authorization: Bearer <api_key>", "GET /v1/models"]
    assert [word for word in words if word not in front] == []


def test_every_kind_of_error_has_its_hint() -> None:
    """As the manifest has it."""
    seen = shown(PAGE.partition("## Errors")[2])
    assert [rule.hint for rule in PERPLEXITY.errors.kinds if " ".join(rule.hint.split()) not in seen] == []


def samples(language: str) -> list[Any]:
    """Of each example that needs no other one to run first."""
    found = []
    for action in PERPLEXITY.actions.values():
        page = pages(PERPLEXITY, "perplexity")[f"actions/{action.id}.md"]
        blocks = [token.content for token in tokens(page) if token.type == "fence" and token.info == language]
        for example, block in zip(action.examples, blocks, strict=True):
            if not example.after:
                found.append(pytest.param(action, example, block, id=f"{action.id}-{example.id}"))
    return found


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[dict[str | None, str]]:
    with Sandbox() as vendor, Sandbox(sonar=True) as gateway:
        yield {None: vendor.url, "sonar": gateway.url}


@pytest.mark.parametrize(("action", "example", "code"), samples("python"))
def test_a_python_sample_runs(
    action: Any, example: Any, code: str, sandboxes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands there, against the sandbox; over a retired route, against a gateway that still speaks it."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-docs")
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandboxes[example.route])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, f"{action.id}.md", "exec"), {})
    assert printed.getvalue().startswith("{")


@pytest.mark.parametrize(("action", "example", "text"), samples("yaml"))
def test_a_yaml_sample_is_the_example(action: Any, example: Any, text: str) -> None:
    """Read as strict YAML, it is what the manifest has."""
    step = parse(text, "sample").value
    assert (step["action"], step["inputs"]) == (f"perplexity.{action.id}", example.inputs)


@pytest.mark.parametrize(("action", "example", "command"), samples("sh"))
def test_a_curl_sample_takes_the_key_from_the_environment(action: Any, example: Any, command: str) -> None:
    """The key is a variable, and nothing stands in for it."""
    assert command.startswith("curl --request ")
    assert '"Authorization: Bearer $PERPLEXITY_API_KEY"' in command
    assert "test-not-a-key" not in command


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": [True, None, 1.5, "x\n\"'\\\u2028é"], "c": {}, "d": []},
        {"long": ["word " * 10] * 5, "deep": {"list": [{"x": "y" * 80}, []]}},
        {**HOSTILE},
    ],
    ids=["each type", "several lines", "hostile"],
)
def test_a_value_in_python_is_the_value(value: Any) -> None:
    """Whatever JSON can say."""
    assert eval(literal(value, room=60)) == value


def docs(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connector.cli", "docs", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_prints_one_page() -> None:
    """Of a shipped connector, on stdout."""
    assert docs("perplexity").stdout == PAGE


def test_our_own_page_is_fresh() -> None:
    """docs/perplexity.md is what the command writes."""
    done = docs("perplexity", "-o", "docs/perplexity.md", "--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_stale_page_is_told(tmp_path: Path) -> None:
    """With its name, and nothing is written."""
    page = tmp_path / "library.md"
    assert docs(str(golden.LIBRARY), "-o", str(page), "--check").returncode == 1
    assert docs(str(golden.LIBRARY), "-o", str(page)).returncode == 0
    page.write_text(page.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    done = docs(str(golden.LIBRARY), "-o", str(page), "--check")
    assert (done.returncode, str(page) in done.stderr) == (1, True)
    assert page.read_text(encoding="utf-8").endswith("more\n")


def test_a_folder_of_pages_hangs_together(tmp_path: Path) -> None:
    """Every link between the pages leads to one of them."""
    assert docs("perplexity", "-o", str(tmp_path / "pages")).returncode == 0
    written = list((tmp_path / "pages").rglob("*.md"))
    assert len(written) == len(PERPLEXITY.actions) + 1
    for page in written:
        for target in re.findall(r"\]\(([^)<:#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), (page, target)


def test_every_anchor_of_the_page_is_there() -> None:
    """A link within the page leads to an action."""
    targets = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert targets == set(PERPLEXITY.actions) == set(re.findall(r'<a id="([^"]+)">', PAGE))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "There is no connector named 'nothing'"),
        (["perplexity", "--check"], 2, "Name what to check"),
        (["perplexity", "-o", "/dev/null/x.md"], 70, "Not a directory"),
    ],
    ids=["no connector", "nothing to check", "no place"],
)
def test_a_wrong_use_is_told(arguments: list[str], code: int, said: str) -> None:
    """On stderr, without a traceback."""
    done = docs(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def _with_auth(folder: Path, auth: dict[str, Any]) -> str:
    whole = parse((golden.LIBRARY / "connector.yaml").read_text(encoding="utf-8"), "c").value
    whole = copy.deepcopy(whole)
    whole["connection"]["auth"] = auth
    (folder / "actions").mkdir(parents=True)
    (folder / "connector.yaml").write_text(yaml_text(whole), encoding="utf-8")
    action = (golden.LIBRARY / "actions" / "find_books.yaml").read_text(encoding="utf-8")
    (folder / "actions" / "find_books.yaml").write_text(action, encoding="utf-8")
    return shown(whole_page(connector.load(folder), "library"))


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"kind": "bearer", "value": "${{ connection.api_key }}"}, "Authorization: Bearer <api_key>"),
        ({"kind": "query", "name": "key", "value": "${{ connection.api_key }}"}, "key=<api_key>"),
        (
            {"kind": "basic", "username": "${{ connection.api_key }}", "password": ""},
            "HTTP basic authentication, <api_key>:",
        ),
    ],
    ids=["bearer", "query", "basic"],
)
def test_each_kind_of_auth_says_where_the_fields_go(auth: Any, said: str, tmp_path: Path) -> None:
    """In a sentence."""
    assert said in _with_auth(tmp_path / "library", auth)
