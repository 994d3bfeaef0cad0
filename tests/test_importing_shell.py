"""The words of a command, as its shell would give them, and the options in them, as curl would."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from connector.errors import ConnectorError, InputError
from connector.importing.curl import imported
from connector.importing.curl_options import VALUED, Option, options
from connector.importing.shell_words import words


def read(text: str) -> list[str]:
    return list(words(text).arguments)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("curl a b", ["a", "b"]),
        ("curl 'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]),
        ("curl 'it'\\''s' \"\" ''", ["it's", "", ""]),
        ('curl a"b"\'c\'', ["abc"]),
        ('curl "a \\" \\$ \\\\ \\n \\`"', ['a " $ \\ \\n `']),
        ("curl 'a\nb'", ["a\nb"]),
        ("curl a \\\n  b \\\r\n c", ["a", "b", "c"]),
        ("curl a \\  \n b", ["a", "b"]),
        ("curl a\n  -H b", ["a", "-H", "b"]),
        ("curl a # b", ["a"]),
        ("curl a#b", ["a#b"]),
        ("curl a \\", ["a"]),
        (r"curl $'a\nb\t\'\\\x41\101\u00e9\U0001f600'", ["a\nb\t'\\A" + "A" + "é😀"]),
        (r"curl $'\ud83d\ude00'", ["😀"]),
        (r"curl $'\xc3\xa9'", ["é"]),
        ('curl $"a"', ["a"]),
        ("curl a$ 5$ \"$\" '$A'", ["a$", "5$", "$", "$A"]),
        ('curl $A "${B}" x$C-y', ["\0A\0", "\0B\0", "x\0C\0-y"]),
        ("curl $env:KEY", ["\0KEY\0"]),
        ("curl \"a $(b 'c)' \"d)\" (e))\"", ["a \0__output__\0"]),
        ("curl -s \\ --url a \\ -H b", ["-s", "--url", "a", "-H", "b"]),
        ("curl a\\ -b", ["a -b"]),
        ("curl a > f 2>&1 &", ["a"]),
        ("curl a &>f", ["a"]),
        ("curl a | jq .", ["a"]),
        ("curl a && echo b; c", ["a"]),
        ("KEY=1 sudo curl a", ["a"]),
        ("$ curl a", ["a"]),
        ("/usr/bin/curl a", ["a"]),
        ("curl.exe a", ["a"]),
        ("export A=1\ncurl a", ["a"]),
        ('curl {"a":1}', ["{a:1}"]),
        ("curl https://a/<item id>/b", ["https://a/<item id>/b"]),
        ("curl `\n -d x `\n y", ["-d", "x", "y"]),
        ("```bash\ncurl a\n```\n", ["a"]),
        ("\n ~~~\r\ncurl \\\n a\n ~~~", ["a"]),
        ("```sh\n$ curl '```'\n```", ["```"]),
    ],
)  # fmt: skip
def test_words_of_a_posix_shell(text: str, arguments: list[str]) -> None:
    """Quotes, escapes, ends of lines, comments, variables; what stands beside the command is not part of it."""
    assert read(text) == arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('curl ^"a b^" ^\n  -H ^"x: y^"', ["a b", "-H", "x: y"]),
        ('curl ^\r\n "a b" ^\r\n -d "{\\"a\\": 1}"', ["a b", "-d", '{"a": 1}']),
        ('curl ^"a?b=1^&c=%^20d^"', ["a?b=1&c=%20d"]),
        ('curl ^"^{^\\^"a^\\^":1^}^"', ['{"a":1}']),
        ('curl ^"a^\n\nb^"', ["a\nb"]),
        ('curl ^"c:^\\x^\\^"^"', ['c:\\x"']),
        ('curl ^"a\\\\^"', ["a\\"]),
        ('curl ^"%KEY%^"', ["\0KEY\0"]),
        ('curl ^\n "a ""b"" c"', ['a "b" c']),
        ('curl ^"a^" | jq', ["a"]),
        ('curl ^"a^" > f.json', ["a"]),
        ('curl "a|b" ^\n -v', ["a|b", "-v"]),
    ],
)
def test_words_of_cmd(text: str, arguments: list[str]) -> None:
    """Carets go first, as cmd has it; then quotes and backslashes count, as a Windows program has them."""
    assert read(text) == arguments


@pytest.mark.parametrize(
    ("text", "stdin"),
    [
        ("curl -d @- <<EOF\na b\nEOF\n", "a b\n"),
        ("curl -d @- << 'EOF'\n$A `b`\nEOF", "$A `b`\n"),
        ('curl -d @- <<-"EOF"\n\ta\n\tEOF\n', "a\n"),
        ('curl -d @- <<EOF\n"$A" \\$B\nEOF\n', '"\0A\0" $B\n'),
        ("curl a", None),
    ],
)
def test_a_here_document_is_what_the_command_reads(text: str, stdin: str | None) -> None:
    """With variables, unless its end is in quotes."""
    assert words(text).stdin == stdin


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("curl 'a", "line 1, column 6", "not closed"),
        ('curl a \\\n "b', "line 2, column 2", "not closed"),
        ("curl $'a", "line 1, column 6", "not closed"),
        ("curl $(a", "line 1, column 6", "`$(...)`"),
        ("curl $((1+1))", "line 1, column 6", "`$(...)`"),
        ("curl \u201ca\u201d", "line 1, column 6", "printed text"),
        ("curl a \u2013H b", "line 1, column 8", "printed text"),
        ('curl "`a`"', "line 1, column 7", "backticks"),
        ("curl `a`", "line 1, column 6", "backticks"),
        ("curl ${A:-b}", "line 1, column 6", "computes"),
        ("curl $1", "line 1, column 6", "`$1`"),
        ("curl <(a)", "line 1, column 6", "`<(...)`"),
        ("curl < f", "line 1, column 6", "file"),
        ("curl <<< a", "line 1, column 6", "not read"),
        ("curl <<EOF\na", "line 2, column 1", "no end"),
        ("curl a?b=1&c=2", "line 1, column 11", "ends the command"),
        ("curl a;b", "line 1, column 7", "ends the command"),
        ("curl (a)", "line 1, column 6", "meaning of its own"),
        ("curl {a,b}", "line 1, column 6", "several words"),
        (r"curl $'\ud83d'", "line 1, column 6", "not UTF-8"),
        (r"curl $'\xff'", "line 1, column 6", "not UTF-8"),
        ('curl ^"a^" x&b', "line 1, column 13", "to cmd"),
        ('curl ^"a', "line 1, column 6", "not closed"),
        ("```\ncurl 'a\n```", "line 2, column 6", "not closed"),
        ("wget a", "the command", "no curl command"),
        ("", "the command", "no curl command"),
        ("curl a\ncurl b", "the command", "2 curl commands"),
        ("curl \0", "the command", "NUL"),
        ("curl \ud800", "the command", "half of a character"),
        ("curl " + "a" * 1_000_001, "the command", "1,000,000"),
    ],
    ids=lambda value: value[:30],
)
def test_what_only_a_shell_knows_is_refused(text: str, place: str, said: str) -> None:
    """No shell runs: what it would compute, read or run is told, with its place."""
    with pytest.raises(InputError) as caught:
        words(text)
    (problem,) = caught.value.problems
    assert problem.where.endswith(place)
    assert said in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["a"], [("url", "a")]),
        (["-X", "POST", "a"], [("request", "POST"), ("url", "a")]),
        (["-XPOST"], [("request", "POST")]),
        (["-sSLXPOST"], [("silent", ""), ("show-error", ""), ("location", ""), ("request", "POST")]),
        (["-sH", "a: b"], [("silent", ""), ("header", "a: b")]),
        (["--request", "PUT"], [("request", "PUT")]),
        (["--no-location"], [("no-buffer", "")]),
        (["--dat", "a"], None),
        (["--max-t", "5"], [("max-time", "5")]),
        (["--", "-a"], [("url", "-a")]),
        (["", "a"], [("url", "a")]),
        (["-d", "-X"], [("data", "-X")]),
    ],
)
def test_options(arguments: list[str], found: list[tuple[str, str]] | None) -> None:
    """Alone, in bundles, with their value in the same word or the next, cut short where that is unambiguous."""
    if found is None:
        with pytest.raises(InputError, match="no such option"):
            list(options(arguments))
    else:
        assert list(options(arguments)) == [Option(*one) for one in found]


@pytest.mark.parametrize("name", sorted(VALUED))
def test_an_option_with_a_value_leaves_the_url_alone(name: str) -> None:
    """Its value is the next word, and the URL is the one after it."""
    assert list(options([f"--{name}", "value", "https://a.example"]))[1:] == [
        Option("url", "https://a.example")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "curl {" + "," * 500_000,
        "curl '" + "eyJ" * 300_000 + "'",
        "curl https://a.example " + "-d a " * 190_000,
        'curl ^"' + "\\a" * 400_000,
        "curl " + "'" * 900_001,
        "curl " + "$'\\x41" * 100_000,
        "curl " + "<a " * 300_000,
        "curl https://a.example/" + "a/" * 400_000,
        "curl https://a.example -H '" + "a" * 900_000 + "'",
    ],
    ids=[
        "braces",
        "tokens",
        "data",
        "backslashes",
        "quotes",
        "escapes",
        "placeholders",
        "segments",
        "no header",
    ],
)
def test_a_hostile_command_takes_seconds_at_most(text: str) -> None:
    """A million characters are read once, whatever they are."""
    began = time.perf_counter()
    with suppress(ConnectorError):
        imported(text)
    assert time.perf_counter() - began < 20
