"""The body of a request: fields of JSON or of a form as inputs, or one input for all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from connector.importing.asked import Asked, of_texts, reference
from connector.importing.cleaning import Unusable, prose, shown, usable
from connector.importing.kinds import kinds_of
from connector.importing.operations import Media, Operation, is_file, is_text
from connector.importing.schemas import DEPTHS, Shaping
from connector.importing.shaped import MAX_SIZE, Shaped, described
from connector.importing.spec import Inexpressible, Node, items, mapping, text, whole

_LONGEST_PROSE: Final = 1000
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+(\s*;[ -~]*)?")
_ONLY_NEEDS: Final = {"required", "title", "description"}
_MOST_RULES: Final = 10
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def _word(media: Media) -> str:
    return media.type.partition(";")[0].strip().lower()


def _order(media: Media) -> int:
    """Which of several forms is sent: the first one that people can fill in field by field."""
    word = _word(media)
    listed = ("application/json", "application/merge-patch+json")
    if media.is_json:
        return listed.index(word) if word in listed else 3 if "json-patch" in word else 2
    return 4 + (_FORMS.index(word) if word in _FORMS else 2 if is_text(word) else 3)


def _concrete(kind: str) -> str:
    """A media type that can be said of a body, for one that stands for several."""
    made = {"image/*": "image/png", "audio/*": "audio/mpeg", "video/*": "video/mp4", "text/*": "text/plain"}
    return kind if "*" not in kind else made.get(kind, "application/octet-stream")


class Bodies:
    """Adds the body of an operation to what is asked."""

    def __init__(self, operation: Operation, shaping: Shaping, made: Asked) -> None:
        self.operation = operation
        self.shaping = shaping
        self.made = made
        self._inputs: dict[str, Shaped] = {}
        self._said: dict[str, str] = {}
        self._is_sent = operation.is_body_required or operation.method in {"post", "put", "patch"}
        # what a change does not name is to stay, and what nobody asks for is no body
        self._sends_defaults = operation.method != "patch" and operation.is_body_required

    def add(self) -> None:
        """Add it.

        Raises:
            Inexpressible: if it cannot be sent, and the operation needs it.
        """
        try:
            if self.operation.method == "get":
                raise Inexpressible("a GET request has no body")
            media = self._chosen()
            if media.is_json and not is_file(self.shaping.flat(media.schema)):
                self._json(media)
            elif _word(media) in _FORMS:
                self._form(media)
            else:
                self._raw(media)
        except Inexpressible as error:
            if self.operation.is_body_required:
                raise Inexpressible(f"its body: {error}") from None
            self.made.left_out.append(f"its body: {error}")

    def _chosen(self) -> Media:
        media = self.operation.bodies
        if not any(_TYPE.fullmatch(one.type) for one in media):
            raise Inexpressible(
                f"it has no media type that can be sent ({', '.join(one.type for one in media)})"
            )
        return min((one for one in media if _TYPE.fullmatch(one.type)), key=_order)

    def _json(self, media: Media) -> None:
        flat = self.shaping.flat(media.schema)
        example = next((value for value in self._examples(media, flat) if isinstance(value, Mapping)), {})
        fields = self._fields(flat)
        choices = self.shaping.alternatives(flat)
        if fields and all(set(choice) <= _ONLY_NEEDS for choice in choices) and "array" not in kinds_of(flat):
            required = self._required(flat)
            body: dict[str, str] = {}
            for name, part in fields.items():
                examples = (example[name],) if name in example else ()
                key = self._add(name, part, is_required=name in required, examples=examples)
                body[whole(name)] = f"${{{{ {reference(key)} }}}}"
            self._one_of(choices)
            self._something()
            self._together(flat)
            if flat.get("additionalProperties") not in (None, False):
                self.made.left_out.append("its body: fields beyond the named ones")
            self.made.request["body"] = body
        else:
            self.made.request["body"] = self._whole(self.shaping.fitting(media.schema), media)
        kind = media.type.partition(";")[0].strip()
        if kind.lower() not in {"application/json", "*/*", "application/*"}:
            self.made.request.setdefault("headers", {})["Content-Type"] = kind

    def _add(self, name: str, part: Shaped, *, is_required: bool, examples: tuple[Any, ...] = ()) -> str:
        """Add an input for a field; its name."""
        if not self._sends_defaults and "default" in part.schema:
            said = f"{part.schema.get('description', '')} The service's default is {shown(part.schema['default'])}."
            schema = {word: value for word, value in part.schema.items() if word != "default"}
            part = replace(part, schema={**schema, "description": said.strip()})
        key = self.made.add(name, part, "body", is_required=is_required, examples=examples)
        self._inputs[key], self._said[key] = part, name
        return key

    def _one_of(self, choices: list[Node]) -> None:
        """Of alternatives that only say which fields they need, the example has the first one's."""
        keys = {said: key for key, said in self._said.items()}
        needed = [
            [keys[name] for name in map(str, items(one.get("required"))) if name in keys] for one in choices
        ]
        if needed and self.operation.is_body_required:
            for key in needed[0]:
                self.made.example.setdefault(key, self._inputs[key].sample)
        if any(needed):
            said = " or ".join(" and ".join(names) for names in needed if names)
            self.made.left_out.append(f"its body: that it needs {said}")

    def _together(self, flat: Node) -> None:
        """Where the body is optional, and needs some fields as soon as it is sent: rules that say so."""
        needed = set(map(str, items(flat.get("required"))))
        keys = [key for key, said in self._said.items() if said in needed]
        if self.operation.is_body_required or not keys:
            return
        for key in keys[:_MOST_RULES]:
            others = [other for other in self._inputs if other != key]
            if others:
                say = f"A body needs {key}: give it, or none of the other fields."
                self.made.rules.append({"requires": dict.fromkeys(others, key), "say": say})
            self.made.example.setdefault(key, self._inputs[key].sample)

    def _something(self) -> None:
        """Have the example send a body, where none of its fields is required."""
        if self._is_sent and not self.made.example.keys() & self._inputs.keys():
            given = [(key, part.sample) for key, part in self._inputs.items() if part.sample is not None]
            for key, sample in sorted(given, key=lambda one: one[1] in ({}, [])):
                self.made.example[key] = sample
                return

    def _examples(self, media: Media, flat: Node) -> list[Any]:
        return [*media.examples, *([flat["example"]] if "example" in flat else [])]

    def _required(self, flat: Node) -> set[str]:
        return set(map(str, items(flat.get("required")))) if self.operation.is_body_required else set()

    def _fields(self, flat: Node) -> dict[str, Shaped]:
        """The fields of an object, written out as deep as the size allows; none if it is no object."""
        kinds = kinds_of(flat)
        said = {
            str(name): node
            for name, node in mapping(flat.get("properties")).items()
            if not self.shaping.is_read_only(node) and "${{" not in str(name)
        }
        if not said or (kinds and "object" not in kinds):
            return {}
        for depth in DEPTHS:
            made = {name: self.shaping.shaped(node, depth) for name, node in said.items()}
            if sum(part.size for part in made.values()) <= MAX_SIZE:
                return made
        return {}

    def _whole(self, part: Shaped, media: Media) -> str:
        """One input for all of the body: the expression that reads it."""
        part = described(part, prose(self.operation.body_description, _LONGEST_PROSE))
        is_required = self.operation.is_body_required
        name = self.made.add("body", part, "whole", is_required=is_required, examples=media.examples)
        if self._is_sent and part.sample is not None and "default" not in part.schema:
            self.made.example.setdefault(name, part.sample)
        return f"${{{{ {reference(name)} }}}}"

    def _raw(self, media: Media) -> None:
        is_base64 = not is_text(media.type)
        encoding = {"contentEncoding": "base64"} if is_base64 else {}
        about = f"The body ({_word(media)}){', as base64' if is_base64 else ''}."
        schema = {"type": "string", "description": about, **encoding}
        sample = next((value for value in media.examples if isinstance(value, str) and value), "example")
        part = Shaped(schema, "ZXhhbXBsZQ==" if is_base64 else usable_text(sample))
        value = self._whole(part, replace(media, examples=()))
        content: dict[str, Any] = {"value": value, "type": _concrete(media.type)}
        self.made.request["content"] = {**content, "is_base64": True} if is_base64 else content
        if content["type"] != media.type:
            self.made.left_out.append(f"its body: {media.type}, which is sent as {content['type']}")

    def _form(self, media: Media) -> None:
        flat = self.shaping.flat(media.schema)
        fields = self._fields(flat)
        if not fields:
            raise Inexpressible("its form has no fields that are named")
        is_multipart = "multipart" in media.type
        required = self._required(flat)
        form: dict[str, Any] = {}
        files: dict[str, Any] = {}
        examples = mapping(next(iter(self._examples(media, flat)), {}))
        for name, part in fields.items():
            node = mapping(flat["properties"])[name]
            try:
                if is_multipart and self._is_file(node):
                    files[name] = self._file(name, part, media, is_required=name in required)
                else:
                    given = (examples[name],) if name in examples else ()
                    form[name] = self._value(name, part, node, media, required, given)
            except Inexpressible as error:
                if name in required:
                    raise Inexpressible(f"the field {name!r}, which it needs: {error}") from None
                self.made.left_out.append(f"the field {name!r} of its form: {error}")
        self._something()
        self._together(flat)
        if form:
            self.made.request["form"] = form
        if files:
            self.made.request["files"] = files
        if not is_multipart:
            self.made.request["form_as"] = "urlencoded"

    def _value(
        self, name: str, part: Shaped, node: Any, media: Media, required: set[str], examples: tuple[Any, ...]
    ) -> str:
        how = mapping(media.encoding.get(name))
        kinds = set(kinds_of(self.shaping.flat(node))) - {"null"}
        is_json = "json" in text(how.get("contentType"))
        inner = set(kinds_of(self.shaping.flat(self.shaping.flat(node).get("items"))))
        is_nested = "object" in kinds or ("array" in kinds and bool({"object", "array"} & inner))
        is_nested |= not kinds and self.shaping.may_be(node, "object", "array")
        is_deep = text(how.get("style")) == "deepObject"
        if is_nested and is_deep and not is_json:
            self.made.request["nested"] = "brackets"
            key = self._add(name, part, is_required=name in required, examples=examples)
            return f"${{{{ {reference(key)} }}}}"
        if is_nested and not ("multipart" in media.type or is_json):
            if not kinds:
                plain = self.shaping.plain_part(part)
                if plain is not None:
                    self.made.left_out.append(f"{name}: without its nested values, whose form is not known")
                    key = self._add(name, plain, is_required=name in required, examples=examples)
                    return f"${{{{ {reference(key)} }}}}"
            raise Inexpressible("its values are nested, and the form that they get is not known")
        if "array" in kinds and not is_nested and how.get("explode") is False:
            key = self._add(name, of_texts(part), is_required=name in required, examples=examples)
            return f"${{{{ join(',', {reference(key)}) }}}}"
        key = self._add(name, part, is_required=name in required, examples=examples)
        return (
            f"${{{{ to_string({reference(key)}) }}}}"
            if is_nested or is_json
            else f"${{{{ {reference(key)} }}}}"
        )

    def _is_file(self, node: Any) -> bool:
        flat = self.shaping.flat(node)
        return is_file(flat) or ("array" in kinds_of(flat) and is_file(self.shaping.flat(flat.get("items"))))

    def _file(self, name: str, part: Shaped, media: Media, *, is_required: bool) -> dict[str, Any]:
        schema = {word: part.schema[word] for word in ("description",) if word in part.schema}
        one = {"type": "string", "contentEncoding": "base64"}
        content = Shaped({**one, **schema}, "ZXhhbXBsZQ==")
        if part.schema.get("type") == "array":
            content = Shaped({"type": "array", "items": one, **schema}, ["ZXhhbXBsZQ=="])
        key = self._add(name, content, is_required=is_required)
        about = {"type": "string", "default": name, "minLength": 1, "description": "The name of the file."}
        called = self.made.add(f"{key}_name", Shaped(about, name), "body", is_required=False)
        kind = text(mapping(media.encoding.get(name)).get("contentType")).partition(",")[0].strip()
        made = {
            "name": f"${{{{ {reference(called)} }}}}",
            "content": f"${{{{ {reference(key)} }}}}",
            "is_base64": True,
        }
        return {**made, "type": kind} if kind and "*" not in kind else made


def usable_text(value: str) -> str:
    """The text, if a manifest may hold it."""
    try:
        return str(usable(value))
    except Unusable:
        return "example"
