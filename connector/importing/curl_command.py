"""What the options of a cURL command ask for, put together as curl does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from connector.importing.curl_options import Option, note_of, options
from connector.importing.refusal import refusal
from connector.importing.shell_words import Words

FORM_TYPE: Final = "application/x-www-form-urlencoded"
_NO_FILES: Final = "Files are never read. Write its text into the command."
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Part:
    """A field of a multipart form: a text, or the name of a file that was not read."""

    name: str
    text: str | None = None
    file: str | None = None
    type: str | None = None


@dataclass(frozen=True)
class Command:
    """A request as the command's options say it. Variables stand in texts as shell_text.VARIABLE has them.

    Attributes:
        method: such as POST.
        url: as it was given, with what -G and --url-query add to its query.
        headers: in their order, no name twice; those that curl adds on its own are not among them.
        data: the body as one text, or None.
        parts: of a multipart form.
        user: `name:password` of -u, or None.
        bearer: the token of --oauth2-bearer, or None.
        globs: whether braces and brackets in the URL mean several URLs.
        keeps_dots: whether `..` in the path stays.
        seconds: of --max-time, or None.
        file: the name of the file that -o or -O writes the answer to, or empty.
        notes: sentences about what was left out.
        hidden: texts that are secret and are not part of the request, such as a proxy's password.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    data: str | None = None
    parts: tuple[Part, ...] = ()
    user: str | None = None
    bearer: str | None = None
    globs: bool = True
    keeps_dots: bool = False
    seconds: float | None = None
    file: str = ""
    notes: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass
class _Asked:
    """The options so far."""

    urls: list[str] = field(default_factory=list)
    method: str | None = None
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def add(self, text: str, glue: str) -> None:
        """Data beside that of the options before."""
        self.pieces += [glue, text] if any(self.pieces) else [text]

    @property
    def data(self) -> str | None:
        """All of the data; None if no option has any."""
        return "".join(self.pieces) if self.pieces else None


def command(words: Words) -> Command:
    """The request that a command asks for.

    Raises:
        InputError: it cannot be imported. Names of options are in the error, values are not.
    """
    asked = _Asked(notes=list(words.notes))
    for option in options(words.arguments):
        _take(option, asked, words.stdin)
    if len(asked.urls) != 1:
        count = "no URL" if not asked.urls else f"{len(asked.urls)} URLs"
        hint = "Give one, in quotes." if not asked.urls else "Import them one after the other, with --add-to."
        raise refusal("the command", f"It has {count}.", hint)
    if asked.parts and asked.data is not None:
        raise refusal(
            "--form", "The command has a form and --data: curl sends one of them.", "Remove one of them."
        )
    url, data = asked.urls[0], asked.data
    if "get" in asked.flags and data is not None:
        asked.query.insert(0, data)
        data = None
    for part in asked.query:
        address, mark, fragment = url.partition("#")
        url = f"{address}{'&' if '?' in address else '?'}{part}{mark}{fragment}"
    return Command(
        method=_method(asked, has_body=data is not None or bool(asked.parts)),
        url=url,
        headers=tuple(_headers(asked)),
        data=data,
        parts=tuple(asked.parts),
        user=asked.values.get("user"),
        bearer=asked.values.get("oauth2-bearer"),
        globs="globoff" not in asked.flags,
        keeps_dots="path-as-is" in asked.flags,
        seconds=_seconds(asked.values.get("max-time")),
        file=asked.values.get("output") or (url.partition("?")[0] if "remote-name" in asked.flags else ""),
        notes=tuple(dict.fromkeys(asked.notes)),
        hidden=tuple(asked.hidden),
    )


def _take(option: Option, asked: _Asked, stdin: str | None) -> None:
    value = option.value
    match option.name:
        case "url":
            asked.urls.append(value)
        case "request":
            asked.method = value
        case "header":
            asked.headers.extend(_header(value))
        case "data" | "data-ascii" | "data-binary" | "json":
            text = _sent(option, stdin)
            asked.add(text, "" if option.name == "json" else "&")
            asked.flags |= {"json"} if option.name == "json" else set()
        case "data-raw":
            asked.add(value, "&")
        case "data-urlencode":
            asked.add(_encoded(value, "--data-urlencode"), "&")
        case "url-query":
            asked.query.append(value[1:] if value.startswith("+") else _encoded(value, "--url-query"))
        case "form":
            asked.parts.append(_part(value))
        case "form-string":
            name, _, text = value.partition("=")
            asked.parts.append(Part(name, text))
        case "cookie":
            if "=" not in value and "\0" not in value:
                raise refusal("-b", f"It names a file. {_NO_FILES}", "Write the cookies: -b 'name=value'.")
            asked.headers.append(("Cookie", value))
        case "referer":
            asked.headers.append(("Referer", value.removesuffix(";auto")))
        case "user-agent":
            asked.headers.append(("User-Agent", value or None))
        case "range":
            asked.headers.append(("Range", f"bytes={value}"))
        case "user" | "oauth2-bearer" | "max-time" | "output":
            asked.values[option.name] = value
        case "get" | "globoff" | "path-as-is" | "head" | "remote-name":
            asked.flags.add(option.name)
        case _:
            asked.notes += filter(None, [note_of(option)])
            if option.name.startswith(("proxy", "preproxy", "socks")):
                asked.hidden += _of_proxy(value)


def _of_proxy(value: str) -> Iterator[str]:
    """What of a proxy's address, user or header may be a secret."""
    yield value
    user, at, _ = value.partition("://")[2].rpartition("@") if "://" in value else value.rpartition("@")
    for text in (user if at else value, value.partition(":")[2].strip()):
        yield from (text, unquote(text), unquote(text.partition(":")[2]))


def _sent(option: Option, stdin: str | None) -> str:
    if not option.value.startswith("@"):
        return option.value
    if option.value == "@-" and stdin is not None:
        return stdin.replace("\r", "").replace("\n", "") if option.name in {"data", "data-ascii"} else stdin
    what = "what comes from another command" if option.value == "@-" else "a file"
    raise refusal(
        f"--{option.name} @...", f"It sends {what}. {_NO_FILES}", "Put it in single quotes after --data-raw."
    )


def _encoded(value: str, shown: str) -> str:
    """The five forms of --data-urlencode: `text`, `=text`, `name=text`, `@file`, `name@file`."""
    name, sign, text = value.partition("=")
    if not sign:
        name, sign, text = value.partition("@")
        if sign:
            raise refusal(f"{shown} @...", f"It sends a file. {_NO_FILES}", f"Write {shown} name=text.")
        name, text = "", value
    encoded = "".join(part if "\0" in part else quote(part, safe="") for part in _around_variables(text))
    return f"{name}={encoded}" if name else encoded


def _around_variables(text: str) -> Iterator[str]:
    pieces = text.split("\0")
    return (f"\0{piece}\0" if number % 2 else piece for number, piece in enumerate(pieces))


def _header(value: str) -> Iterator[tuple[str, str | None]]:
    """`Name: text`; `Name;` for one without a value; `Name:` for one that curl should leave out (None)."""
    if value.startswith("@"):
        raise refusal("-H @...", f"It reads headers from a file. {_NO_FILES}", "Write -H 'Name: value'.")
    name, colon, text = value.partition(":")
    if colon:
        yield name.strip(), text.strip() or None
    elif value.rstrip().endswith(";"):
        yield value.rstrip()[:-1].strip(), ""
    elif value.strip():
        raise refusal(
            "-H", "It has no colon: curl sends no such header.", "Write -H 'Name: value', in quotes."
        )


def _headers(asked: _Asked) -> Iterator[tuple[str, str]]:
    """Each name once: what stands twice is put together, which means the same to HTTP."""
    found: dict[str, tuple[str, list[str]]] = {}
    removed: set[str] = set()
    for name, value in asked.headers:
        if value is None:
            removed.add(name.lower())
        else:
            found.setdefault(name.lower(), (name, []))[1].append(value)
    if "json" in asked.flags:
        for name in ("Content-Type", "Accept"):
            if name.lower() not in removed:
                found.setdefault(name.lower(), (name, ["application/json"]))
    for name, values in found.values():
        if len(values) > 1 and name.lower() in {
            "content-type",
            "user-agent",
            "referer",
            "authorization",
            "host",
        }:
            yield name, values[-1]
            asked.notes.append(f"The header {name} stands there twice; the last one was taken.")
        else:
            yield name, ("; " if name.lower() == "cookie" else ", ").join(values)


def _part(value: str) -> Part:
    """`name=text`, `name=@file`, each with `;type=...` and `;filename=...` behind it."""
    name, sign, rest = value.partition("=")
    if not sign:
        raise refusal("-F", "It has no `=`.", "Write -F 'name=text'.")
    if rest.startswith("<"):
        raise refusal("-F name=<...", f"It reads a file. {_NO_FILES}", "Write -F 'name=text'.")
    is_file = rest.startswith("@")
    text, settings = _word_of_form(rest.removeprefix("@"))
    kind = settings.get("type")
    if not is_file:
        return Part(name, text, settings.get("filename"), kind)
    if "," in text:
        raise refusal("-F", "It sends several files in one field.", "Write one -F for each.")
    file = settings.get("filename") or text.replace("\\", "/").rpartition("/")[2]
    return Part(name, None, "file" if file == "-" else file, kind)


_QUOTED: Final = re.compile(r'\s*"((?:[^"\\]|\\.)*)"[^;]*', re.DOTALL)


def _word_of_form(text: str) -> tuple[str, dict[str, str]]:
    """A text, in quotes or up to the first `;`, and the settings behind it."""
    found = _QUOTED.match(text)
    if found:
        value, rest = re.sub(r'\\(["\\])', r"\1", found[1]), text[found.end() :].removeprefix(";")
    else:
        value, _, rest = text.partition(";")
    settings: dict[str, str] = {}
    for setting in rest.split(";"):
        key, equals, word = setting.strip().partition("=")
        if key in {"headers", "encoder"}:
            raise refusal("-F", f"A part of a form cannot have `{key}=` here.", "Remove it.")
        if key in {"type", "filename"} and equals:
            settings[key] = word.strip('"')
    return value, settings


def _method(asked: _Asked, *, has_body: bool) -> str:
    usual = "HEAD" if "head" in asked.flags else "POST" if has_body else "GET"
    method = usual if asked.method is None else asked.method
    if method.islower() and method.upper() in _METHODS:
        asked.notes.append(f"curl sends the method as `{method}`; the connector sends {method.upper()}.")
        method = method.upper()
    if method not in _METHODS:
        shown = method if method.isalpha() and len(method) < 10 else "..."
        hint = f"Known here: {', '.join(_METHODS)}."
        raise refusal("-X", f"A connector has no {shown} requests.", hint)
    if method in {"GET", "HEAD"} and has_body:
        hint = "Put it into the query with -G, or use POST."
        raise refusal(f"-X {method}", f"A {method} request with a body: servers pass over it.", hint)
    return method


def _seconds(text: str | None) -> float | None:
    try:
        seconds = None if text is None else float(text)
    except ValueError:
        seconds = 0.0
    if seconds is not None and not 0 <= seconds < 1e6:
        raise refusal("--max-time", "It is not a number of seconds.", "Write one, such as 30.")
    return seconds or None
