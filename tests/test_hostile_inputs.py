"""Inputs and answers that are wrong on purpose, or by a program's mistake: told at once, never obeyed."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from generated import TODAY, planned, sample
from mapping import MANIFEST, filled
from tiny import write_tiny

from connector.cli.endings import Exit
from connector.cli.visible import visible
from connector.connection import resolve
from connector.errors import CredentialError, InputError, OutputError
from connector.evaluate import Drift
from connector.expression_syntax import ExpressionError
from connector.manifest import Connector
from connector.output import pick
from connector.plan import plan
from connector.response import Reply
from connector.schema import checker
from connector.template_parser import Within

Figure = Callable[[str, str], None]

PERPLEXITY = MANIFEST.connector
CHAT = PERPLEXITY.actions["create_chat_completion"]
SEARCH = PERPLEXITY.actions["execute_search"]
PLACES = [
    (action, route, name)
    for action in PERPLEXITY.actions.values()
    for route in action.routes
    for name in action.input_fields
]
KEY = "pplx-test-0123456789abcdef0123456789abcdef"


def search(**inputs: Any) -> Any:
    return plan(PERPLEXITY, SEARCH, {"query": "x", **inputs}, today=TODAY)


def refused(inputs: Any, action: Any = SEARCH) -> str:
    with pytest.raises(InputError) as caught:
        plan(PERPLEXITY, action, inputs, today=TODAY)
    assert all(problem.where and problem.message for problem in caught.value.problems)
    return str(caught.value)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


# Types and numbers

WRONG_TYPES = {
    "integer": [True, False, "3", "0.2", 0.5, "true", None, [1], {}],
    "number": [True, False, "0.2", "1", "", [0.2], {}],
    "boolean": ["true", "false", "", 1, 0, 1.0, [], {}],
    "string": [1, 0.5, True, ["a"], {}],
    "array": ["a", 1, True, {}],
    "object": ["a", 1, True, []],
}


@pytest.mark.hazard("B2")
def test_a_value_of_another_type_is_not_taken_for_one(figure: Figure) -> None:
    """True is no number, "0.2" is none either, and nothing is converted behind anybody's back."""
    tried = 0
    for kind, values in WRONG_TYPES.items():
        for value in values:
            assert checker({"type": kind}).problems(value), (kind, value)
            tried += 1
    assert not checker({"type": "integer"}).problems(3.0)
    figure("B2", f"0 of {tried} values of another type accepted")


NUMERIC = [
    (action, name, kind)
    for action in PERPLEXITY.actions.values()
    for name, field in action.input_fields.items()
    for kind in ([field["type"]] if isinstance(field.get("type"), str) else [])
    if kind in {"integer", "number"}
]


@pytest.mark.hazard("B3")
def test_numbers_that_json_has_not_are_refused(cli: Any, figure: Figure) -> None:
    """NaN and the infinities, in every numeric input, from Python and from the command line."""
    numbers = [float("nan"), float("inf"), float("-inf"), 10**400]
    for action, name, _ in NUMERIC:
        for number in numbers:
            assert "JSON can carry" in (said := refused({name: number}, action)) or "too long" in said
    for text in ("NaN", "Infinity", "-Infinity", "1e999", "1" * 5000):
        assert cli("plan", "execute_search", "query=x", f"max_results:={text}").code == Exit.WRONG
    figure(
        "B3",
        f"{len(NUMERIC) * len(numbers)} of {len(NUMERIC) * len(numbers)} refused, in {len(NUMERIC)} inputs",
    )


@pytest.mark.hazard("B4")
def test_multiples_of_a_hundredth(figure: Figure) -> None:
    """Every price in cents is a multiple of 0.01; one of a tenth of a cent is not."""
    cents = checker({"multipleOf": 0.01})
    prices = [float(f"{whole}.{rest:02}") for whole in (0, 1, 19, 4096) for rest in range(0, 100, 4)]
    assert [price for price in prices if cents.problems(price)] == []
    assert [price for price in prices if not cents.problems(price + 0.001)] == []
    figure("B4", f"0 of {len(prices)} prices refused that are multiples of 0.01")


@pytest.mark.hazard("B5")
def test_half_a_surrogate_pair_is_refused_before_it_is_sent(cli: Any, figure: Figure) -> None:
    """In every text input, in a key, and from the command line, where it is shown as an escape."""
    names = [(action, name) for action in PERPLEXITY.actions.values() for name in action.input_fields]
    for action, name in names:
        assert "cannot be sent" in refused({name: "a\ud83d"}, action)
        assert "cannot be sent" in refused({name: {"\udc00": 1}}, action)
    code, _, err = cli("plan", "execute_search", 'query:="\\ud83d"', 'a:={"\\udc00": 1}')
    assert (code, "Traceback" in err) == (Exit.WRONG, False)
    figure("B5", f"{len(names)} of {len(names)} inputs refuse it, 0 raw errors")


# Depth and size


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.hazard("B6")
@pytest.mark.parametrize(
    "arguments", [["--input", "-"], ["query:=[" + "[" * 100_000], ["a:=" + "[" * 9000 + "]" * 9000]]
)
def test_depth_is_bounded_on_the_command_line(cli: Any, arguments: list[str]) -> None:
    """A hundred thousand levels, whole or broken off, are one sentence."""
    for stdin in ("[" * 100_000, '{"query":' + "[" * 100_000 + "]" * 100_000 + "}"):
        code, _, err = cli("plan", "execute_search", *arguments, stdin=stdin)
        assert (code, len(err.splitlines())) == (Exit.WRONG, 1)
        assert "nested" in err.lower()


@pytest.mark.hazard("B6")
def test_depth_is_bounded_in_python(figure: Figure) -> None:
    """So are values that hold themselves, once or more often."""
    once: list[Any] = []
    once.append(once)
    twice: dict[str, Any] = {}
    twice.update(a=twice, b=[twice, twice])
    values = [nested(100_000), once, twice]
    for value in values:
        for name in ("query", "search_domain_filter", "unknown"):
            assert refused({"query": "x", name: value})
        assert refused({"model": "sonar", "messages": [{"role": "user", "content": value}]}, CHAT)
        assert refused({"model": "sonar", "messages": value}, CHAT)
    figure("B6", "64 levels are allowed; 100,000 levels and values that hold themselves refused, no crash")


def shared(width: int, levels: int) -> Any:
    """Small in Python, huge in JSON."""
    value: Any = "x"
    for _ in range(levels):
        value = [value] * width
    return value


HUGE: dict[str, Callable[[], dict[str, Any]]] = {
    "50 MB in one text": lambda: {"query": "x" * 50_000_000},
    "50 MB in many texts": lambda: {"query": ["x" * 1_000_000] * 50},
    "34 MB in letters of two bytes": lambda: {"query": "é" * 17_000_000},
    "a key of 40 MB": lambda: {"query": "x", "k" * 40_000_000: 1},
    "a million keys": lambda: {"query": "x", **{f"k{number}": 1 for number in range(1_000_000)}},
    "90,000 unknown keys": lambda: {"query": "x", **{f"k{number}": 1 for number in range(90_000)}},
    "100,000 messages": lambda: {"model": "sonar", "messages": [{"role": "user", "content": "x"}] * 100_000},
    "30,000 wrong messages": lambda: {"model": "sonar", "messages": [{"role": "x", "content": 1}] * 30_000},
    "a billion values in 9 lists": lambda: {"model": "sonar", "messages": shared(10, 9)},
    "a million numbers": lambda: {"model": "sonar", "messages": list(range(1_000_000))},
}  # fmt: skip


@pytest.mark.hazard("B8")
@pytest.mark.parametrize("name", HUGE)
def test_a_huge_input_is_refused_at_once(name: str, figure: Figure) -> None:
    """With a number that says how much is allowed, or with the first of the problems."""
    inputs = HUGE[name]()
    start = time.monotonic()
    said = refused(inputs, CHAT if "model" in inputs else SEARCH)
    assert time.monotonic() - start < 4
    assert len(said) < 40_000
    figure("B8", f"{len(HUGE)} of {len(HUGE)} refused at once: more than 32 MiB, 100,000 values, or wrong")


@pytest.mark.hazard("B8")
def test_thirty_thousand_messages_have_a_clear_verdict() -> None:
    """What is large and right passes."""
    turns = [{"role": ("user", "assistant")[number % 2], "content": "x"} for number in range(29_999)]
    start = time.monotonic()
    made = plan(PERPLEXITY, CHAT, {"model": "sonar", "messages": turns}, today=TODAY)
    assert len(made.body["input"]) == len(turns)
    assert time.monotonic() - start < 10


MEASURED = """
import sys
from connector.cli import main
code = main(["plan", "execute_search", "--input", "-"])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code, peak, file=sys.stderr)
"""


@pytest.mark.hazard("B8")
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peaks of memory are read from Linux's /proc"
)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"query":"' + b"x" * 50_000_000 + b'"}', b"longer than 32 MiB"),
        (b'{"query":[' + b"[]," * 10_000_000 + b"1]}", b"more than 100,000 values"),
        (b'{"query":"' + b"x" * 30_000_000 + b'","a":NaN}', b"NaN is not a JSON number"),
        (b"\n" * 30_000_000 + b"{", b"stdin:30000001:2"),
    ],
    ids=["50 MB", "10 million lists", "NaN behind 30 MB", "30 million lines"],
)
def test_a_huge_file_of_inputs_needs_little_memory(content: bytes, said: bytes) -> None:
    """256 MB are enough to say no, in less than a few seconds."""
    start = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", MEASURED], input=content, capture_output=True, check=True)
    assert time.monotonic() - start < 10
    code, peak = ended.stderr.split()[-2:]
    assert (int(code), said in ended.stderr) == (Exit.WRONG, True)
    assert int(peak) < 256 * 1024


@pytest.mark.hazard("B8")
def test_items_that_must_differ_are_compared_in_one_pass() -> None:
    """Ten thousand that cannot be sorted, too: 1 is 1.0, and true is no number."""
    unique = checker({"uniqueItems": True})
    items: list[Any] = [kind for number in range(2, 5002) for kind in (number, {"a": [number]})]
    start = time.monotonic()
    assert not unique.problems([*items, True, 1, "1", [1], [True], {"a": 1}, {"a": True}])
    assert unique.problems([*items, {"a": [7.0]}])
    assert time.monotonic() - start < 4


@pytest.mark.hazard("B8")
def test_a_long_text_is_shown_in_part(cli: Any) -> None:
    """A page for people has the beginning, and says how to see it all; JSON has it all."""
    content = json.dumps({"query": "x" * 1_000_000})
    shown = cli("plan", "execute_search", "--input", "-", stdin=content).out
    assert "more characters; --format json has them all" in shown.replace("\n", " ")
    assert len(shown) < 1_000_000
    whole = cli("plan", "execute_search", "--format", "json", "--input", "-", stdin=content).out
    assert json.loads(whole)["body"] == json.loads(content)


# What is told


@pytest.mark.hazard("B7")
def test_every_problem_is_told_and_no_long_value_is_shown(figure: Figure) -> None:
    """Twenty mistakes are twenty sentences; of a value, its beginning at most."""
    wrong = {f"unknown_{number}": KEY for number in range(13)}
    long = {
        "search_mode": KEY * 40,
        "country": "x" * 500,
        "max_results": 10**40,
        "search_domain_filter": [1, 2],
    }
    said = refused({**wrong, **long, "max_tokens": -1})
    assert said.startswith("20 problems in the inputs")
    assert max(map(len, said.splitlines())) < 500
    assert KEY * 2 not in said
    figure("B7", "20 of 20 mistakes told, values cut after 60 characters")


@pytest.mark.hazard("B7")
def test_rules_are_not_asked_of_values_that_have_not_been_judged() -> None:
    """A problem that hides others does not make a rule stumble over them."""
    unjudged: list[Any] = [[1], "x", [[]], {"role": 1}, [{"role": [1]}]]
    for messages in unjudged:
        assert refused({"model": "sonar", "temperature": float("nan"), "messages": messages}, CHAT)


@pytest.mark.hazard("B10")
def test_a_misspelt_input_is_told_with_the_right_one(figure: Figure) -> None:
    """Two letters in another order, in every input of every action."""
    names = [
        (a, n) for a in PERPLEXITY.actions.values() for n in a.input_fields if len(n) > 4 and n[1] != n[2]
    ]
    right = 0
    for action, name in names:
        wrong = name[:1] + name[2] + name[1] + name[3:]
        right += f"{wrong}: There is no such input. Did you mean {name!r}?" in refused({wrong: "x"}, action)
    assert right == len(names)
    figure("B10", f"the right name told for {right} of {len(names)} misspelt inputs")


# Templates: one pass

CANARIES = (
    *("${{ 7*7 }}", "{{7*7}}", "{% print(7*7) %}", "#{7*7}", "${7*7}", "<%= 7*7 %>", "${{ inputs.query }}"),
    *("{{ ''.__class__ }}", "`7*7`", "$(expr 7 \\* 7)", "%{7*7}", "*{7*7}"),
)


@pytest.mark.hazard("C1")
@pytest.mark.parametrize("canary", CANARIES)
def test_what_looks_like_a_template_in_an_input_is_text(canary: str, figure: Figure) -> None:
    """In every text input of every action it is sent as it stands, or refused; nothing is evaluated."""
    sent = 0
    for action, route, name in PLACES:
        made = planned(PERPLEXITY, action, route, name, canary)
        if made is None or canary not in set(texts(dict(made.inputs))):
            continue
        parts = [made.body, dict(made.query), dict(made.form), dict(made.headers)]
        found = [*texts(parts), unquote(made.path), *(file.content.decode() for file in made.files)]
        names = {field.split(".")[0] for field in made.route.unsupported}
        carried = any(canary in text for text in found) or name in names
        assert carried, (action.id, route, name)
        assert not any("49" in text for text in found)
        sent += 1
    assert sent > 80
    figure("C1", f"0 of {len(CANARIES)} kinds evaluated, in any input and any field of an answer")


def answered(value: Any, text: str) -> Any:
    """An answer with that text in the place of every text that says nothing to the manifest."""
    if isinstance(value, dict):
        words = {"type", "status", "role", "object", "finish_reason", "source"}
        return {key: inner if key in words else answered(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [answered(inner, text) for inner in value]
    return text if isinstance(value, str) else value


ANSWER = {
    "id": "a", "model": "m", "object": "response", "status": "completed", "created_at": 1,
    "output": [
        {"type": "search_results", "queries": ["a"], "results": [{"url": "a", "title": "a", "snippet": "a", "source": "web"}]},
        {"type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "a"}]},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}  # fmt: skip


def chat_answer(body: Any) -> dict[str, Any]:
    asked = {"model": "sonar", "messages": [{"role": "user", "content": "x"}]}
    made = plan(PERPLEXITY, CHAT, asked, today=TODAY)
    return dict(pick(made, Reply(200, {}, body, "r", "POST https://a.test/x"), attempts=1).outputs)


@pytest.mark.hazard("C1")
@pytest.mark.parametrize("canary", CANARIES)
def test_what_looks_like_a_template_in_an_answer_is_text(canary: str) -> None:
    """It comes out as it came."""
    outputs = chat_answer(answered(ANSWER, canary))
    assert outputs["content"] == canary
    assert set(texts(outputs)) <= {canary, "completed", "stop", "web", "response", "assistant"}


ESCAPES = (
    *(
        "inputs.__class__",
        "inputs.__class__.__mro__[1].__subclasses__()",
        "inputs.query.__class__",
        "self",
        "config",
    ),
    *(
        "''.__class__",
        "().__class__.__bases__[0]",
        "inputs['__class__']",
        "inputs|attr('__class__')",
        "cycler.__init__",
    ),
    *(
        "lipsum.__globals__['os']",
        "request.application",
        "namespace()",
        "inputs.format",
        "inputs.query.format(inputs)",
    ),
    *(
        "inputs.keys()",
        "inputs.__getitem__('query')",
        "joiner.__init__.__globals__",
        "range(10)",
        "dict(a=1)",
        "{}.pop",
    ),
    *(
        "env.HOME",
        "connection.api_key",
        "secrets.api_key",
        "process.env",
        "this.constructor.constructor('x')()",
        "eval('1')",
    ),
    *(
        "inputs.constructor",
        "inputs.__proto__",
        "import('os')",
        "open('/etc/passwd')",
        "inputs.*",
        "@",
        "&inputs",
        "inputs[::1]",
    ),
    *(
        "sort_by(inputs, &a)",
        "map(&a, inputs)",
        "max_by(inputs, &a)",
        "reduce(inputs)",
        "to_entries(inputs)",
        "fetch('x')",
    ),
)


@pytest.mark.hazard("C2")
def test_no_expression_reaches_behind_a_value(figure: Figure) -> None:
    """It is refused, or reads a key that is not there."""
    reached = []
    for escape in ESCAPES:
        try:
            value = Within("inputs").template(f"${{{{ {escape} }}}}", {}).fill({"inputs": {"query": "x"}})
        except (ExpressionError, ValueError, Drift):
            continue
        reached += [escape] if value is not None else []
    assert reached == []
    figure("C2", f"0 of {len(ESCAPES)} escapes reach anything")


HOSTILE = (
    *(
        "a" * 201,
        "(" * 60 + "inputs" + ")" * 60,
        "!" * 100 + "inputs",
        "`" + "[" * 90 + "]" * 90 + "`",
        "inputs" + "[]" * 80,
    ),
    *(
        "inputs | [].{a: @, b: @}",
        "[inputs, inputs, inputs]",
        "inputs.*.*.*",
        "inputs" + " | a" * 48,
        "-" * 190,
    ),
    *(
        "to_string(" * 11 + "inputs" + ")" * 11,
        "inputs.a" + "[?a == a]" * 20,
        "{x: inputs, y: inputs}",
        "'" + "x" * 190 + "'",
    ),
)


@pytest.mark.hazard("C3")
@pytest.mark.parametrize("expression", HOSTILE, ids=lambda text: text[:20])
def test_a_hostile_expression_costs_little(expression: str, figure: Figure) -> None:
    """There are no loops, no repetition of text and no `@`; length and nesting are bounded."""
    start = time.monotonic()
    rows = {"a": [{"a": [{"a": 1}] * 100}] * 100}
    try:
        value = Within("inputs").template(f"${{{{ {expression} }}}}", {}).fill({"inputs": rows})
        assert len(str(value)) < 20 * len(str(rows))
    except (ExpressionError, ValueError, Drift):
        pass
    assert time.monotonic() - start < 2
    figure(
        "C3", f"{len(HOSTILE)} of {len(HOSTILE)} end at once, refused or with less than 20 times their input"
    )


TYPES = (
    "2024",
    "",
    "null",
    "[1]",
    0,
    7,
    -1.5,
    True,
    False,
    [1, "a", None],
    {"a": {"b": [1]}},
    {"é": "\u2028"},
)


@pytest.mark.hazard("C4")
def test_a_value_keeps_its_type(figure: Figure) -> None:
    """Alone, in a mapping, and in a list; in text it is the text that JSON has for it."""
    for value in TYPES:
        for written, expected in (
            ("${{ inputs.x }}", value),
            ({"a": "${{ inputs.x }}"}, {"a": value}),
            (["${{ inputs.x }}"], [value]),
        ):
            got = Within("inputs").template(written, {}).fill({"inputs": {"x": value}})
            assert json.dumps(got) == json.dumps(expected)
    figure("C4", f"{3 * len(TYPES)} of {3 * len(TYPES)} round trips keep value and type")


@pytest.mark.hazard("C5")
def test_a_body_is_what_the_manifest_says(figure: Figure) -> None:
    """With each input of each action and route: the body that jmespath makes of the YAML, and not a null in it."""
    equal, excluded = 0, []
    for action, route, name in PLACES:
        made = planned(PERPLEXITY, action, route, name)
        if made is None:
            excluded.append(name)
            continue
        written = MANIFEST.actions[action.id].value["routes"][route]["request"].get("body")
        assert made.body == filled(written, made.inputs), (action.id, route, name)
        assert "null" not in json.dumps(made.body).replace('"body": null', "") or made.body is None
        equal += 1
    assert len(excluded) < 10
    figure("C5", f"{equal} of {equal} bodies equal to the mapping")


# Paths, headers, secrets

IDS = (
    *(
        "abc",
        "a b",
        "..",
        ".",
        "",
        "../admin",
        "../../admin",
        "..%2fadmin",
        "%2e%2e",
        "%2e%2e/admin",
        "a/b",
        "a//b",
    ),
    *(
        "/a",
        "//evil.test",
        "///evil.test",
        "http://evil.test/",
        "https:evil.test",
        "\\\\evil.test",
        "a\\..\\b",
        "a?b=c",
    ),
    *(
        "a#b",
        "a;b=c",
        "a&b",
        "a=b",
        "a+b",
        "a%",
        "%",
        "%00",
        "a\0b",
        "a\r\nX: y",
        "a\nb",
        "@evil.test",
        "user:x@evil.test",
    ),
    *(
        ":80",
        "é",
        "🦜",
        "\u2025",
        "\uff0e\uff0e",
        "a" * 1000,
        "~",
        "...",
        ".a",
        "a.",
        "*",
        "[::1]",
        "{a}",
        "${{ 7*7 }}",
    ),
)


@pytest.fixture
def tiny(tmp_path: Path) -> Connector:
    return write_tiny(tmp_path)


@pytest.mark.hazard("C6", "C7")
def test_an_id_stays_one_segment(tiny: Connector, figure: Figure) -> None:
    """Decoded, it is the id again; the path around it, and the host, are the manifest's."""
    held = 0
    for name in IDS:
        try:
            path = plan(tiny, tiny.actions["look"], {"id": name}, today=TODAY).path
        except InputError:
            assert name in {"", ".", ".."}
            held += 1
            continue
        before, segment, after = path.removeprefix("/").split("/")
        assert (before, unquote(segment), after) == ("items", name, "x")
        assert segment.isascii()
        assert not set(segment) & set("?#\\@:%/ ") - {"%"}
        held += 1
    figure("C6", f"{held} of {len(IDS)} ids stay one segment, or are refused")
    figure("C7", "0 keys sent to another origin: a path cannot name a host")


@pytest.mark.hazard("C9")
@pytest.mark.parametrize("place", ["path", "query", "headers", "body", "outputs", "rules"])
def test_a_secret_is_out_of_reach_outside_of_auth(tmp_path: Path, place: str, figure: Figure) -> None:
    """No expression of an action can name a field of the connection."""
    scopes = {"outputs": ("inputs", "response")}.get(place, ("inputs",))
    for text in (
        "connection.api_key",
        "connection",
        "not_null(connection.api_key)",
        "inputs.x || connection.api_key",
    ):
        with pytest.raises((ExpressionError, ValueError), match="connection"):
            Within(*scopes).template({place: f"${{{{ {text} }}}}"}, {})
    figure("C9", "0 of 6 places of an action can name a secret")


BAD_KEYS = (
    f"{KEY}\n{KEY}",
    f"{KEY} {KEY}",
    f"{KEY}\r\nX: y",
    f"{KEY}\0{KEY}",
    f"{KEY}é",
    f"{KEY}€",
    f"{KEY}\x7f{KEY}",
    "é" + KEY,
)


@pytest.mark.hazard("C8")
def test_a_key_that_no_header_carries_is_not_shown(tiny: Connector, figure: Figure) -> None:
    """It is refused before an HTTP library sees it, whose message would hold it."""
    for key in BAD_KEYS:
        with pytest.raises(CredentialError) as caught:
            resolve(tiny, {"key": key}, environ={})
        assert KEY not in f"{caught.value!r} {caught.value} {caught.value.hint} {caught.value.__context__!r}"
    figure("C8", f"{len(BAD_KEYS)} of {len(BAD_KEYS)} keys refused, 0 shown")


ODD_ANSWERS: tuple[Any, ...] = (
    *(
        None,
        1,
        "text",
        [],
        [1],
        {},
        {"output": None},
        {"output": 1},
        {"output": [None]},
        {"output": [{"type": 1}]},
    ),
    *(
        {"output": [{"type": "message", "content": "a"}]},
        {"status": [], "output": []},
        {"usage": {"total_tokens": "7"}},
    ),
    *(
        {**ANSWER, "usage": None},
        {**ANSWER, "usage": []},
        {**ANSWER, "usage": 1},
        {**ANSWER, "output": {}},
        {**ANSWER, "id": 5},
    ),
    *({key: value for key, value in ANSWER.items() if key != left_out} for left_out in ANSWER),
)


@pytest.mark.hazard("C10")
def test_an_answer_of_another_shape_is_null_or_told(figure: Figure) -> None:
    """What is absent is null; what has another type is an OutputError with the field, what was expected and what came."""
    told = 0
    for body in ODD_ANSWERS:
        try:
            outputs = chat_answer(body)
        except OutputError as error:
            assert all([error.field, error.expected, error.got, error.hint])  # noqa: PT017 - either may come
            told += 1
        else:
            assert set(outputs) == set(CHAT.output_fields)
    figure(
        "C10",
        f"{len(ODD_ANSWERS)} odd answers: {told} told, {len(ODD_ANSWERS) - told} with null for what is absent",
    )


# What is shown, and what comes out

STEERING = {
    "ESC": "\x1b[2J\x1b]0;title\x07", "C1 control": "\x9b31m", "right to left": "\u202eexe.txt", "isolate": "\u2066a\u2069",
    "carriage return": "safe\rEVIL", "backspace": "a\x08b", "NUL": "a\0b", "zero width": "a\u200bb", "BOM": "\ufeffa",
    "line separator": "a\u2028b", "tag": "\U000e0041", "half a pair": "\ud83d", "hyperlink": "\x1b]8;;http://evil.test\x07a",
}  # fmt: skip
HARMLESS = (
    "=HYPERLINK(1)",
    "<script>alert(1)</script>",
    "[red]a[/red]",
    "日本語",
    "👩\u200d🔬",
    "a\tb",
    "a\nb",
)


@pytest.mark.hazard("C11")
def test_no_text_steers_a_terminal(figure: Figure) -> None:
    """Controls and marks that hide or reorder become visible escapes; all else stays as it is."""
    for text in STEERING.values():
        shown = visible(text)
        assert all(char.isprintable() for char in shown)
        assert "\\" in shown
    assert [visible(text) for text in HARMLESS] == list(HARMLESS)
    figure("C11", f"0 of {len(STEERING)} kinds of control reach a terminal")


@pytest.mark.hazard("C12")
def test_names_that_mean_something_to_javascript_do_not_come_out(figure: Figure) -> None:
    """The outputs have the names that the manifest declares, whatever an answer adds anywhere."""
    names = ("__proto__", "constructor", "prototype", "__defineGetter__", "toString")

    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {**{key: poisoned(inner) for key, inner in value.items()}, **dict.fromkeys(names, "evil")}
        return [poisoned(inner) for inner in value] if isinstance(value, list) else value

    outputs = chat_answer(poisoned(copy.deepcopy(ANSWER)))
    assert outputs == chat_answer(ANSWER)
    assert "evil" not in json.dumps(outputs)
    figure("C12", f"0 of {len(names)} names in the outputs")


def test_samples_fit_the_inputs_that_they_stand_for() -> None:
    """Most inputs are tried above, not passed over."""
    for action, _, name in PLACES:
        value = sample(action.input_fields[name])
        assert value is not None
