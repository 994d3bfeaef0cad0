"""Where requests go: from the servers of a document to the URLs of a connection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from connector.destination import checked_base_url
from connector.errors import CredentialError
from connector.importing.cleaning import prose
from connector.importing.names import id_of, title_of, unique
from connector.importing.operations import Operation
from connector.importing.spec import Inexpressible, Node, Spec, items, mapping, mappings, text


@dataclass(frozen=True)
class Server:
    """Where requests go: a URL, empty where people have to give it; and what the document says of it."""

    url: str
    about: str
    left_out: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """The URLs of single operations, each with the field of the connection that holds it."""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields for those URLs."""
        return {
            name: {
                "type": "string",
                "title": title_of(name).replace("Url", "URL"),
                "description": "Where some of the requests go.",
                "format": "uri",
                "default": url,
            }
            for url, name in self.elsewhere.items()
        }

    def of(self, operation: Operation) -> tuple[str, str | None]:
        """Where an operation is: what stands before its path, and the expression for a URL of its own.

        Raises:
            Inexpressible: if no key may be sent there.
        """
        own = server_of(operation)
        if not own or own == self.url:
            return "", None
        if self.url and own.startswith(f"{self.url}/"):
            return own.removeprefix(self.url), None
        if own not in self.elsewhere:
            raise Inexpressible(f"it is served at {own}, where no key may be sent")
        return "", f"${{{{ connection.{self.elsewhere[own]} }}}}"


_SECRET: Final = re.compile(r"(?i)(key|token|secret|password)\Z")
_PLACEHOLDERS: Final = (
    "example",
    "your",
    "my",
    "subdomain",
    "domain",
    "tenant",
    "host",
    "{",
    "<",
    "localhost",
)


def server(spec: Spec, operations: Iterable[Operation]) -> Server:
    """The first server of the document that a key may be sent to; where it names none, that of most operations."""
    said: list[Node] = [{"url": url} for url in _urls_of_two(spec.root)]
    if spec.version != "2.0":
        said = list(mappings(spec.root.get("servers")))
        said = [] if [text(node.get("url")) for node in said] == ["/"] else said
    if not said:
        own = Counter(url for operation in operations if (url := server_of(operation)))
        said = [{"url": url} for url, _ in own.most_common()]
    found = [_filled(node) for node in said if text(node.get("url"))]
    url = next(filter(is_base_url, found), "").rstrip("/")
    elsewhere = _elsewhere(url, operations)
    if url:
        others = [other for other in found if other.rstrip("/") != url]
        sentences = [f"The document also names {', '.join(others[:5])}."] if others else []
        sentences += _choices(next(node for node in said if _filled(node).rstrip("/") == url))
        return Server(url, " ".join(sentences), (), elsewhere)
    names = ", ".join(text(node.get("url")) for node in said[:3])
    why = f"the document names {names}" if names else "the document names no server"
    left_out = (f"the base URL: {why}, so the connection asks for it",)
    return Server("", f"Where the service is; {why}.", left_out, elsewhere)


def _choices(node: Node) -> Iterator[str]:
    """What the variables of a server may be."""
    for name, said in mapping(node.get("variables")).items():
        variable = mapping(said)
        choices = [text(choice) for choice in items(variable.get("enum"))]
        about = prose(variable.get("description"), 200).rstrip(".")
        if len(choices) > 1:
            meaning = f" ({about})" if about else ""
            yield f"In {text(node.get('url'))}, {name}{meaning} is {' or '.join(choices[:12])}."


def _elsewhere(url: str, operations: Iterable[Operation]) -> dict[str, str]:
    """The URLs of operations that are served by another host than the rest: URL -> name of a field."""
    made: dict[str, str] = {}
    for operation in operations:
        own = server_of(operation)
        if own and own != url and not (url and own.startswith(f"{url}/")) and is_base_url(own):
            word = id_of((urlsplit(own).hostname or "").partition(".")[0], "other")
            made.setdefault(own, unique(f"{word[:40]}_url", {*made.values(), "base_url"}))
    return made


def server_of(operation: Operation) -> str:
    """The server that an operation has for itself; empty if it has none."""
    urls = [_filled(node).rstrip("/") for node in operation.servers if text(node.get("url")) not in {"", "/"}]
    return next(filter(is_base_url, urls), urls[0] if urls else "")


def is_base_url(url: str) -> bool:
    """Whether a key may be sent there."""
    try:
        checked_base_url(url, where="")
    except CredentialError:
        return False
    return "{" not in url


def _urls_of_two(root: Node) -> list[str]:
    host = text(root.get("host"))
    if not host:
        return []
    schemes = root.get("schemes")
    listed = [text(scheme) for scheme in schemes] if isinstance(schemes, list) and schemes else ["https"]
    path = text(root.get("basePath"))
    path = path if path.startswith("/") or not path else f"/{path}"
    order = sorted(listed, key=lambda scheme: scheme != "https")
    return [
        f"{scheme}://{host}{'' if path == '/' else path}" for scheme in order if scheme in {"http", "https"}
    ]


def _filled(node: Node) -> str:
    """The URL with the defaults of its variables; without those that only stand for a value of one's own."""
    url = text(node.get("url"))
    for name, variable in mapping(node.get("variables")).items():
        default = text(mapping(variable).get("default"))
        has_choice = bool(mapping(variable).get("enum"))
        in_host = f"{{{name}}}" in urlsplit(url).netloc
        if _SECRET.search(name):  # a default would be somebody's key
            continue
        if default and (has_choice or not in_host or not default.lower().startswith(_PLACEHOLDERS)):
            url = url.replace(f"{{{name}}}", default)
    return f"https:{url}" if url.startswith("//") else url
