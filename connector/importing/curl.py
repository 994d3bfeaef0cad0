"""A connector from one cURL command: what it says of a request, with inputs in the place of its literals.

text --shell_words--> Words --curl_command--> Command --curl_url, curl_body, curl_auth--> Draft
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from connector.destination import checked_base_url
from connector.errors import CredentialError
from connector.importing.curl_answer import Sample, parsed, seen, unseen
from connector.importing.curl_auth import Credential, Pairs, credential
from connector.importing.curl_body import Body, Form, Json, Multipart, Raw, body
from connector.importing.curl_command import FORM_TYPE, Command, command
from connector.importing.curl_inputs import Inputs, literals
from connector.importing.curl_names import action_id, connector_id
from connector.importing.curl_secrets import Secrets, is_secret_name, is_secret_value, pair_of
from connector.importing.curl_sent import Sent
from connector.importing.curl_url import Segment, Varying, url
from connector.importing.draft import Draft
from connector.importing.effects import effects
from connector.importing.names import id_of, title_of
from connector.importing.refusal import refusal
from connector.importing.shell_text import OUTPUT, VARIABLE
from connector.importing.shell_words import words
from connector.importing.skeleton import skeleton
from connector.soundness import HTTP_OWN, header_name_fault


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


def imported(text: str, named: Named = Named(), *, answer: bytes | None = None) -> Draft:
    """A connector with one action that sends what a cURL command sends.

    Nothing is sent, no shell runs, no file is read. No secret of the command is in the draft.

    Args:
        text: the command.
        named: what people call the connector and the action.
        answer: an answer of the service, as JSON, from which the outputs are made. Without one, they are the
            whole answer. Only the names and types of its fields are in the draft.

    Raises:
        InputError: it is no curl command, or one that a connector cannot send. No value of it is in the error.
    """
    sample = None if answer is None else parsed(answer)
    return _Importing(command(words(text)), named, sample).draft()


class _Importing:
    def __init__(self, asked: Command, named: Named, sample: Sample | None) -> None:
        self.asked = asked
        self.named = named
        self.sample = sample
        self.notes = list(asked.notes)
        self.url = url(asked.url, globs=asked.globs, keeps_dots=asked.keeps_dots)
        # a webhook's address is its key
        self.is_webhook = "hook" in asked.url.partition("?")[0]
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
        self._need_no_shell()
        hidden = [*self.credential.secrets, *asked.hidden, *_secrets_in(self.body)]
        self.secrets = Secrets([*hidden, *_pairs_in(hidden)])
        self.inputs = Inputs(self.secrets)

    def draft(self) -> Draft:
        """The connector, with its one action."""
        segments = [self._hidden(segment) for segment in self.url.segments]
        made_id = self.named.action or action_id(self.asked.method, segments)
        method = self.asked.method
        request = Sent(self.inputs, self.id, self.notes).request(
            method, segments, self.credential.query, self.credential.headers, self.body
        )
        name = title_of(made_id)
        accept = next((value for header, value in self.headers if header.lower() == "accept"), "")
        answer = unseen(self.asked.file, accept) if self.sample is None else seen(self.sample)
        self.notes += answer.left_out
        if self.sample is not None and isinstance(self.body, Json) and _streams(self.body.value):
            self.notes.append(
                "The command asks for a stream; the outputs are there with `stream` set to false."
            )
        shown = "/" + "/".join(_shown(segment) for segment in segments)
        action: dict[str, Any] = {
            "id": made_id,
            "name": name,
            "description": f"{method} {shown}, imported from a cURL command.",
            **({"deadline": self.asked.seconds} if self.asked.seconds else {}),
            "inputs": self.inputs.schema(),
            "outputs": answer.outputs,
            **effects(method),
            "routes": {"main": {"request": request, **answer.route}},
            "examples": [{"id": "example", "title": "As in the command", "inputs": self.inputs.example}],
        }
        connector_name = self.named.name or title_of(self.id)
        base_url, about = self._base_url()
        self._check(action, base_url)
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

    def _need_no_shell(self) -> None:
        """What another command would write is asked for where it is the credential, and nowhere else."""
        left = [value for pairs in (self.credential.headers, self.credential.query) for _, value in pairs]
        left += [self.asked.data or "", self.url.authority, *(part.text or "" for part in self.asked.parts)]
        in_path = Varying(OUTPUT.strip("\0")) in (part for segment in self.url.segments for part in segment)
        if in_path or any(OUTPUT in text for text in left):
            message = "What `$(...)` gives is known to a shell only, and none is run."
            raise refusal("the command", message, "Write the value out, or a name: $NAME.")

    def _headers(self) -> tuple[Pairs, str]:
        """The headers that say something of the request, and the Content-Type apart."""
        kept: list[tuple[str, str]] = []
        content_type = ""
        for name, value in self.asked.headers:
            low = name.lower()
            if low == "content-type":
                content_type = value
            elif name.startswith(":") or low in HTTP_OWN:
                if low == "host" and value.lower() != self.url.authority.lower():
                    self.notes.append("The header Host was left out: it is the base URL's host.")
            elif header_name_fault(name) or is_secret_value(name):
                raise refusal(
                    "-H", "The name of a header holds what HTTP cannot carry.", "Write -H 'Name: value'."
                )
            else:
                kept.append((name, value))
        return tuple(kept), content_type

    @staticmethod
    def _type_of(sent: Body | None, said: str) -> Pairs:
        """The Content-Type, where it is another than the runtime sends by itself."""
        usual = {Json: "application/json", Form: FORM_TYPE}.get(type(sent))
        if not said or isinstance(sent, Multipart | Raw) or said.lower() == usual:
            return ()
        return (("Content-Type", said),)

    def _base_url(self) -> tuple[str, str]:
        """Where requests go, and a sentence about it; empty where only people know."""
        there = f"{self.url.scheme}://{self.url.authority}"
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]_-]+", self.url.authority):
            if "\0" not in there and not re.search(r"\{[^{}]+\}|<[^<>]+>", there):
                hint = "Write it as https://host/path, in ASCII: other letters as xn--..."
                raise refusal("the URL", "It has a host that is not one.", hint)
            written = there if self.url.has_scheme else self.url.authority
            shown = VARIABLE.sub(lambda found: f"{{{found[1]}}}", written)
            shown = shown if shown.isascii() and shown.isprintable() else "another host each time"
            return "", f"Where the service is; the command says {shown}."
        try:
            checked_base_url(there, where="")
        except CredentialError as error:
            if self.url.scheme == "https":
                raise refusal("the URL", error.message, error.hint) from None
        else:
            return there, ""
        if self.url.has_scheme:
            self.notes.append(
                "The command says http, which anyone on the way can read; the connector uses https."
            )
        secure = f"https://{self.url.authority}"
        try:
            return checked_base_url(secure, where=""), ""
        except CredentialError as error:
            raise refusal("the URL", error.message, error.hint) from None

    def _hidden(self, segment: Segment) -> Segment:
        """A segment in which what is secret varies."""

        def part(part: str | Varying) -> str | Varying:
            text = unquote(part) if isinstance(part, str) else part.literal or ""
            is_long = self.is_webhook and re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{16,}", text)
            if self.secrets.shows(text) or is_long:
                found = re.fullmatch(r"(bot)([0-9]+:.+)", text)
                return Varying("token", text) if not found else Varying("bot_token", text)
            return part

        return tuple(part(one) for one in segment)

    def _check(self, action: Mapping[str, Any], base_url: str) -> None:
        """The last look: no secret in any value that came from the command."""
        request = action["routes"]["main"]["request"]
        schemas = action["inputs"]["properties"].values()
        values = [
            base_url,
            request,
            action["examples"][0]["inputs"],
            *(schema.get("default") for schema in schemas),
        ]
        if any(self.secrets.leaks(text) for value in values for text in literals(value)):
            message = "A secret of it stands where it cannot be taken out."
            raise refusal(
                "the command", message, "Replace the secret by a name, such as $API_KEY, wherever it stands."
            )


def _streams(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("stream") is True


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
    parts = (
        part if isinstance(part, str) else f"{{{id_of(part.name, 'id') if part.name else 'id'}}}"
        for part in segment
    )
    return "".join(parts)
