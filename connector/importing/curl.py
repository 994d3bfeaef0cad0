"""A connector from one cURL command: what it says of a request, with inputs in the place of its literals.

    text --shell_words--> Words --curl_command--> Command --curl_url, curl_body, curl_auth--> Draft
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import unquote

from connector.connection import checked_base_url, is_header_value
from connector.errors import CredentialError, InputError, Problem
from connector.importing.curl_auth import Credential, Pairs, credential
from connector.importing.curl_body import Body, Form, Json, Multipart, Raw, body
from connector.importing.curl_command import FORM_TYPE, Command, command
from connector.importing.curl_inputs import Inputs, literals
from connector.importing.curl_names import action_id, connector_id, singular
from connector.importing.curl_secrets import Secrets, is_secret_name, is_secret_value, pair_of
from connector.importing.curl_url import Segment, Url, Varying, url
from connector.importing.draft import Draft
from connector.importing.names import id_of, title_of
from connector.importing.shell_words import VARIABLE, words
from connector.importing.skeleton import skeleton
from connector.template import SPREAD

_HTTP_OWN: Final = frozenset(
    "host content-length connection accept-encoding transfer-encoding expect te trailer upgrade keep-alive "
    "proxy-connection".split()
)
_ONCE: Final = re.compile(
    r"(?i)(x-)?(idempotency-key|request-id|correlation-id|trace-?id|amzn-trace-id)|idempotence-key|traceparent"
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True)
class Named:
    """What people call it; empty where a name is made.

    Attributes:
        id: of the connector.
        name: of the connector, for people.
        action: the action's id.
    """

    id: str = ""
    name: str = ""
    action: str = ""


def imported(text: str, named: Named = Named()) -> Draft:
    """A connector with one action that sends what a cURL command sends.

    Nothing is sent, no shell runs, no file is read. No secret of the command is in the draft.

    Raises:
        InputError: it is no curl command, or one that a connector cannot send. No value of it is in the error.
    """
    asked = command(words(text))
    return _Importing(asked, named).draft()


class _Importing:
    def __init__(self, asked: Command, named: Named) -> None:
        self.asked = asked
        self.named = named
        self.notes = list(asked.notes)
        self.url = url(asked.url, globs=asked.globs, keeps_dots=asked.keeps_dots)
        self.id = named.id or connector_id(self.url.authority)
        self.headers, content_type = self._headers()
        self.body = body(asked, self.notes)
        self.headers = (*self.headers, *self._type_of(self.body, content_type))
        self.credential: Credential = credential(
            self.headers,
            self.url.query,
            user=asked.user if asked.user is not None else self.url.user,
            bearer=asked.bearer,
            connector_id=self.id,
        )
        self.notes += self.credential.notes
        hidden = [*self.credential.secrets, *asked.hidden, *_secrets_in(self.body)]
        self.secrets = Secrets([*hidden, *_pairs_in(hidden)])
        self.inputs = Inputs(self.secrets)

    def draft(self) -> Draft:
        """The connector, with its one action."""
        segments = [self._hidden(segment) for segment in self.url.segments]
        made_id = self.named.action or action_id(self.asked.method, segments)
        request = self._request(segments)
        method = self.asked.method
        name = title_of(made_id)
        shown = "/" + "/".join(_shown(segment) for segment in segments)
        action: dict[str, Any] = {
            "id": made_id,
            "name": name,
            "description": f"{method} {shown}, imported from a cURL command.",
            **({"deadline": self.asked.seconds} if self.asked.seconds else {}),
            "inputs": self.inputs.schema(),
            "outputs": _OUTPUTS,
            "reads_only": method == "GET",
            "idempotent": method in {"GET", "PUT", "DELETE"},
            "routes": {"main": {"request": request, **_ANSWER}},
            "examples": [{"id": "example", "title": "As in the command", "inputs": self.inputs.example}],
        }
        self._check(action)
        connector_name = self.named.name or title_of(self.id)
        base_url, about = self._base_url()
        connector = skeleton(
            id=self.id,
            name=connector_name,
            version="0.1.0",
            description=f"Actions of {connector_name}, imported from cURL commands.",
            base_url=base_url,
            about_base_url=about,
            auth=self.credential.auth,
            fields=self.credential.fields,
        )
        return Draft(connector, {made_id: action}, tuple(dict.fromkeys(self.notes)))

    def _headers(self) -> tuple[Pairs, str]:
        """The headers that say something of the request, and the Content-Type apart."""
        kept: list[tuple[str, str]] = []
        content_type = ""
        for name, value in self.asked.headers:
            low = name.lower()
            if low == "content-type":
                content_type = value
            elif name.startswith(":") or low in _HTTP_OWN:
                if low == "host" and value.lower() != self.url.authority.lower():
                    self.notes.append("The header Host was left out: it is the base URL's host.")
            elif not _HEADER_NAME.fullmatch(name):
                _refuse("-H", "The name of a header holds what HTTP cannot carry.", "Write -H 'Name: value'.")
            else:
                kept.append((name, value))
        return tuple(kept), content_type

    @staticmethod
    def _type_of(sent: Body | None, said: str) -> Pairs:
        """The Content-Type, where it is another than the runtime sends by itself."""
        usual = {Json: "application/json", Form: FORM_TYPE}.get(type(sent))
        if not said or isinstance(sent, Multipart | Raw) or said.lower() == usual:
            return ()
        return (("Content-Type", said),) if sent is not None else ()

    def _base_url(self) -> tuple[str, str]:
        """Where requests go, and a sentence about it; empty where only people know."""
        there = f"{self.url.scheme}://{self.url.authority}"
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]_-]+", self.url.authority):
            shown = VARIABLE.sub(lambda found: f"{{{found[1]}}}", there)
            shown = shown if shown.isascii() and shown.isprintable() else "another host each time"
            return "", f"Where the service is; the command says {shown}."
        try:
            checked_base_url(there, where="", environ={})
        except CredentialError as error:
            if self.url.scheme == "https":
                _refuse("the URL", error.message, error.hint)
        else:
            return there, ""
        if self.url.has_scheme:
            self.notes.append("The command says http, which anyone on the way can read; the connector uses https.")
        secure = f"https://{self.url.authority}"
        try:
            return checked_base_url(secure, where="", environ={}), ""
        except CredentialError as error:
            _refuse("the URL", error.message, error.hint)

    def _hidden(self, segment: Segment) -> Segment:
        """A segment in which what is secret varies."""
        is_webhook = "hook" in self.url.authority or any("hook" in str(part) for part in self.url.segments)

        def part(part: str | Varying) -> str | Varying:
            text = unquote(part) if isinstance(part, str) else part.literal or ""
            is_long = is_webhook and re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{16,}", text)
            if self.secrets.shows(text) or is_long:
                found = re.fullmatch(r"(bot)([0-9]+:.+)", text)
                return Varying("token", text) if not found else Varying("bot_token", text)
            return part

        return tuple(part(one) for one in segment)

    def _request(self, segments: list[Segment]) -> dict[str, Any]:
        request: dict[str, Any] = {"method": self.asked.method, "path": self._path(segments)}
        if self.credential.query:
            request["query"] = self._pairs(self.credential.query, "query")
        if headers := dict(self._sent_headers()):
            request["headers"] = headers
        match self.body:
            case Json(value) if isinstance(value, Mapping):
                if value or self.asked.method != "GET":
                    request["body"] = {self._key(name): self.inputs.body(name, inner) for name, inner in value.items()}
                for name in (name for name, inner in value.items() if inner is None):
                    self.notes.append(f"{name} is null in the command; it is left out unless it is given.")
            case Json(value):
                if value is None:
                    _refuse("the body", "It is null.", "Give an object or a list.")
                request["body"] = self.inputs.body("body", value)
            case Form(pairs):
                request["form"] = self._pairs(pairs, "form")
                request["form_as"] = "urlencoded"
            case Multipart():
                request |= self._multipart(self.body)
            case Raw():
                message = f"It is neither JSON nor a form, but {self.body.type.partition(';')[0][:60] or 'a text'}."
                _refuse("the body", message, "An action sends JSON or a form.")
        return request

    def _path(self, segments: list[Segment]) -> str:
        parts: list[str] = []
        before = ""
        for segment in segments:
            text = ""
            for part in segment:
                if isinstance(part, str):
                    text += part
                else:
                    said = part.name or (f"{singular(before)}_id" if before else "id")
                    text += self.inputs.segment(said, part.literal)
            before = "_".join(re.findall(r"[A-Za-z]+", segment[0])) if segment and isinstance(segment[0], str) else ""
            parts.append(text)
        return "/" + "/".join(parts)

    def _pairs(self, pairs: Pairs, place: str) -> dict[str, str]:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(self._key(name), []).append(value)
        return {
            name: self.inputs.text(name, found[0], place=place)
            if len(found) == 1
            else self.inputs.texts(name, found, place=place)
            for name, found in values.items()
        }

    def _key(self, name: str) -> str:
        if "\0" in name:
            message = "The name of a parameter would come from a variable."
            _refuse("the command", message, "Put it in single quotes if the `$` belongs to the name.")
        if "${{" in name or name in {"", SPREAD}:
            _refuse("the command", "A parameter has a name that a manifest cannot hold.", "Rename it.")
        if self.secrets.shows(name):
            _refuse("the command", "The name of a parameter looks like a secret.", "Check the command.")
        return name

    def _sent_headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self.credential.headers:
            if _ONCE.fullmatch(name):
                yield name, self.inputs.once(name, value)
            elif is_secret_name(name) or (value and self.secrets.shows(value)):
                yield name, self.inputs.secret(name, place="header")
            elif "\0" in value:
                yield name, self._with_variables(name, value)
            elif not is_header_value(value):
                hint = "Use printable ASCII for it."
                _refuse(f"the header {name}", "It holds what HTTP cannot carry.", hint)
            elif "${{" in value:
                _refuse(f"the header {name}", "It holds `${{`, which begins an expression.", "Write it in another way.")
            else:
                yield name, value

    def _with_variables(self, name: str, value: str) -> str:
        if VARIABLE.fullmatch(value):
            return self.inputs.segment(name, None)
        return VARIABLE.sub(lambda found: self.inputs.segment(found[1].lower(), None), value)

    def _multipart(self, sent: Multipart) -> dict[str, Any]:
        texts = [(part.name, part.text or "") for part in sent.parts if part.file is None]
        made: dict[str, Any] = {"form": self._pairs(tuple(texts), "form")} if texts else {}
        files: dict[str, Any] = {}
        for part in sent.parts:
            if part.file is None:
                if part.type is not None:
                    self.notes.append(f"The type of the field {part.name} was left out.")
                continue
            name = self._key(part.name)
            if name in files:
                _refuse("-F", "Two files have the same field.", "Remove one of them.")
            file = VARIABLE.sub(lambda found: found[1].lower(), part.file)
            content = self.inputs.file(name, part.text)
            files[name] = {
                "name": self.inputs.text(f"{name}_name", file, place="form"),
                "content": content,
                "type": part.type or _type_of_file(file),
            }
            if part.text is None:
                self.notes.append(f"The file of {part.name} was not read: give its text as the input {name}.")
        return made | ({"files": files} if files else {})

    def _check(self, action: Mapping[str, Any]) -> None:
        """The last look: no secret in any value that came from the command."""
        request = action["routes"]["main"]["request"]
        schemas = action["inputs"]["properties"].values()
        values = [request, action["examples"][0]["inputs"], *(schema.get("default") for schema in schemas)]
        if any(self.secrets.leaks(text) for value in values for text in literals(value)):
            message = "A secret of it stands where it cannot be taken out."
            _refuse("the command", message, "Replace the secret by a name, such as $API_KEY, wherever it stands.")


_OUTPUTS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "content": {"type": "string", "title": "Content", "description": "The answer as it came: text, or JSON as text."},
        "status": {"type": "integer", "title": "Status", "description": "The HTTP status of the answer."},
    },
}
_ANSWER: Final[dict[str, Any]] = {
    "answer": "text",
    "response": {"type": "string"},
    "outputs": {"content": "${{ response.body }}", "status": "${{ response.status }}"},
}

_FILE_TYPES: Final = {
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "htm": "text/html",
    "html": "text/html",
    "pdf": "application/pdf",
    "xml": "application/xml",
}
"""What curl says of a file by the end of its name."""


def _type_of_file(name: str) -> str:
    return _FILE_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def _secrets_in(sent: Body | None) -> Iterator[str]:
    """What a body calls a secret: it must not stand anywhere else either."""
    match sent:
        case Json(value):
            yield from _named_secrets(value, "")
        case Form(pairs):
            yield from (value for name, value in pairs if _is_secret(name, value))
        case Multipart(parts):
            yield from (part.text for part in parts if part.text and _is_secret(part.name, part.text))


def _named_secrets(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named_secrets(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _named_secrets(inner, name)
    elif isinstance(value, str) and value and _is_secret(name, value):
        yield value


def _is_secret(name: str, value: str) -> bool:
    return is_secret_name(name, in_body=True) or is_secret_value(value)


def _pairs_in(secrets: list[str]) -> Iterator[str]:
    """The passwords within secrets that are pairs in base64."""
    for secret in secrets:
        if pair := pair_of(secret):
            yield pair[1]


def _shown(segment: Segment) -> str:
    parts = (part if isinstance(part, str) else f"{{{id_of(part.name, 'id') if part.name else 'id'}}}" for part in segment)
    return "".join(parts)


def _refuse(where: str, message: str, hint: str) -> NoReturn:
    raise InputError([Problem(where, message, hint)])
