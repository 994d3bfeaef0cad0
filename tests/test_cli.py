"""The command line: what is asked for, what is printed where, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from connector.cli.commands import commands
from connector.cli.endings import MEANINGS, Exit, ended, exit_of
from connector.errors import (
    API_KINDS,
    ApiError,
    CredentialError,
    CutOff,
    InputError,
    ManifestError,
    OutputError,
    Problem,
    Timeout,
    Unreachable,
)
from connector.loading import shipped_folder
from connector.sandbox import Sandbox
from connector.secret import Redactor, Secret

SEARCH = "perplexity.execute_search"
CHAT = "perplexity.create_chat_completion"
ASK = 'messages:=[{"role": "user", "content": "How many stars?"}]'
KEY = "pplx-test-cli"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, sandbox_url: str, request: pytest.FixtureRequest) -> str:
    """A key of the sandbox in the environment; each test has its own, and so its own rate limit."""
    text = f"{KEY}-{request.node.name.partition('[')[0]}"
    monkeypatch.setenv("PERPLEXITY_BASE_URL", sandbox_url)
    monkeypatch.setenv("PERPLEXITY_API_KEY", text)
    return text


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A connector in a folder of one's own, with dots in its path."""
    return Path(shutil.copytree(shipped_folder() / "perplexity", tmp_path / "v1.2" / "my.connector"))


def planned(cli: Any, *arguments: str, **options: Any) -> Any:
    ended_ = cli("plan", *arguments, "--format", "json", **options)
    assert ended_.code == Exit.OK, ended_.err
    return json.loads(ended_.out)


# --- what it is


def test_alone_it_shows_its_commands(cli: Any) -> None:
    """`connector` alone prints the help, and that is no mistake."""
    code, out, err = cli()
    assert code == Exit.OK
    assert not err
    assert re.findall(r"^  ([a-z]+)  ", out, re.MULTILINE)[:3] == ["list", "show", "run"]


def test_the_version_is_told(cli: Any) -> None:
    """`connector --version` is one line."""
    code, out, _ = cli("--version")
    assert (code, out.startswith("connector ")) == (Exit.OK, True)


@pytest.mark.parametrize(
    "words",
    [[name] for name in commands.list_commands(click.Context(commands))]
    + [["connections", name] for name in ("add", "list", "test", "remove")]
    + [["import", name] for name in ("curl", "openapi")],
    ids=" ".join,
)
def test_every_command_explains_itself(cli: Any, words: list[str]) -> None:
    """The help of each command has a summary, an example of itself and its exit codes."""
    code, out, _ = cli(*words, "--help")
    assert code == Exit.OK
    if words != ["connections"]:
        assert f"connector {' '.join(words)}" in out.partition("Example")[2]
        assert f"0  {MEANINGS[Exit.OK]}" in out


def test_the_help_names_every_exit_code(cli: Any) -> None:
    """The table of exit codes stands in the help, whole."""
    out = cli("--help").out
    assert [f"{code:>3}  {MEANINGS[code]}" in out for code in Exit] == [True] * len(Exit)


# --- list and show


def test_list_gives_the_shipped_actions(cli: Any) -> None:
    """Each action stands in a row with the words that name it to other commands."""
    code, out, _ = cli("list", "--format", "json")
    assert code == Exit.OK
    assert {CHAT, SEARCH, "perplexity.create_response"} < {row["id"] for row in json.loads(out)}
    assert SEARCH in cli("list").out


def test_list_names_actions_of_a_folder_as_run_takes_them(cli: Any, own_folder: Path) -> None:
    """What list prints for a folder can be given to show."""
    rows = json.loads(cli("list", f"{own_folder}/", "--format", "json").out)
    assert cli("show", rows[0]["id"]).code == Exit.OK


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_show_fits_the_width(cli: Any, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Nothing but the example commands, which are for copying, is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = cli("show", CHAT).out.partition("\nExamples\n")[0].splitlines()
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if line != line.rstrip()]


@pytest.mark.parametrize(
    "said",
    ["max_results", "whole number", "1 to 50", "One of: hour, day, week", "POST /search", "list of objects"],
)
def test_show_says_what_an_action_takes_and_gives(
    cli: Any, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Types, limits, choices and routes are in people's words."""
    monkeypatch.setenv("COLUMNS", "200")
    assert said in cli("show", SEARCH).out


def test_show_says_what_a_route_cannot_carry(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Routes come with their lifecycle, and with the inputs that are not sent and why."""
    monkeypatch.setenv("COLUMNS", "200")
    out = cli("show", CHAT).out
    assert re.search(r"sonar +POST /chat/completions +retired 2026-09-27, use agent", out)
    assert re.search(r"top_k +the Agent API has no such parameter", out)


def test_the_examples_of_show_can_be_run(cli: Any, key: str) -> None:
    """Each example is a command line that a shell takes as it is."""
    for action in (SEARCH, CHAT):
        for line in cli("show", action).out.splitlines():
            words = shlex.split(line) if line.startswith("  connector run ") else []
            if words and "--route" not in words:
                assert cli(*words[1:]).code == Exit.OK, line


@pytest.mark.parametrize(
    ("action", "said"),
    [
        pytest.param("execute_serch", "Did you mean 'execute_search'?", id="misspelt"),
        pytest.param(
            "perplexity.execute_serch", "Did you mean 'execute_search'?", id="misspelt with connector"
        ),
        pytest.param("perplexty.execute_search", "Did you mean 'perplexity'?", id="misspelt connector"),
        pytest.param("perplexity", "Its actions: perplexity.cancel_batch, ", id="a connector"),
        pytest.param("./folder", "Write ./folder.ACTION", id="a folder"),
        pytest.param("./nowhere.find", "no folder with a connector.yaml", id="a folder that is not there"),
        pytest.param(".execute_search", "Did you mean 'execute_search'?", id="a dot too many"),
        pytest.param("", "Known here", id="nothing"),
    ],
)
def test_an_unknown_action_is_explained(cli: Any, action: str, said: str) -> None:
    """A wrong ACTION is answered with what was probably meant."""
    code, out, err = cli("show", action)
    assert (code, out) == (Exit.WRONG, "")
    assert said in err


def test_an_action_may_stand_in_a_folder_with_dots(cli: Any, own_folder: Path) -> None:
    """The last dot divides; the folder's own dots do not."""
    assert planned(cli, f"{own_folder}.execute_search", "query=a")["route"] == "search"
    assert planned(cli, f"{own_folder}/connector.yaml.execute_search", "query=a")["route"] == "search"


# --- inputs


@pytest.mark.hazard("B9")
@pytest.mark.parametrize(
    "text",
    [
        *(
            "2024",
            "true",
            "null",
            "1e5",
            "[1]",
            '"quoted"',
            "",
            " ",
            "a\nb",
            "a\tb",
            "{{x}}",
            "${{ inputs.model }}",
        ),
        *(
            "@/etc/hostname",
            "-",
            "--",
            "a=b",
            ":=1",
            "日本語",
            "👩\u200d🚀",
            "é",
            "\u202e",
            "\x1b[31m",
            "%s$HOME`id`",
        ),
    ],
)
def test_text_arrives_as_it_is(cli: Any, text: str) -> None:
    """name=text is that text, whatever it looks like."""
    body = planned(cli, CHAT, "model=sonar", ASK, f"stop={text}", "--route", "sonar")["body"]
    assert body["stop"] == text


@pytest.mark.parametrize(
    ("json_text", "value"),
    [
        ("3", 3),
        ("true", True),
        ('"3"', "3"),
        ("[]", []),
        ('{"a": {"b.c": null}}', {"a": {"b.c": None}}),
        (" [1, 2.5] ", [1, 2.5]),
    ],
)
def test_json_keeps_its_type(cli: Any, json_text: str, value: Any) -> None:
    """name:=json is parsed as JSON."""
    from connector.cli.inputs import gather

    assert gather([f"x:={json_text}"], None) == {"x": value}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["query:={'a'}"], "query: It is not JSON: expecting property name", id="quotes"),
        pytest.param(["query:=[1,"], "at column 4", id="column"),
        pytest.param(["query:=[1,\n,2]"], "at line 2, column 1", id="line and column"),
        pytest.param(["query:="], "It is not JSON", id="nothing"),
        pytest.param(["query:=NaN"], "NaN is not a JSON number at column 1", id="NaN"),
        pytest.param(
            ['query:={"NaN": -Infinity}'], "-Infinity is not a JSON number at column 9", id="infinity"
        ),
        pytest.param(["query:=1e999"], "a number is too large", id="too large"),
        pytest.param(["query:=" + "1" * 5000], "a number is too long", id="too long"),
        pytest.param(['query:={"a": 1, "a": 2}'], "the key 'a' stands twice", id="key twice"),
        pytest.param(["query:=" + "[" * 50_000], "nested too deeply", id="nested too deeply"),
        pytest.param(["query:=" + "[" * 80 + "]" * 80], "Nested deeper than 64", id="nested deeply"),
        pytest.param(["query=a", "query:=1"], "query: It is given twice.", id="twice"),
        pytest.param(["latest news"], "It is not an input.", id="no name"),
        pytest.param(["=a"], "It is not an input.", id="empty name"),
        pytest.param(["query=a", "max_results=3"], "`name:=value` passes JSON", id="text for a number"),
        pytest.param(["query=a", "max_result:=3"], "Did you mean 'max_results'?", id="misspelt"),
        pytest.param(["query=a", 'query.x="b"'], "query.x: There is no such input.", id="dots are not paths"),
    ],
)
def test_wrong_inputs_are_explained(cli: Any, arguments: list[str], said: str) -> None:
    """A mistake in the inputs says where, what and what to do; no key is needed to be told."""
    code, out, err = cli("plan", SEARCH, *arguments)
    assert (code, out) == (Exit.WRONG, "")
    assert said in err
    assert err.startswith("error: ")


def test_all_wrong_inputs_are_told_at_once(cli: Any) -> None:
    """Several mistakes are a list, one line each."""
    err = cli("plan", SEARCH, "query:=[", "query=a", "max_results:=x").err
    assert err.splitlines()[0] == "error: 3 problems in the inputs; nothing was sent:"
    assert len(re.findall(r"^- ", err, re.MULTILINE)) == 3


def test_an_argument_that_is_no_input_is_not_repeated(cli: Any) -> None:
    """What stands in the wrong place may be a key."""
    assert KEY not in cli("run", SEARCH, KEY).err
    assert KEY not in cli("connections", "test", "a", KEY).err


@pytest.mark.hazard("B9")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"query": "caf\xc3\xa9"}', id="UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"query": "caf\xc3\xa9"}', id="UTF-8 with BOM"),
        pytest.param('{"query": "café"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xfe\xff" + '{"query": "café"}'.encode("utf-16-be"), id="UTF-16 BE"),
        pytest.param(b"\xff\xfe" + '{"query": "café"}'.encode("utf-16-le"), id="UTF-16 LE"),
        pytest.param('{"query": "café"}'.encode("utf-32"), id="UTF-32"),
        pytest.param(b"\0\0\xfe\xff" + '{"query": "café"}'.encode("utf-32-be"), id="UTF-32 BE"),
        pytest.param(b'{\r\n"query":\r\n"caf\\u00e9"\r\n}\r\n', id="CRLF"),
    ],
)
def test_files_of_inputs_are_read(cli: Any, tmp_path: Path, figure: Any, content: bytes) -> None:
    """--input takes a file, or stdin, in the encodings that editors write."""
    file = tmp_path / "inputs.json"
    file.write_bytes(content)
    assert planned(cli, SEARCH, "--input", str(file))["body"] == {"query": "café"}
    assert planned(cli, SEARCH, "--input", "-", stdin=content)["body"] == {"query": "café"}
    figure("B9", "8 of 8 encodings read right; name=@file is text, and only --input reads a file")


def test_arguments_override_the_file(cli: Any) -> None:
    """An argument counts more than the same name in the file."""
    body = planned(cli, SEARCH, "query=b", "--input", "-", stdin='{"query": "a", "max_results": 2}')["body"]
    assert body == {"query": "b", "max_results": 2}


@pytest.mark.hazard("B9")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "stdin: It is empty.", id="empty"),
        pytest.param(b"[1]", "not an object (list)", id="a list"),
        pytest.param(
            b'{"query":\n  "a" "b"}', "stdin:2:7: It is not JSON: expecting ',' delimiter.", id="place"
        ),
        pytest.param(b'{"query": "\xff"}', "not UTF-8 text (byte 12, line 1)", id="not text"),
        pytest.param(b'{"query": NaN}', "stdin:1:11: It is not JSON: NaN", id="NaN"),
    ],
)
def test_wrong_files_of_inputs_are_explained(cli: Any, content: bytes, said: str) -> None:
    """A mistake in a file is told with its line and column."""
    code, _, err = cli("plan", SEARCH, "--input", "-", stdin=content)
    assert code == Exit.WRONG
    assert said in err


@pytest.mark.parametrize("file", ["nowhere.json", ".", "a\0b"])
def test_files_that_cannot_be_read_are_explained(cli: Any, file: str) -> None:
    """A wrong path is a sentence."""
    code, _, err = cli("plan", SEARCH, "--input", file)
    assert (code, "It cannot be read" in err) == (Exit.WRONG, True)


# --- run


def test_run_prints_the_outputs_as_json(cli: Any, key: str) -> None:
    """Where there is no terminal, stdout is the flat outputs as JSON, and nothing else."""
    code, out, err = cli("run", "execute_search", "query=latest AI news", "max_results:=2")
    outputs = json.loads(out)
    assert (code, err) == (Exit.OK, "")
    assert outputs["count"] == len(outputs["results"]) == 2
    assert outputs["server_time"] is None


def test_run_prints_tables_when_asked(cli: Any, key: str) -> None:
    """Tables number the rows and the items of lists, and say what has no value."""
    out = cli("run", SEARCH, "query=latest AI news", "max_results:=2", "--format", "table").out
    assert re.search(r"^results +2 rows$", out, re.MULTILINE)
    assert re.search(r"^  2  title +AI news", out, re.MULTILINE)
    assert re.search(r"^urls +1\. https://", out, re.MULTILINE)
    assert "without a value: server_time" in out
    assert "\x1b" not in out


@pytest.mark.hazard("I8")
def test_warnings_go_to_stderr(cli: Any, key: str) -> None:
    """An input that the route cannot carry is told beside the result, not in it."""
    code, out, err = cli("run", CHAT, "model=sonar", ASK, "top_k:=3")
    assert (code, json.loads(out)["finish_reason"]) == (Exit.OK, "stop")
    assert err == "warning: top_k is not sent: the Agent API has no such parameter (route agent).\n"


def test_strict_makes_it_an_error(cli: Any, key: str) -> None:
    """With --strict the same input is refused."""
    code, out, err = cli("run", CHAT, "model=sonar", ASK, "top_k:=3", "--strict")
    assert (code, out) == (Exit.WRONG, "")
    assert "The route agent cannot carry it" in err


def test_the_route_can_be_chosen(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """--route goes to a gateway that still speaks Sonar, as --base-url names it."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    with Sandbox(sonar=True) as gateway:
        code, out, err = cli("run", CHAT, "model=sonar", ASK, "--route", "sonar", "--base-url", gateway.url)
    assert code == Exit.OK
    assert json.loads(out)["model"] == "sonar"
    assert "warning: The route sonar was retired" in err


@pytest.mark.parametrize(
    ("api_key", "code", "said"),
    [
        pytest.param("pplx-test-invalid", Exit.CONNECTION, "401", id="wrong key"),
        pytest.param("pplx-test-no-credit", Exit.CONNECTION, "has no credit", id="no credit"),
        pytest.param("pplx-test-not-allowed", Exit.CONNECTION, "403", id="not allowed"),
        pytest.param("pplx test", Exit.CONNECTION, "a space, a line break", id="malformed"),
        pytest.param("", Exit.CONNECTION, "connector connections add perplexity", id="missing"),
    ],
)
def test_failures_of_the_key_have_a_code(
    cli: Any, key: str, monkeypatch: pytest.MonkeyPatch, api_key: str, code: Exit, said: str
) -> None:
    """Each way in which a key can be wrong ends with 3 and says what to do."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", api_key)
    ended_ = cli("run", SEARCH, "query=a")
    assert (ended_.code, ended_.out) == (code, "")
    assert said in ended_.err
    assert "Traceback" not in ended_.err


def test_a_retired_endpoint_is_not_a_wrong_key(cli: Any, key: str) -> None:
    """The vendor's refusal of the Sonar route ends with 4 and says how to switch."""
    code, _, err = cli("run", CHAT, "model=sonar", ASK, "--route", "sonar")
    assert code == Exit.REFUSED
    assert "chat_route to agent" in err


def test_no_answer_has_a_code(cli: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that refuses the connection ends with 5."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    code, _, err = cli("run", SEARCH, "query=a", "--base-url", "http://127.0.0.1:9")
    assert code == Exit.NO_ANSWER
    assert "No connection could be made" in err


# --- plan


def test_plan_needs_no_key_and_sends_nothing(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is shown with a mask for the key, without any key configured or sent."""
    monkeypatch.setattr("connector.transport.send", None)
    plan = planned(cli, SEARCH, "query=2024", "max_results:=3")
    assert (plan["method"], plan["url"]) == ("POST", "https://api.perplexity.ai/search")
    assert plan["headers"]["Authorization"] == "Bearer ********"
    assert plan["body"] == {"query": "2024", "max_results": 3}
    assert {"path": "body.query", "value": "2024", "from": "inputs.query"} in plan["fields"]
    assert {"path": "body.country", "why": "country: not given"} in plan["absent"]


def test_plan_never_reads_the_key(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is configured, well or badly, does not matter to plan."""
    monkeypatch.setenv("PERPLEXITY_API_KEY_FILE", "/nowhere")
    monkeypatch.setenv("PERPLEXITY_API_KEY", "not a key")
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "https://gateway.example")
    assert planned(cli, SEARCH, "query=a")["url"] == "https://gateway.example/search"


def test_plan_shows_tables(cli: Any) -> None:
    """Values keep their JSON form, so that the text 3 and the number 3 differ."""
    out = cli("plan", SEARCH, "query=3", "max_results:=3").out
    assert re.search(r'^  body\.query +"3" +inputs\.query$', out, re.MULTILINE)
    assert re.search(r"^  body\.max_results +3 +inputs\.max_results$", out, re.MULTILINE)
    assert re.search(r"^  body\.country +country: not given$", out, re.MULTILINE)


def test_plan_prints_a_curl_command(cli: Any) -> None:
    """--curl prints only the command; the shell fills in the key."""
    code, out, err = cli("plan", SEARCH, "query=it's", "--curl")
    words = shlex.split(out.replace("\\\n", ""))
    assert (code, err, words[0]) == (Exit.OK, "", "curl")
    assert any(re.fullmatch(r"Authorization: Bearer \$\{?PERPLEXITY_API_KEY\}?", word) for word in words)
    assert json.loads(words[-1]) == {"query": "it's"}


def test_the_retired_route_is_warned_of(cli: Any) -> None:
    """plan warns as run does."""
    assert "was retired on 2026-09-27" in cli("plan", CHAT, "model=sonar", ASK, "--route", "sonar").err


# --- what is shown is safe


@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize(
    "character",
    ["\x1b", "\x07", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\u2028"],
    ids=ascii,
)
def test_what_steers_a_terminal_is_escaped(cli: Any, key: str, form: str, character: str) -> None:
    """Control characters and marks of direction in an answer are shown, not obeyed."""
    question = json.dumps([{"role": "user", "content": f"a{character}b"}])
    code, out, _ = cli("run", CHAT, "model=sonar", f"messages:={question}", "--format", form)
    assert code == Exit.OK
    assert character not in out
    if form == "json":
        assert f"a{character}b" in json.loads(out)["content"]


def test_markup_in_an_answer_is_text(cli: Any, key: str) -> None:
    """Nothing in an answer is read as markup or as the name of an emoji."""
    text = "[bold]a[/bold] [/] [link=https://x.example]b[/link] :smile: \\[c]"
    question = json.dumps([{"role": "user", "content": text}])
    out = cli("run", CHAT, "model=sonar", f"messages:={question}", "--format", "table").out
    assert text in " ".join(out.split())


# --- lint, record, sandbox, demo


def test_lint_is_content_with_what_is_shipped(cli: Any) -> None:
    """The shipped connectors have no problems; what the vendor has retired is noted beside the result."""
    code, out, err = cli("lint")
    assert (code, out) == (Exit.OK, "ok: perplexity\n")
    assert err.startswith("note: create_chat_completion: The route sonar was retired on 2026-09-27.")


def test_lint_in_a_connectors_own_folder_is_about_it(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for `test` and `record`: else a broken one would be told as ok."""
    (tmp_path / "connector.yaml").write_text("id: [\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli("lint").code == Exit.FOUND


def test_lint_shows_each_problem_with_its_line(cli: Any, own_folder: Path) -> None:
    """A misspelt reference is printed with its line and a caret on stdout; the count goes to stderr."""
    file = own_folder / "actions" / "execute_search.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("inputs.country }}", "inputs.contry }}"), "utf-8"
    )
    code, out, err = cli("lint", str(own_folder))
    assert code == Exit.FOUND
    assert "Did you mean 'country'?" in out
    assert "^^^^^^" in out
    assert "1 file." in err


def test_lint_of_nothing_is_a_wrong_argument(cli: Any, tmp_path: Path) -> None:
    """A folder without a connector is not a problem in a manifest."""
    code, out, err = cli("lint", str(tmp_path))
    assert (code, out) == (Exit.WRONG, "")
    assert "no folder with a connector.yaml" in err


def test_record_prints_what_it_recorded(cli: Any, monkeypatch: pytest.MonkeyPatch, own_folder: Path) -> None:
    """The action and the example are passed on, with the sandbox unless --live is given."""
    asked: list[Any] = []

    def record(
        connector: Any, action: str | None, example: str | None, *, live: Any, allow: Any, missed: Any
    ) -> Any:
        asked.append((str(connector.folder), action, example, bool(live), allow))
        yield "done"

    monkeypatch.setattr("connector.testing.recording.record", record)
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-test-record")
    folder, shipped = str(own_folder), str(shipped_folder() / "perplexity")
    for words, expected in {
        (f"{folder}.execute_search", "one_query"): (folder, "execute_search", "one_query", False, ()),
        (folder, "execute_search", "one_query"): (folder, "execute_search", "one_query", False, ()),
        (folder, "--allow", "a.b"): (folder, None, None, False, ("a.b",)),
        ("execute_search", "one_query"): (shipped, "execute_search", "one_query", False, ()),
        ("perplexity", "--live"): (shipped, None, None, True, ()),
        ("--live",): (shipped, None, None, True, ()),
    }.items():
        assert cli("record", *words) == (Exit.OK, "done\n", "")
        assert asked.pop() == expected


def test_a_taken_port_is_explained(cli: Any, sandbox_url: str) -> None:
    """The sandbox says in one sentence that it cannot start, and how it can."""
    port = sandbox_url.rpartition(":")[2]
    code, out, err = cli("sandbox", "--port", port)
    assert (code, out) == (Exit.WRONG, "")
    assert (
        err == f"error: port {port}: It is in use. Choose another with --port; --port 0 takes any free one.\n"
    )


def test_the_demo_needs_nothing(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both actions run, and the next three commands are told, whatever the environment says."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", "https://gateway.example")
    monkeypatch.setenv("PERPLEXITY_API_KEY", "not a key")
    code, out, err = cli("demo")
    assert (code, err) == (Exit.OK, "")
    assert out.count("outputs (HTTP 200)") == 2
    commands_to_copy = [line for line in out.splitlines() if line.startswith("  connector ")]
    assert len(commands_to_copy) == 3
    assert max(map(len, out.splitlines())) <= 80


# --- how it ends


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError([Problem("a", "b.", "c.")]), Exit.WRONG),
        (ManifestError([Problem("a", "b.", "c.")]), Exit.WRONG),
        (CredentialError("b.", where="a", hint="c."), Exit.CONNECTION),
        (Timeout("b.", where="a", hint="c."), Exit.NO_ANSWER),
        (Unreachable("b.", where="a", hint="c."), Exit.NO_ANSWER),
        (CutOff("b.", where="a", hint="c."), Exit.NO_ANSWER),
        (OutputError("b.", where="a", hint="c.", field="f", expected="e", got="g"), Exit.DRIFT),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_code(error: Any, code: Exit) -> None:
    """Every branch of the tree of errors has an exit code of its own."""
    assert exit_of(error) is code


@pytest.mark.parametrize("kind", API_KINDS)
def test_each_refusal_has_its_code(kind: str) -> None:
    """Refusals for the key's sake are told from all others."""
    error = ApiError("b.", kind=kind, status=400, where="a", hint="c.")
    of_the_key = kind in {"bad_credential", "no_credit", "not_allowed"}
    assert exit_of(error) is (Exit.CONNECTION if of_the_key else Exit.REFUSED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["lst"], "lst", id="no such command"),
        pytest.param(["list", "--formt", "json"], "--formt", id="no such option"),
        pytest.param(["list", "--format", "xml"], "'xml'", id="no such choice"),
        pytest.param(["show"], "Missing argument 'ACTION'", id="missing argument"),
        pytest.param(["show", "a", "b"], "too many arguments", id="too many"),
        pytest.param(["sandbox", "--port", "99999"], "--port", id="out of range"),
        pytest.param(["plan", SEARCH, "query=\udcff"], "Argument 3 is not text", id="undecodable"),
    ],
)
def test_wrong_usage_is_one_line(cli: Any, arguments: list[str], said: str) -> None:
    """A mistake on the command line ends with 2 and one line."""
    code, out, err = cli(*arguments)
    assert (code, out, err.count("\n")) == (Exit.WRONG, "", 1)
    assert err.startswith("error: ")
    assert said in err


def test_a_fault_is_told_without_a_traceback(cli: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw is one line without its text, which may hold a key."""
    monkeypatch.setattr("connector.transport.send", lambda *_: 1 / 0)
    code, out, err = cli("run", SEARCH, "query=a")
    assert (code, out, err.count("\n")) == (Exit.FAULT, "", 1)
    assert "ZeroDivisionError" in err


def test_a_traceback_on_demand_has_no_key_in_it(cli: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CONNECTOR_DEBUG=1 the traceback is shown, and the connection's secrets are masked in it."""

    def send(*_: object) -> None:
        raise RuntimeError(f"sent {key}")

    monkeypatch.setenv("CONNECTOR_DEBUG", "1")
    monkeypatch.setattr("connector.transport.send", send)
    err = cli("run", SEARCH, "query=a").err
    assert "Traceback" in err
    assert "RuntimeError: sent ********" in err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_an_interruption_is_quiet(cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Ctrl-C ends with 130 and no words."""

    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr("connector.loading.load", interrupted)
    assert cli("show", SEARCH) == (Exit.INTERRUPTED, "", "\n")


def test_errors_cannot_forge_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What a service says stays on the line of its error, and a known secret is masked in it."""
    error = ApiError(
        "x\nerror: y\x1b[2J pplx-test-forge", kind="unexpected", status=500, where="a", hint="c."
    )
    ended(error, [Redactor([Secret("pplx-test-forge")])])
    assert capsys.readouterr().err == "error: a: x\\nerror: y\\x1b[2J ******** c.\n"
