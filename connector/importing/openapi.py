"""A connector from an OpenAPI document: one action an operation, and what could not be said.

bytes --source--> Spec --operations--> Operation --asking, answers--> action --openapi--> Imported
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.errors import ManifestError, Problem, did_you_mean
from connector.importing import openapi_three, source, swagger_two
from connector.importing.answers import Answered, answered
from connector.importing.asked import Asked
from connector.importing.asking import asked
from connector.importing.cleaning import prose
from connector.importing.credentials import Credential, credential
from connector.importing.draft import Draft
from connector.importing.effects import effects
from connector.importing.merging import Flattening
from connector.importing.names import id_of, title_of
from connector.importing.operations import Found, Operation, Unread, found, security_of
from connector.importing.schemas import Shaping
from connector.importing.servers import Server, server
from connector.importing.skeleton import skeleton
from connector.importing.spec import Inexpressible, Node, Spec, mapping, text

_LONGEST_DESCRIPTION = 2000


@dataclass(frozen=True)
class Wanted:
    """Which operations become actions: all, unless some are named or tagged.

    `id` and `name` are the connector's, where the document's title is not to be its name.
    """

    operations: Collection[str] = ()
    tags: Collection[str] = ()
    id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Imported:
    """What became of a document.

    Attributes:
        draft: the connector.
        operations: how many the document has, of those that were wanted.
        unread: the operations without an action, each with its reason.
        read: action -> the operation it was made of.
        remarks: action -> what its operation says beyond it.
        about: what the document says of the connection that it does not have.
    """

    draft: Draft
    operations: int
    unread: tuple[Unread, ...]
    read: dict[str, Operation]
    remarks: dict[str, tuple[str, ...]]
    about: tuple[str, ...]


def imported(content: bytes, name: str, wanted: Wanted = Wanted()) -> Imported:
    """The connector that a document describes.

    Args:
        content: an OpenAPI 3 or Swagger 2.0 document, JSON or YAML.
        name: its name, as errors show it.
        wanted: which of its operations.

    Raises:
        ManifestError: if it cannot be read, has no operation, or none that is wanted becomes an action.
    """
    root = source.parse(content, name)
    version = source.version_of(root)
    spec = Spec(root, "2.0" if version.startswith("2") else version[:3])
    every = list(found(spec))
    chosen = list(_chosen(every, wanted, name, mapping(root.get("webhooks"))))
    unread = [one for one in chosen if isinstance(one, Unread)]
    operations: list[Operation] = []
    for one in chosen:
        if isinstance(one, Found):
            try:
                operations.append(_read(spec, one))
            except Inexpressible as error:
                unread.append(_unread(one, str(error)))
    signed = credential(spec, operations)
    where = server(spec, operations)
    writing = _Writing(spec, signed, where)
    actions: dict[str, dict[str, Any]] = {}
    remarks: dict[str, tuple[str, ...]] = {}
    for operation in operations:
        try:
            actions[operation.id], remarks[operation.id] = writing.action(operation)
        except Inexpressible as error:
            unread.append(_unread(operation, str(error)))
        except RecursionError:
            unread.append(_unread(operation, "its schemas are nested too deep"))
    if not actions:
        message = f"None of its {len(chosen)} operations can be an action."
        why = f"{unread[0].label}: {unread[0].why}." if unread else "It describes none."
        raise ManifestError([Problem(name, message, why)])
    about = (*signed.left_out, *where.left_out)
    read = {operation.id: operation for operation in operations if operation.id in actions}
    draft = Draft(writing.connector(wanted), actions)
    return _told(Imported(draft, len(chosen), tuple(unread), read, remarks, about))


def without(made: Imported, refused: Mapping[str, str]) -> Imported:
    """The same without some actions, each refused for a reason."""
    actions = {name: action for name, action in made.draft.actions.items() if name not in refused}
    unread = [_unread(made.read[name], why) for name, why in refused.items()]
    remarks = {name: said for name, said in made.remarks.items() if name not in refused}
    draft = Draft(made.draft.connector, actions)
    return _told(replace(made, draft=draft, unread=(*made.unread, *unread), remarks=remarks))


def _told(made: Imported) -> Imported:
    """The same, its draft with the sentences of what is left out."""
    left_out = (
        *made.about,
        *(f"{one.label} ({one.said_id or one.id}): {one.why}" for one in made.unread),
        *(f"{action}: {remark}" for action, said in made.remarks.items() for remark in said),
    )
    return replace(made, draft=replace(made.draft, left_out=left_out))


def _read(spec: Spec, at: Found) -> Operation:
    return swagger_two.read(spec, at) if spec.version == "2.0" else openapi_three.read(spec, at)


def _unread(one: Found | Operation, why: str) -> Unread:
    return Unread(one.id, one.said_id, one.label, one.tags, why)


def _chosen(
    every: list[Found | Unread], wanted: Wanted, name: str, webhooks: Node
) -> Iterator[Found | Unread]:
    """The operations that are wanted.

    Raises:
        ManifestError: if there is no operation, or one that is named does not exist.
    """
    if not every:
        what = "only webhooks, which a connector does not receive" if webhooks else "no operation"
        raise ManifestError([Problem(name, f"It describes {what}.", "Give a document with `paths`.")])
    known = {id_ for one in every for id_ in (one.id, one.said_id) if id_}
    tags = {tag for one in every for tag in one.tags}
    problems = [
        Problem("--operation", f"The document has no operation {id_!r}.", did_you_mean(id_, known))
        for id_ in wanted.operations
        if id_ not in known
    ]
    problems += [
        Problem("--tag", f"The document has no tag {tag!r}.", did_you_mean(tag, tags))
        for tag in wanted.tags
        if tag not in tags
    ]
    if problems:
        raise ManifestError(problems)
    for one in every:
        by_name = one.id in wanted.operations or (one.said_id and one.said_id in wanted.operations)
        if by_name or set(wanted.tags) & set(one.tags) or not (wanted.operations or wanted.tags):
            yield one


class _Writing:
    """Writes the files of a connector."""

    def __init__(self, spec: Spec, signed: Credential, where: Server) -> None:
        self.spec = spec
        self.signed = signed
        self.where = where
        self.flattening = Flattening(spec)
        self.shaping = Shaping(self.flattening)
        self.everywhere = security_of(spec.root)

    def action(self, operation: Operation) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What actions/<id>.yaml holds, and what the operation says beyond it.

        Raises:
            Inexpressible: if no action can be made of it.
        """
        left_out: list[str] = []
        if not self.signed.serves(operation, self.everywhere):
            choices = operation.security if operation.security is not None else self.everywhere
            said = " or ".join(" and ".join(choice) for choice in choices or ())
            left_out.append(f"its security ({said}), which the connection does not have")
        prefix, own_url = self.where.of(operation)
        self.shaping.begin()
        takes, gives = asked(operation, self.shaping, self.signed), answered(operation, self.flattening)
        takes.request["path"] = prefix + takes.request["path"]
        if own_url:
            takes.request["base_url"] = own_url
        if gives.accept:
            takes.request["headers"] = {"Accept": gives.accept, **takes.request.get("headers", {})}
        left_out += [*takes.left_out, *gives.left_out]
        return _action(operation, takes, gives), tuple(dict.fromkeys(left_out))

    def connector(self, wanted: Wanted) -> dict[str, Any]:
        """What connector.yaml holds."""
        info = mapping(self.spec.root.get("info"))
        name = wanted.name or prose(info.get("title"), 80) or "Imported"
        link = text(mapping(self.spec.root.get("externalDocs")).get("url"))
        return skeleton(
            id=wanted.id or id_of(name, "api"),
            name=name,
            version=text(info.get("version")) or "0",
            description=prose(info.get("description"), _LONGEST_DESCRIPTION) or f"The API of {name}.",
            base_url=self.where.url,
            about_base_url=self.where.about,
            auth=self.signed.auth,
            fields={**self.signed.fields, **self.where.fields},
            link=link if link.startswith(("https://", "http://")) and link.isascii() else "",
        )


def _action(operation: Operation, takes: Asked, gives: Answered) -> dict[str, Any]:
    name = prose(operation.summary, 80).replace("\n", " ").rstrip(".")
    title = title_of(operation.id) if operation.said_id.isascii() else prose(operation.said_id, 80)
    description = prose(operation.description, _LONGEST_DESCRIPTION) or name or operation.label
    if operation.is_deprecated:
        description = f"Deprecated by the vendor. {description}"
    route: dict[str, Any] = {"request": takes.request}
    if gives.answer != "json":
        route["answer"] = gives.answer
    if gives.schema:
        route["response"] = gives.schema
    route["outputs"] = gives.expressions
    return {
        "id": operation.id,
        "name": name or title,
        "description": description,
        "inputs": takes.inputs(),
        **({"rules": takes.rules} if takes.rules else {}),
        "outputs": {"type": "object", "properties": gives.outputs},
        **effects(operation.method.upper()),
        "routes": {"main": route},
        "examples": [{"id": "example", "title": name or title, "inputs": takes.example}],
    }
