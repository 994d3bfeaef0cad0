"""What an operation takes, as the inputs of an action and the request that they fill."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from connector.importing.asked import Asked, of_texts, reference
from connector.importing.bodies import Bodies
from connector.importing.cleaning import prose
from connector.importing.credentials import Credential
from connector.importing.kinds import kinds_of
from connector.importing.operations import Operation, Parameter
from connector.importing.schemas import Shaping
from connector.importing.shaped import MAX_SIZE, Shaped, described
from connector.importing.spec import Inexpressible, mapping
from connector.soundness import HTTP_OWN, header_name_fault

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_LONGEST_PROSE: Final = 1000
_SPECIAL_HEADERS: Final = {
    *(
        "accept",
        "content-type",
        "content-length",
        "host",
        "connection",
        "transfer-encoding",
        "accept-encoding",
    ),
}
_CREDENTIAL_HEADERS: Final = {"authorization", "cookie", "proxy-authorization"}
_SEPARATORS: Final = {"spaceDelimited": " ", "pipeDelimited": "|", "form": ",", "simple": ","}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def asked(operation: Operation, shaping: Shaping, credential: Credential) -> Asked:
    """The inputs and the request of an operation.

    Raises:
        Inexpressible: if no request can be made without something that a manifest cannot say.
    """
    made = Asked(left_out=list(operation.left_out))
    if operation.method not in METHODS:
        raise Inexpressible(f"an action cannot send {operation.method.upper()}")
    asking = _Asking(operation, shaping, credential, made)
    made.request["method"] = operation.method.upper()
    made.request["path"] = asking.path()
    asking.queries()
    asking.headers()
    asking.cookies()
    if operation.bodies:
        Bodies(operation, shaping, made).add()
    return made


class _Asking:
    def __init__(self, operation: Operation, shaping: Shaping, credential: Credential, made: Asked) -> None:
        self.operation = operation
        self.shaping = shaping
        self.credential = credential
        self.made = made
        self.segments: dict[str, str] = {}

    def path(self) -> str:
        """The path with expressions for its parameters."""
        path, _, fragment = self.operation.path.partition("#")
        if fragment:
            self.made.left_out.append(f"#{fragment} of its path, which is never sent")
        path, _, query = path.partition("?")
        declared = {p.name: p for p in self.operation.parameters if p.place == "path"}
        said = self._filled(path, declared, quoted=True)
        for name, value in parse_qsl(query.replace(";", "&"), keep_blank_values=True):
            self.made.request.setdefault("query", {})[name] = self._filled(value, declared, quoted=False)
        for name in declared:
            self.made.left_out.append(f"the parameter {name!r}, for which its path has no place")
        if "//" in said or {".", ".."} & set(said.split("/")):
            raise Inexpressible("its path has an empty segment, or one of dots only")
        return said

    def _filled(self, text: str, declared: dict[str, Parameter], *, quoted: bool) -> str:
        made = ""
        for index, piece in enumerate(_PLACEHOLDER.split(text)):
            if index % 2 == 0:
                made += quote(piece, safe="/:@!$&'()*+,;=-._~%") if quoted else piece
                continue
            name = piece.strip().lstrip("+").rstrip("*")
            if name not in self.segments:
                found = declared.pop(piece, None) or declared.pop(name, None)
                self.segments[name] = self._segment(found or _undeclared(name))
            made += self.segments[name]
        return made if made.startswith("/") or not quoted else f"/{made}"

    def _segment(self, parameter: Parameter) -> str:
        part = self._part(parameter)
        if _is(self.shaping, parameter.schema, "object") and not parameter.is_json:
            raise Inexpressible(f"the parameter {parameter.name!r} is an object in its path")
        is_list = _is(self.shaping, parameter.schema, "array")
        if is_list and not parameter.is_json:
            part = of_texts(part)
        part = _filled_in(part)
        name = self.made.add(parameter.name, part, "path", is_required=True, examples=parameter.examples)
        if name not in self.made.required and "default" not in part.schema:
            self.made.required.append(name)
        if is_list and not parameter.is_json:
            expression = f"${{{{ join(',', {reference(name)}) }}}}"
        else:
            expression = _inserted(name, parameter)
        if parameter.style == "label":
            return f".{expression}"
        return f";{parameter.name}={expression}" if parameter.style == "matrix" else expression

    def queries(self) -> None:
        """Add the parameters of the query."""
        query = self.made.request.get("query", {})
        for parameter in self.operation.parameters:
            if parameter.place != "query" or ("query", parameter.name) in self.credential.sends:
                continue
            known = set(self.made.properties)
            try:
                pairs = dict(self._query(parameter))
                for key in pairs:
                    if "${{" in key:
                        raise Inexpressible(f"a parameter cannot be called {key!r}")
                    if key in query:
                        raise Inexpressible(f"two of its parameters are called {key!r} in the query")
                query |= pairs
            except Inexpressible as error:
                self.made.forget(known)
                if parameter.is_required:
                    raise Inexpressible(
                        f"the parameter {parameter.name!r}, which it needs: {error}"
                    ) from None
                self.made.left_out.append(f"the parameter {parameter.name!r}: {error}")
        if query:
            self.made.request["query"] = query

    def _query(self, parameter: Parameter) -> Iterator[tuple[str, str]]:
        node, style = parameter.schema, parameter.style
        part = self._part(parameter)
        if parameter.is_json:
            yield parameter.name, f"${{{{ to_string({reference(self._add(parameter, part))}) }}}}"
        elif _is(self.shaping, node, "array"):
            yield from self._list(parameter, part)
        elif _is(self.shaping, node, "object"):
            yield from self._object(parameter, part)
        elif self.shaping.may_be(node, "object"):
            if style == "deepObject":
                yield from self._nested(parameter, part)
                return
            plain = self.shaping.plain_part(part)
            if plain is None:
                raise Inexpressible("an object whose fields are not named, or not plain")
            self.made.left_out.append(f"{parameter.name}: without its values that are objects")
            yield parameter.name, _inserted(self._add(parameter, plain), parameter)
        else:
            yield parameter.name, _inserted(self._add(parameter, part), parameter)

    def _list(self, parameter: Parameter, part: Shaped) -> Iterator[tuple[str, str]]:
        inner = self.shaping.flat(self.shaping.flat(parameter.schema).get("items"))
        if {"object", "array"} & set(kinds_of(inner)):
            if parameter.style == "deepObject":
                yield from self._nested(parameter, part)
                return
            raise Inexpressible("a list in a query holds texts and numbers, and this one does not")
        if parameter.style == "deepObject":
            yield f"{parameter.name}[]", _inserted(self._add(parameter, part), parameter)
        elif parameter.explode or parameter.style not in _SEPARATORS:
            yield parameter.name, _inserted(self._add(parameter, part), parameter)
        else:
            name = self._add(parameter, of_texts(part))
            sign = _SEPARATORS[parameter.style]
            yield parameter.name, f"${{{{ join('{sign}', {reference(name)}) }}}}"

    def _nested(self, parameter: Parameter, part: Shaped) -> Iterator[tuple[str, str]]:
        self.made.request["nested"] = "brackets"
        yield parameter.name, _inserted(self._add(parameter, part), parameter)

    def _object(self, parameter: Parameter, part: Shaped) -> Iterator[tuple[str, str]]:
        """The fields of an object, in brackets after its name, or each as a parameter of the query."""
        if parameter.style == "deepObject":
            yield from self._nested(parameter, part)
            return
        if parameter.style != "form" or not parameter.explode:
            raise Inexpressible("an object that is one text in the query")
        known = {
            name: schema
            for name, schema in mapping(part.schema.get("properties")).items()
            if _is_flat(schema) and "${{" not in name
        }
        beyond = [name for name in mapping(part.schema.get("properties")) if name not in known]
        if not known or any(name in part.schema.get("required", ()) for name in beyond):
            raise Inexpressible("an object whose fields are not named, or not plain")
        self.made.left_out.extend(f"{parameter.name}: without its field {name!r}" for name in beyond)
        kept = {word: part.schema[word] for word in ("type", "description") if word in part.schema}
        schema = {**kept, "additionalProperties": False, "properties": known}
        if required := [name for name in part.schema.get("required", ()) if name in known]:
            schema["required"] = required
        sample = {name: value for name, value in (part.sample or {}).items() if name in known}
        input_name = self._add(parameter, Shaped(schema, sample, part.size, 1, part.left_out))
        for name in known:
            yield name, f"${{{{ {reference(input_name, name)} }}}}"

    def headers(self) -> None:
        """Add the headers that are parameters."""
        headers: dict[str, str] = {}
        for parameter in self.operation.parameters:
            word = parameter.name.lower()
            if parameter.place != "header" or word in _SPECIAL_HEADERS | HTTP_OWN:
                continue
            if ("header", word) in self.credential.sends:
                continue
            try:
                headers[parameter.name] = self._header(parameter, word)
            except Inexpressible as error:
                if parameter.is_required and word not in _CREDENTIAL_HEADERS:
                    raise Inexpressible(f"the header {parameter.name!r}, which it needs: {error}") from None
                self.made.left_out.append(f"the header {parameter.name!r}: {error}")
        if headers:
            self.made.request["headers"] = headers

    def _header(self, parameter: Parameter, word: str) -> str:
        if word in _CREDENTIAL_HEADERS:
            raise Inexpressible("it carries credentials, which are the connection's")
        if header_name_fault(parameter.name):
            raise Inexpressible("HTTP has no header of that name")
        part = self._part(parameter)
        if parameter.is_json:
            return f"${{{{ to_string({reference(self._add(parameter, part))}) }}}}"
        if _is(self.shaping, parameter.schema, "object"):
            raise Inexpressible("it is an object")
        if _is(self.shaping, parameter.schema, "array"):
            return f"${{{{ join(',', {reference(self._add(parameter, of_texts(part)))}) }}}}"
        return _inserted(self._add(parameter, part), parameter)

    def cookies(self) -> None:
        """Tell the cookies: an action sends none but the connection's."""
        for parameter in self.operation.parameters:
            if parameter.place == "cookie" and ("cookie", parameter.name) not in self.credential.sends:
                if parameter.is_required:
                    raise Inexpressible(f"the cookie {parameter.name!r}, which it needs, cannot be sent")
                self.made.left_out.append(f"the cookie {parameter.name!r}: an action sends none")

    def _part(self, parameter: Parameter) -> Shaped:
        part = self.shaping.fitting(parameter.schema, MAX_SIZE // 4)
        if isinstance(part.sample, int) and (text := _as_text(part)) is not None:
            part = replace(part, sample=text)
        words = {"deprecated": True} if parameter.is_deprecated else {}
        return described(part, prose(parameter.description, _LONGEST_PROSE), **words)

    def _add(self, parameter: Parameter, part: Shaped) -> str:
        return self.made.add(
            parameter.name,
            part,
            parameter.place,
            is_required=parameter.is_required,
            examples=parameter.examples,
        )


def _filled_in(part: Shaped) -> Shaped:
    """The same for a path, which needs a value: no null, and no empty text."""
    kinds = part.schema.get("type")
    schema = dict(part.schema)
    if isinstance(kinds, list):
        kinds = [kind for kind in kinds if kind != "null"]
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    if "enum" in schema:
        schema["enum"] = [choice for choice in schema["enum"] if choice not in {None, ""}] or ["example"]
    elif schema.get("type") == "string" and not schema.get("minLength") and schema.get("maxLength", 1) > 0:
        schema["minLength"] = 1
    elif not schema.get("type") and "anyOf" not in schema:
        schema["type"] = "string"
    if schema.get("default") in {"", ".", ".."} if isinstance(schema.get("default"), str) else False:
        del schema["default"]
    sample = part.sample if part.sample not in ("", None, ".", "..") else schema.get("enum", ["example"])[0]
    return Shaped(schema, sample, part.size, part.ways, part.left_out)


def _as_text(part: Shaped) -> str | None:
    """A sample that is a text, for a value that may be one: in a URL, a number would be both."""
    texts = [one for one in part.schema.get("anyOf", ()) if one == {"type": "string"}]
    return "example" if texts else None


def _undeclared(name: str) -> Parameter:
    """A parameter that the path has, and the document does not tell of."""
    return Parameter(name=name, place="path", schema={"type": "string"}, is_required=True, style="simple")


def _inserted(name: str, parameter: Parameter) -> str:
    inner = reference(name)
    return f"${{{{ to_string({inner}) }}}}" if parameter.is_json else f"${{{{ {inner} }}}}"


def _is(shaping: Shaping, node: Any, kind: str) -> bool:
    return kind in kinds_of(shaping.flat(node))


def _is_flat(schema: Mapping[str, Any]) -> bool:
    """Whether values of it are texts, numbers, true or false, or lists of those."""
    kinds = schema.get("type")
    listed = set(kinds if isinstance(kinds, list) else [kinds]) - {"null"}
    if listed == {"array"}:
        return _is_flat(mapping(schema.get("items")))
    return bool(listed) and listed <= {"string", "integer", "number", "boolean"}
