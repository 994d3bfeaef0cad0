"""The body of a request: fields of JSON or of a form as inputs, or one input for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from connector.importing.asked import Asked, of_texts, reference
from connector.importing.cleaning import prose, shown
from connector.importing.operations import Media, Operation
from connector.importing.schemas import DEPTHS, MAX_SIZE, Shaped, Shaping, described, kinds_of
from connector.importing.spec import Inexpressible, Node, items, mapping, text, whole

_LONGEST_PROSE: Final = 1000
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class Bodies:
    """Adds the body of an operation to what is asked."""

    def __init__(self, operation: Operation, shaping: Shaping, made: Asked) -> None:
        self.operation = operation
        self.shaping = shaping
        self.made = made
        self._inputs: dict[str, Shaped] = {}

    def add(self) -> None:
        """Add it.

        Raises:
            Inexpressible: if it cannot be sent, and the operation needs it.
        """
        try:
            if self.operation.method == "get":
                raise Inexpressible("a GET request has no body")
            media = self._chosen()
            if media.is_json:
                self._json(media)
            else:
                self._form(media)
        except Inexpressible as error:
            if self.operation.is_body_required:
                raise Inexpressible(f"its body: {error}") from None
            self.made.left_out.append(f"its body: {error}")

    def _chosen(self) -> Media:
        media = self.operation.bodies
        plain = [one for one in media if one.is_json and one.type.lower().startswith("application/json")]
        for one in (*plain, *(one for one in media if one.is_json)):
            return one
        for form in _FORMS:
            for one in media:
                if one.type.partition(";")[0].strip().lower() == form:
                    return one
        kinds = ", ".join(dict.fromkeys(one.type for one in media))
        raise Inexpressible(f"an action sends JSON or a form, not {kinds}")

    def _json(self, media: Media) -> None:
        flat = self.shaping.flat(media.schema)
        example = next((value for value in self._examples(media, flat) if isinstance(value, Mapping)), {})
        fields = self._fields(flat)
        if fields and not self.shaping.has_alternatives(flat) and "array" not in kinds_of(flat):
            required = self._required(flat)
            body: dict[str, str] = {}
            for name, part in fields.items():
                examples = (example[name],) if name in example else ()
                key = self._add(name, part, is_required=name in required, examples=examples)
                body[whole(name)] = f"${{{{ {reference(key)} }}}}"
            self._something()
            if flat.get("additionalProperties") not in (None, False):
                self.made.left_out.append("its body: fields beyond the named ones")
            self.made.request["body"] = body
        else:
            part = self.shaping.fitting(media.schema)
            part = described(part, prose(self.operation.body_description, _LONGEST_PROSE))
            name = self.made.add(
                "body", part, "json", is_required=self.operation.is_body_required, examples=tuple(media.examples)
            )
            self.made.request["body"] = f"${{{{ inputs.{name} }}}}"
        kind = media.type.partition(";")[0].strip()
        if kind.lower() not in {"application/json", "*/*", "application/*"}:
            self.made.request.setdefault("headers", {})["Content-Type"] = kind

    def _add(self, name: str, part: Shaped, *, is_required: bool, examples: tuple[Any, ...] = ()) -> str:
        """Add an input for a field; its name."""
        if self.operation.method == "patch" and "default" in part.schema:
            # what a change does not name is to stay: the default is the service's, for what is new
            said = f"{part.schema.get('description', '')} The service's default is {shown(part.schema['default'])}."
            schema = {word: value for word, value in part.schema.items() if word != "default"}
            part = replace(part, schema={**schema, "description": said.strip()})
        key = self.made.add(name, part, "body", is_required=is_required, examples=examples)
        self._inputs[key] = part
        return key

    def _something(self) -> None:
        """Have the example send a body where one is required, and none of its fields is."""
        if self.operation.is_body_required and not self.made.example.keys() & self._inputs.keys():
            for key, part in self._inputs.items():
                if part.sample not in (None, {}, []) and "default" not in part.schema:
                    self.made.example[key] = part.sample
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
        if is_nested and not ("multipart" in media.type or is_json):
            raise Inexpressible("its values are nested, and the form that they get is not known")
        if "array" in kinds and not is_nested and how.get("explode") is False:
            key = self._add(name, of_texts(part), is_required=name in required, examples=examples)
            return f"${{{{ join(',', {reference(key)}) }}}}"
        key = self._add(name, part, is_required=name in required, examples=examples)
        return f"${{{{ to_string({reference(key)}) }}}}" if is_nested or is_json else f"${{{{ {reference(key)} }}}}"

    def _is_file(self, node: Any) -> bool:
        flat = self.shaping.flat(node)
        is_binary = flat.get("format") == "binary" or "contentMediaType" in flat
        return flat.get("type") == "file" or (is_binary and "array" not in kinds_of(flat))

    def _file(self, name: str, part: Shaped, media: Media, *, is_required: bool) -> dict[str, str]:
        schema = {word: part.schema[word] for word in ("description",) if word in part.schema}
        content = Shaped({"type": "string", **schema}, "example", part.size)
        key = self._add(name, content, is_required=is_required)
        about = {"type": "string", "default": name, "minLength": 1, "description": "The name of the file."}
        called = self.made.add(f"{key}_name", Shaped(about, name), "body", is_required=False)
        kind = text(mapping(media.encoding.get(name)).get("contentType")).partition(",")[0].strip()
        made = {"name": f"${{{{ inputs.{called} }}}}", "content": f"${{{{ inputs.{key} }}}}"}
        return {**made, "type": kind} if kind and "*" not in kind else made
