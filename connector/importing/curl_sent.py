"""The request of an action: what the command sends, with inputs in the place of its literals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connector.connection import is_header_value
from connector.importing.curl_auth import Pairs, field_name
from connector.importing.curl_body import Body, Form, Json, Multipart, Raw
from connector.importing.curl_inputs import Inputs
from connector.importing.curl_names import singular
from connector.importing.curl_secrets import is_secret_value
from connector.importing.curl_url import Segment
from connector.importing.refusal import refusal
from connector.importing.shell_text import VARIABLE
from connector.template import SPREAD

_ONCE: Final = re.compile(
    r"(?i)(x-)?(idempotency-key|request-id|correlation-id|trace-?id|amzn-trace-id)|idempotence-key|traceparent"
)

_MEDIA_TYPE: Final = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9_-]+=[A-Za-z0-9_.-]+)*"
)
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


class Sent:
    """Writes a request, and adds the inputs that it needs."""

    def __init__(self, inputs: Inputs, connector_id: str, notes: list[str]) -> None:
        self.inputs = inputs
        self.secrets = inputs.secrets
        self.id = connector_id
        self.notes = notes

    def request(
        self, method: str, segments: list[Segment], query: Pairs, headers: Pairs, body: Body | None
    ) -> dict[str, Any]:
        """What the manifest says of the request.

        Raises:
            InputError: a part of it is nothing that a manifest can hold.
        """
        made: dict[str, Any] = {"method": method, "path": self._path(segments)}
        if query:
            made["query"] = self._pairs(query, "query")
        if sent := dict(self._headers(headers)):
            made["headers"] = sent
        return made | self._body(body)

    def _body(self, body: Body | None) -> dict[str, Any]:
        match body:
            case Json(value) if isinstance(value, Mapping):
                for name in (name for name, inner in value.items() if inner is None):
                    self.notes.append(f"{name} is null in the command; it is left out unless it is given.")
                return {
                    "body": {self._key(name): self.inputs.body(name, inner) for name, inner in value.items()}
                }
            case Json(None):
                raise refusal("the body", "It is null.", "Give an object or a list.")
            case Json(value):
                return {"body": self.inputs.body("body", value)}
            case Form(pairs):
                return {"form": self._pairs(pairs, "form"), "form_as": "urlencoded"}
            case Multipart():
                return self._multipart(body)
            case Raw(text, kind):
                if not _MEDIA_TYPE.fullmatch(kind) or self.secrets.shows(kind):
                    raise refusal(
                        "the header Content-Type", "It is no media type.", "Write one, such as text/plain."
                    )
                return {"content": {"value": self.inputs.body("body", text), "type": kind}}
            case None:
                return {}

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
                    said = field_name(said, self.id) if said.isupper() else said
                    text += self.inputs.segment(said, part.literal)
            first = segment[0] if segment else ""
            before = "_".join(re.findall(r"[A-Za-z]+", first)) if isinstance(first, str) else ""
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
            raise refusal("the command", message, "Put it in single quotes if the `$` belongs to the name.")
        if "${{" in name or name in {"", SPREAD}:
            raise refusal("the command", "A parameter has a name that a manifest cannot hold.", "Rename it.")
        if self.secrets.leaks(name) or is_secret_value(name):
            raise refusal("the command", "The name of a parameter looks like a secret.", "Check the command.")
        return name

    def _headers(self, headers: Pairs) -> Iterator[tuple[str, str]]:
        for name, value in headers:
            if _ONCE.fullmatch(name):
                yield name, self.inputs.once(name, value)
            elif value and self.secrets.shows(value):
                message = "It shows a secret that stands elsewhere in the command too."
                raise refusal(
                    f"the header {name}", message, "Replace the secret by a name, such as $API_KEY, in both."
                )
            elif "\0" in value:
                yield name, self._with_variables(name, value)
            elif not is_header_value(value):
                hint = "Use printable ASCII for it."
                raise refusal(f"the header {name}", "It holds what HTTP cannot carry.", hint)
            elif "${{" in value:
                raise refusal(
                    f"the header {name}",
                    "It holds `${{`, which begins an expression.",
                    "Write it in another way.",
                )
            else:
                yield name, value

    def _with_variables(self, name: str, value: str) -> str:
        if VARIABLE.fullmatch(value):
            return self.inputs.segment(name, None)
        return VARIABLE.sub(lambda found: self.inputs.segment(field_name(found[1], self.id), None), value)

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
                raise refusal("-F", "Two files have the same field.", "Remove one of them.")
            file = VARIABLE.sub(lambda found: found[1].lower(), part.file)
            content = self.inputs.file(name, part.text)
            files[name] = {
                "name": self.inputs.text(f"{name}_name", file, place="form"),
                "content": content,
                "type": part.type or _type_of_file(file),
                **({"is_base64": True} if part.text is None else {}),
            }
            if part.text is None:
                self.notes.append(f"The file of {part.name} was not read: give it as an input, in base64.")
        return made | ({"files": files} if files else {})
