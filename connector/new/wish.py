"""What somebody wants of a new connector, checked: each answer is right, or says what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from connector.connection import allows_http, is_header_value
from connector.destination import checked_base_url
from connector.errors import CredentialError, InputError, Problem, did_you_mean
from connector.importing.curl_names import singular
from connector.importing.names import id_of, input_name_of, not_a_secret, unique
from connector.loading import shipped_names
from connector.soundness import header_name_fault

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
AUTH_KINDS: Final[tuple[str, ...]] = (
    "bearer",
    "header",
    "query",
    "basic",
    "oauth2_client_credentials",
    "none",
)
USUAL_NAMES: Final = {"header": "X-API-Key", "query": "api_key"}
"""The header or the parameter that most services call so."""

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_ID_HINT: Final = "Use lower-case letters, digits and _, at most 64, beginning with a letter."
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_PATH: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|\{\})*\Z")
_PLACE: Final = re.compile(
    r"\$\{\{\s*inputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}|\{([^{}/]{1,64})\}|(?<=/):([A-Za-z_]\w*)"
)
_VERBS: Final = {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A new connector.

    Attributes:
        name: its id, and that of its folder.
        base_url: where the service is.
        auth: one of AUTH_KINDS.
        auth_name: the header or the parameter of the query, for the kinds that have one; else empty.
        method, path: of its first action. `{id}`, `:id` and `${{ inputs.id }}` in the path are inputs.
        action: the id of that action.

    Raises:
        InputError: with everything that is wrong.
    """

    name: str
    base_url: str
    auth: str
    auth_name: str
    method: str
    path: str
    action: str

    def __post_init__(self) -> None:
        problems = [
            problem
            for problem in (
                name_problem(self.name),
                _url_problem(self.base_url),
                _choice_problem("auth", self.auth, AUTH_KINDS),
                _auth_name_problem(self.auth, self.auth_name),
                _choice_problem("method", self.method, METHODS),
                _path_problem(self.path),
                None
                if _ID.match(self.action)
                else Problem("action", f"{self.action[:80]!r} is not an id.", _ID_HINT),
            )
            if problem is not None
        ]
        if problems:
            raise InputError(problems)

    @cached_property
    def path_inputs(self) -> tuple[str, ...]:
        """The inputs that stand in the path, in its order."""
        return tuple(dict.fromkeys(name for _, name in _pieces(self.path) if name))

    @cached_property
    def template(self) -> str:
        """The path as a manifest writes it."""
        return "".join(f"${{{{ inputs.{name} }}}}" if name else text for text, name in _pieces(self.path))

    @cached_property
    def kind(self) -> str:
        """What its first action does, as far as method and path tell: lists, reads, writes, or deletes."""
        if self.method == "GET":
            return "reads" if self.path_inputs else "lists"
        return "deletes" if self.method == "DELETE" else "writes"


def checked_name(name: str) -> str:
    """The name of a new connector.

    Raises:
        InputError: if it cannot be one.
    """
    if problem := name_problem(name):
        raise InputError([problem])
    return name


def name_problem(name: str) -> Problem | None:
    """What is wrong with the name of a new connector."""
    if not _ID.match(name):
        meant = id_of(name, "connector")
        hint = f"{_ID_HINT} {meant} would do." if _ID.match(meant) and name.strip("./\\ \0") else _ID_HINT
        return Problem("name", f"{name[:80]!r} is not an id, and names no folder.", hint)
    if name in _DEVICES:
        return Problem(
            "name", f"{name!r} is a device for some systems, and no folder.", "Choose another name."
        )
    if name in shipped_names():
        hint = "Choose another: commands would take the shipped one for it."
        return Problem("name", f"A connector {name!r} is shipped.", hint)
    return None


def usual_action(method: str, path: str) -> str:
    """The id of an action, as its request suggests: `GET /v1/users/{id}` -> `get_user`."""
    words = [text for text, name in _pieces(path) if not name]
    parts = [
        part
        for text in words
        for part in text.split("/")
        if part and not re.fullmatch(r"v\d+|api|rest", part)
    ]
    thing = id_of(parts[-1], "thing") if parts else "root"
    verb = _VERBS.get(method, "call")
    ends_with_input = bool(_pieces(path)) and bool(_pieces(path)[-1][1])
    if method == "GET" and not ends_with_input:
        verb = "get" if singular(thing) == thing else "list"
    else:
        thing = singular(thing)
    return f"{verb}_{thing}"[:64]


def _pieces(path: str) -> list[tuple[str, str]]:
    """The path in pieces: (text, "") and ("", name of an input)."""
    pieces: list[tuple[str, str]] = []
    taken: dict[str, str] = {}
    start = 0
    for found in _PLACE.finditer(path):
        said = found[1] or found[2] or found[3]
        if said not in taken:
            taken[said] = unique(not_a_secret(input_name_of(said)), taken.values())
        if found.start() > start:
            pieces.append((path[start : found.start()], ""))
        pieces.append(("", taken[said]))
        start = found.end()
    if start < len(path):
        pieces.append((path[start:], ""))
    return pieces


def _url_problem(url: str) -> Problem | None:
    try:
        checked_base_url(url, where="base_url", allow_http=allows_http())
    except CredentialError as error:
        return Problem("base_url", error.message, error.hint)
    return None


def _choice_problem(what: str, given: str, known: tuple[str, ...]) -> Problem | None:
    if given in known:
        return None
    return Problem(what, f"{given[:80]!r} is none.", did_you_mean(given[:80], known))


def _auth_name_problem(auth: str, name: str) -> Problem | None:
    if auth not in USUAL_NAMES:
        message = f"The auth {auth} has no name of a header or parameter."
        return Problem("auth_name", message, "Leave it out.") if name else None
    fits = re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~\[\]-]{1,100}", name) and is_header_value(name)
    fits = fits and (auth != "header" or header_name_fault(name) is None)
    what = "header" if auth == "header" else "parameter of the query"
    return (
        None
        if fits
        else Problem(
            "auth_name", f"{name[:80]!r} names no {what}.", f"Give one, such as {USUAL_NAMES[auth]}."
        )
    )


def _path_problem(path: str) -> Problem | None:
    plain = "".join("{}" if name else text for text, name in _pieces(path))
    if not path.startswith("/"):
        return Problem(
            "path", "It does not begin with `/`.", "Write what follows the base URL, such as /items."
        )
    if "?" in path:
        return Problem(
            "path", "It holds a `?`.", "Leave the query out; it has a place of its own in the manifest."
        )
    if len(path) > 500 or not _PATH.match(plain):
        hint = "Write it as it is sent, percent-encoded, with {id} for an input."
        return Problem("path", "It holds what a path cannot.", hint)
    if "//" in plain or {".", ".."} & set(plain.split("/")):
        return Problem("path", "It holds an empty, `.` or `..` segment.", "Write it out.")
    return None
