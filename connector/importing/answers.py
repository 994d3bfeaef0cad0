"""What an operation answers, as flat outputs: scalars, lists of scalars, lists of flat rows.

Fields of objects in objects get names such as `owner_login`, to a depth. A list of objects gives rows: its own
plain fields, and those one level below where the expression that takes them out keeps to its length. What is
beyond that is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from connector.expression_parser import MAX_LENGTH
from connector.importing.asked import step
from connector.importing.cleaning import listed, prose
from connector.importing.columns import SCALARS, or_null, rows, words_of
from connector.importing.kinds import kinds_of, kinds_said
from connector.importing.merging import LEFT_OUT, Flattening
from connector.importing.names import UNSAYABLE, input_name_of, unique
from connector.importing.operations import Answer, Media, Operation, is_file, is_text
from connector.importing.spec import Inexpressible, Node, items, mapping, text, whole

_DEEPEST: Final = 3
_MOST_OUTPUTS: Final = 100
_MOST_FIELDS: Final = 2000
_MOST_NESTED: Final = 4  # alternatives in alternatives
_MOST_BRANCHES: Final = 40
_MIXED: Final[Node] = {"x-mixed": True}
_LONGEST_PROSE: Final = 300
_BODILESS: Final = frozenset({"204", "205"})


@dataclass
class Answered:
    """The outputs of one action, while they are put together.

    Attributes:
        answer: what the body is read as.
        schema: of the body, as far as outputs are taken from it.
        outputs: name -> schema.
        expressions: name -> the expression that takes it out.
        accept: the media type to ask for, where it is not plain JSON.
    """

    answer: Literal["json", "text", "bytes"] = "json"
    schema: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    accept: str = ""
    left_out: list[str] = field(default_factory=list)

    def give(self, name: str, schema: Mapping[str, Any], expression: str) -> None:
        """Add an output."""
        name = unique(name, self.outputs)
        self.outputs[name] = dict(schema)
        self.expressions[name] = f"${{{{ {expression} }}}}"


def answered(operation: Operation, flattening: Flattening) -> Answered:
    """The outputs of an operation.

    Raises:
        Inexpressible: if no run of it could succeed.
    """
    made = Answered()
    media = _media(operation)
    if media is None:
        made.give(
            "status", {"type": "integer", "description": "The HTTP status of the answer."}, "response.status"
        )
        return made
    if not media.is_json or is_file(flattening.of(media.schema)):
        made.accept = media.type
        made.answer = "text" if is_text(media.type) and _word(media.type) != "text/html" else "bytes"
        about = f"The answer ({_word(media.type)}){'' if made.answer == 'text' else ', as base64'}."
        encoding = {} if made.answer == "text" else {"contentEncoding": "base64"}
        made.give("content", {"type": "string", "description": about, **encoding}, "response.body")
        return made
    if _word(media.type) not in {"application/json", "*/*", "application/*", "text/json"}:
        made.accept = _word(media.type)
    made.left_out += _others(operation, media)
    _Answering(flattening, made).root(media.schema)
    return made


def _word(kind: str) -> str:
    return kind.partition(";")[0].strip()


def _media(operation: Operation) -> Media | None:
    """The form of the answer of success; None where it has no body."""
    best = _success(operation)
    if best is None or operation.method == "head":
        return None
    return next(iter(_forms(best)), None)


def _forms(answer: Answer) -> list[Media]:
    """The forms of its body, the best first; none for a status that never has a body."""
    if answer.status in _BODILESS:
        return []
    return sorted(answer.media, key=lambda one: (not one.is_json, _word(one.type) != "application/json"))


def _others(operation: Operation, media: Media | None) -> Iterator[str]:
    """The answers of success that have a body of another schema than the one whose fields are taken."""
    for answer in operation.answers:
        forms = _forms(answer) if answer.status.startswith("2") else []
        if media and forms and media.is_json and forms[0].is_json and forms[0].schema != media.schema:
            yield f"the fields of its answer {answer.status}, which are others"


def _success(operation: Operation) -> Answer | None:
    by_status = {answer.status.upper(): answer for answer in operation.answers}
    found = [by_status[status] for status in sorted(by_status) if status.startswith("2")]
    if not found and "DEFAULT" in by_status:
        return by_status["DEFAULT"]
    if not found and any(status.startswith("3") for status in by_status):
        raise Inexpressible("it answers with a redirect, which is not followed")
    with_body = [answer for answer in found if any(media.is_json for media in _forms(answer))]
    with_any = [answer for answer in found if _forms(answer)]
    return next(iter([*with_body, *with_any, *found]), None)


class _Answering:
    def __init__(self, flattening: Flattening, made: Answered) -> None:
        self.flat = flattening.of
        self.alternatives = flattening.alternatives
        self.made = made
        self._known: dict[tuple[int, int], tuple[Node, Node]] = {}

    def root(self, node: Any) -> None:
        """Take the outputs out of a body."""
        flat = self._one(node)
        kinds = kinds_said(flat)
        if kinds == {"array"}:
            schema = self._list("items", flat, "response.body", [])
            if schema is None:
                self._as_it_is()
                return
            self.made.schema = schema
            count = {"type": "integer", "description": "How many there are."}
            self.made.give("count", count, "length(response.body)")
        elif kinds and kinds <= SCALARS:
            self.made.schema = {"type": sorted(kinds)}
            kind, expression = _scalar(kinds, "response.body")
            self.made.give("value", {"type": kind}, expression)
        elif kinds == {"object"} and not mapping(flat.get("properties")):
            self.made.schema = {"type": "object"}
            about = (
                prose(flat.get("description"), _LONGEST_PROSE)
                or "The answer, whose fields have no fixed names."
            )
            self.made.give("answer", {"type": "object", "description": about}, "response.body")
        elif kinds == {"object"}:
            self._object(flat)
        else:
            self._as_it_is()
        if not self.made.outputs:
            self._as_it_is()

    def _as_it_is(self) -> None:
        self.made.schema = {}
        self.made.give("answer", {"description": "The answer, as it is."}, "response.body")

    def _one(self, node: Any, depth: int = _MOST_NESTED) -> Node:
        """A schema whose alternatives, if they are all objects, are put together: each field may be absent."""
        flat = self.flat(node)
        self.made.left_out += (f"of its answer: {why}" for why in items(flat.get(LEFT_OUT)))
        branches = self.alternatives(flat)
        if not branches:
            return flat
        key = (id(flat), depth)
        if key not in self._known:
            self._known[key] = (flat, self._together(flat, branches, depth))
        return self._known[key][1]

    def _together(self, flat: Node, branches: list[Any], depth: int) -> Node:
        if depth == 0:
            return _MIXED
        flats = [self._one(branch, depth - 1) for branch in branches[:_MOST_BRANCHES]]
        real = [one for one in flats if kinds_of(one) != ["null"]]
        if len(real) == 1 and not mapping(flat.get("properties")):
            about = text(flat.get("description")) or real[0].get("description")
            return {**real[0], "description": about, "nullable": True}
        kinds = [kinds_said(one) for one in real]
        if not all(kinds) or not real:
            return _MIXED
        if any(one != {"object"} for one in kinds):
            every = set[str]().union(*kinds)
            return (
                {"type": sorted(every), "description": flat.get("description")}
                if every <= SCALARS
                else _MIXED
            )
        fields: dict[str, Any] = {}
        for one in (flat, *real):
            for name, inner in mapping(one.get("properties")).items():
                is_new = name not in fields or fields[name] is inner
                fields[name] = inner if is_new else self._either(fields[name], inner)
        return {"type": "object", "properties": fields, "description": flat.get("description")}

    def _either(self, one: Any, other: Any) -> Any:
        if kinds_of(self.flat(one)) == kinds_of(self.flat(other)):
            return other if "properties" in self.flat(other) else one
        return {"anyOf": [one, other]}

    def _object(self, flat: Node) -> None:
        """Breadth first, so that what stands outside keeps the shortest names."""
        self.made.schema = {"type": "object", "properties": {}}
        waiting: deque[tuple[Node, tuple[str, ...], dict[str, Any]]] = deque([(flat, (), self.made.schema)])
        seen = 0
        while waiting:
            inside, path, schema = waiting.popleft()
            for said, node in mapping(inside.get("properties")).items():
                here = (*path, whole(str(said)))
                seen += 1
                if len(self.made.outputs) >= _MOST_OUTPUTS or seen > _MOST_FIELDS:
                    self.made.left_out.append(
                        f"the output {'.'.join(here)} and those after it, which are too many"
                    )
                    waiting.clear()
                    break
                if (found := self._inside(node, here, schema)) is not None:
                    waiting.append(found)
        _prune(self.made.schema)

    def _inside(
        self, node: Any, here: tuple[str, ...], schema: dict[str, Any]
    ) -> tuple[Node, tuple[str, ...], dict[str, Any]] | None:
        """Add the output of a field; or, if it is an object, where to go on."""
        one = self._one(node)
        found = None if one.get("writeOnly") is True else self._field(one, here)
        if found is None:
            return None
        if "properties" in found and len(here) >= _DEEPEST:
            self.made.left_out.append(f"the output {'.'.join(here)}, which is nested deeper")
            return None
        schema["properties"][here[-1]] = found
        return (one, here, found) if "properties" in found else None

    def _field(self, flat: Node, here: tuple[str, ...]) -> dict[str, Any] | None:
        """The schema of a field in the answer, its output added; with `properties`, if its own fields are to be."""
        kinds = kinds_said(flat)
        where = ".".join(here)
        expression = ".".join(["response.body", *map(step, here)])
        if UNSAYABLE.intersection(here) or len(expression) > MAX_LENGTH - 20:
            self.made.left_out.append(f"the output {where}, whose name an expression cannot say")
            return None
        if kinds and kinds <= SCALARS:
            kind, expression = _scalar(kinds, expression)
            self.made.give(_name(here), words_of(flat, kind, where), expression)
            return {"type": or_null(*sorted(kinds))}
        if kinds == {"array"}:
            return self._list(_name(here), flat, expression, list(here))
        if kinds == {"object"}:
            if mapping(flat.get("properties")):
                return {"type": or_null("object"), "properties": {}}
            self.made.give(_name(here), words_of(flat, "object", where), expression)
            return {"type": or_null("object")}
        self.made.left_out.append(f"the output {where}, which has no one type")
        return None

    def _list(self, name: str, flat: Node, expression: str, here: list[str]) -> dict[str, Any] | None:
        item = self._one(flat.get("items"))
        kinds = kinds_said(item)
        words = words_of(flat, "array", ".".join(here))
        if len(kinds) == 1 and kinds <= SCALARS:
            (kind,) = kinds
            self.made.give(name, {**words, "items": {"type": kind}}, expression)
            return {"type": or_null("array"), "items": {"type": kind}}
        if kinds == {"object"} and mapping(item.get("properties")):
            found = rows(item, expression, self._one)
            if found.columns:
                row = {"type": "object", "properties": dict(found.columns)}
                self.made.give(name, {**words, "items": row}, found.expression)
                if found.left_out:
                    self.made.left_out.append(f"{name}: without {listed(found.left_out)}")
                return {
                    "type": or_null("array"),
                    "items": {"type": "object", "properties": dict(found.schema)},
                }
        if kinds == {"object"}:
            self.made.give(name, {**words, "items": {"type": "object"}}, expression)
            return {"type": or_null("array"), "items": {"type": "object"}}
        self.made.left_out.append(f"the output {'.'.join(here) or name}, a list whose items are not flat")
        return None


def _scalar(kinds: set[str], expression: str) -> tuple[str, str]:
    """The type of an output that may have several, and its expression: text, if they have nothing in common."""
    if len(kinds) == 1:
        return next(iter(kinds)), expression
    if kinds == {"integer", "number"}:
        return "number", expression
    return "string", f"to_string({expression})"


def _name(here: tuple[str, ...]) -> str:
    return input_name_of("_".join(here))


def _prune(schema: dict[str, Any]) -> None:
    """Remove objects of which no field was taken."""
    for name, inner in list(schema.get("properties", {}).items()):
        if isinstance(inner, dict) and "properties" in inner:
            _prune(inner)
            if not inner["properties"]:
                del schema["properties"][name]
