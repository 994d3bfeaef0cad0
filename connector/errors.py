"""Every error this project raises. Each one says where, what, and what to do.

    ConnectorError
    |- ManifestError      an author's mistake: problems, each with file:line:column
    |- InputError         a caller's mistake: problems, each with the input's path; nothing was sent
    |- CredentialError    a connection that is missing, incomplete or cannot be opened
    |- TransportError     no usable answer arrived
    |  |- Timeout         the answer took too long
    |  |- Unreachable     no connection could be made
    |  `- CutOff          the connection broke before the answer was complete
    |- ApiError           the service answered with a failure; `kind` is one of API_KINDS
    `- OutputError        the answer does not fit the action's outputs: the API has changed

`str(error)` reads "where: what what-to-do". `kind` is a stable word to branch on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

API_KINDS = (
    "bad_input",
    "bad_credential",
    "no_credit",
    "not_allowed",
    "retired",
    "not_found",
    "rate_limited",
    "server_fault",
    "unexpected",
)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that proposes the nearest of the known words, or lists them when none is near."""
    words = sorted(known)
    if near := nearest(word, words):
        return f"Did you mean {near!r}?"
    if not words:
        return "Remove it."
    shown = ", ".join(words[:30]) + (", ..." if len(words) > 30 else "")
    return f"Known here: {shown}."


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was meant: one that differs in a few letters, or is part of it or the whole of it."""
    wanted = _bare(word[:64])  # nobody misspells more, and the comparison is quadratic
    bare = {_bare(known): known for known in sorted(words, reverse=True)}
    for plain, known in bare.items():
        if sorted(plain) == sorted(wanted):  # letters in another order
            return known
    import difflib  # noqa: PLC0415 - only mistakes need it

    if close := difflib.get_close_matches(wanted, bare, n=1, cutoff=0.65):
        return bare[close[0]]
    parts = [
        known
        for plain, known in bare.items()
        if len(wanted) > 2 < len(plain) and (wanted in plain or plain in wanted)
    ]
    return parts[0] if len(parts) == 1 else None


def _bare(word: str) -> str:
    """maxTokens, max-tokens and max_tokens are one word."""
    return word.replace("_", "").replace("-", "").lower()


def _rebuild(cls: type[ConnectorError], args: tuple[Any, ...], state: dict[str, Any]) -> ConnectorError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@dataclass(frozen=True)
class Attempt:
    """One request of a run that failed.

    Attributes:
        kind: of its error, such as `timeout` or `rate_limited`.
        status: the HTTP status, where an answer came.
        seconds: how long it took.
        waited: seconds that were waited before it.
        request_id: the service's id of it, where one is known.
    """

    kind: str
    status: int | None
    seconds: float
    waited: float
    request_id: str | None

    def __str__(self) -> str:
        return str(self.status or self.kind)


class ConnectorError(Exception):
    """The root of the tree.

    Attributes:
        kind: a stable word for programs, such as `timeout` or `rate_limited`.
        where: the place: `file:line:column`, an input's path, or the method and URL.
        message: what is wrong.
        hint: what to do about it.
        request_id: the service's id of the request, where one is known.
        partial_text: the text that a stream gave before it failed, or None.
        history: the requests that were tried, oldest first; the last one is this error.
    """

    kind = "error"
    partial_text: str | None = None
    history: tuple[Attempt, ...] = ()

    def __init__(self, message: str, *, where: str, hint: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.where = where
        self.message = message
        self.hint = hint
        self.request_id = request_id

    @property
    def attempts(self) -> int:
        """How many requests were tried, the last one included."""
        return max(len(self.history), 1)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message} {self.hint}".rstrip()
        notes = [f"request id {self.request_id}"] if self.request_id else []
        if self.attempts > 1:
            notes.append(f"{self.attempts} attempts: {', '.join(map(str, self.history))}")
        return f"{text} ({', '.join(notes)})" if notes else text

    def __reduce__(self) -> tuple[Callable[..., ConnectorError], tuple[Any, ...]]:
        return _rebuild, (type(self), self.args, self.__dict__)


@dataclass(frozen=True)
class Problem:
    """One of the mistakes that an error reports together.

    `where` is `file:line:column` for manifests and an input's path (`messages[0].role`) for inputs.
    `excerpt` is the source line with a caret below it, or empty.
    """

    where: str
    message: str
    hint: str
    excerpt: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message} {self.hint}".rstrip()
        return f"{text}\n{self.excerpt}" if self.excerpt else text


class _ProblemsError(ConnectorError):
    """An error that reports several problems at once; `where` and `hint` are those of the first."""

    def __init__(self, problems: Iterable[Problem], *, heading: str) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(heading, where=first.where, hint=first.hint)

    def hide(self, hidden: Callable[[str], str]) -> None:
        """Replace every text by what `hidden` makes of it, such as one without secrets."""
        self.problems = tuple(
            Problem(hidden(p.where), hidden(p.message), hidden(p.hint), hidden(p.excerpt))
            for p in self.problems
        )
        self.where, self.hint = self.problems[0].where, self.problems[0].hint

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join([self.message, *(f"- {problem}" for problem in self.problems)])


class ManifestError(_ProblemsError):
    """A manifest that cannot be read, or does not mean what it should."""

    kind = "bad_manifest"

    def __init__(self, problems: Iterable[Problem]) -> None:
        problems = tuple(problems)
        super().__init__(problems, heading=f"{len(problems)} problems in the manifest:")


class InputError(_ProblemsError):
    """Inputs that do not fit the action. All problems are reported at once; nothing was sent."""

    kind = "bad_input"

    def __init__(self, problems: Iterable[Problem], *, action: str = "") -> None:
        problems = tuple(problems)
        of = f" of {action}" if action else ""
        super().__init__(problems, heading=f"{len(problems)} problems in the inputs{of}; nothing was sent:")


class CredentialError(ConnectorError):
    """A connection that is missing, incomplete, or whose secrets cannot be read."""

    kind = "bad_connection"


class TransportError(ConnectorError):
    """No usable answer arrived."""

    kind = "transport"


class Timeout(TransportError):
    """The service took too long to accept the connection or to answer."""

    kind = "timeout"


class Unreachable(TransportError):
    """No connection could be made: the request was not sent."""

    kind = "unreachable"


class CutOff(TransportError):
    """The connection broke, or what arrived is not HTTP, before the answer was complete."""

    kind = "cut_off"


class ApiError(ConnectorError):
    """The service answered with a failure.

    Attributes:
        kind: one of API_KINDS.
        status: the HTTP status.
        retry_after: seconds the service asks to wait, or None.
        input: the path of the input that the service complains about, or None.
        body: the answer, parsed where it is JSON, with secrets masked.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int,
        where: str,
        hint: str,
        request_id: str | None = None,
        retry_after: float | None = None,
        input: str | None = None,  # noqa: A002 - the design's word
        body: Any = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint, request_id=request_id)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        self.input = input
        self.body = body


class OutputError(ConnectorError):
    """An answer that does not fit the action's outputs: the API has changed, or something answered for it.

    Attributes:
        field: the output, with the row where there is one (`results[2].url`).
        expected: the declared type.
        got: the type that came.
    """

    kind = "unexpected_output"

    def __init__(
        self,
        message: str,
        *,
        field: str,
        expected: str,
        got: str,
        where: str,
        hint: str,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint, request_id=request_id)
        self.field = field
        self.expected = expected
        self.got = got
