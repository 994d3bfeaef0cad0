"""The words of JSON Schema that a manifest may use, for editors: what each takes, what it is for, an example."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from connector.schema_sentences import TYPE_WORDS

SCHEMA: Final = {"$ref": "#/$defs/schema"}
_SCHEMAS: Final = {"type": "object", "additionalProperties": SCHEMA}
_SCHEMA_LIST: Final = {"type": "array", "minItems": 1, "items": SCHEMA}
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_NUMBER: Final = {"type": "number"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_NAMES: Final = {"type": "array", "uniqueItems": True, "items": _TEXT}
_TYPE_NAME: Final = {"type": "string", "enum": list(TYPE_WORDS)}


class Word(NamedTuple):
    """A word of JSON Schema."""

    name: str
    takes: dict[str, Any]
    """JSON Schema of its value."""
    about: str
    example: Any


WORDS: Final = (
    Word(
        "type",
        {"anyOf": [_TYPE_NAME, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TYPE_NAME}]},
        "The type of the value, or a list of the types that it may have.",
        "string",
    ),
    Word("title", _TEXT, "The name of the field in a form.", "Max Results"),
    Word("description", _TEXT, "What the field is for, in a sentence for people.", "How many results."),
    Word("default", {}, "What stands there if the value is left out.", 10),
    Word("examples", {"type": "array"}, "Values that a form may propose.", ["latest AI news"]),
    Word("enum", {"type": "array"}, "The values that are allowed.", ["low", "medium", "high"]),
    Word("const", {}, "The only value that is allowed.", "user"),
    Word("format", _TEXT, "What kind of text it is, for forms; it is not checked.", "uri"),
    Word("writeOnly", _FLAG, "Marks a secret: a form hides it, and it is printed as a mask.", True),
    Word("readOnly", _FLAG, "The value comes from the service and is never sent.", True),
    Word("deprecated", _FLAG, "The field should not be used any more.", True),
    Word("properties", _SCHEMAS, "The fields of an object, by name.", {"query": {"type": "string"}}),
    Word("required", _NAMES, "The fields that must be there.", ["query"]),
    Word("additionalProperties", SCHEMA, "false: no other fields. Or the schema of the others.", False),
    Word("patternProperties", _SCHEMAS, "Fields by a pattern of their names.", {"^x-": {"type": "string"}}),
    Word("propertyNames", SCHEMA, "What the names of the fields must be.", {"pattern": "^[a-z]+$"}),
    Word("minProperties", _COUNT, "At least this many fields.", 1),
    Word("maxProperties", _COUNT, "At most this many fields.", 16),
    Word(
        "dependentRequired",
        {"type": "object", "additionalProperties": _NAMES},
        "The fields that must stand beside another one.",
        {"latitude": ["longitude"]},
    ),
    Word(
        "dependentSchemas",
        _SCHEMAS,
        "What else must hold if a field is there.",
        {"token": {"required": ["user"]}},
    ),
    Word("unevaluatedProperties", SCHEMA, "As additionalProperties, and seeing through allOf and if.", False),
    Word("items", SCHEMA, "The schema of each item of a list.", {"type": "string"}),
    Word(
        "prefixItems",
        _SCHEMA_LIST,
        "The schemas of the first items, one each.",
        [{"type": "number"}, {"type": "number"}],
    ),
    Word("minItems", _COUNT, "At least this many items.", 1),
    Word("maxItems", _COUNT, "At most this many items.", 20),
    Word("uniqueItems", _FLAG, "No item stands there twice.", True),
    Word("contains", SCHEMA, "At least one item must be like this.", {"const": "user"}),
    Word("minContains", _COUNT, "At least this many items that `contains` describes.", 1),
    Word("maxContains", _COUNT, "At most this many items that `contains` describes.", 3),
    Word("unevaluatedItems", SCHEMA, "The items that no other word has described.", False),
    Word("minLength", _COUNT, "Characters at least.", 1),
    Word("maxLength", _COUNT, "Characters at most.", 64),
    Word(
        "pattern",
        _TEXT,
        "A regular expression that is found in the text; `^` and `$` tie it to the ends.",
        "^[a-z]{2}$",
    ),
    Word("contentEncoding", _TEXT, "How bytes are written as text.", "base64"),
    Word("contentMediaType", _TEXT, "The media type of the content.", "application/json"),
    Word("contentSchema", SCHEMA, "The schema of the content, once it is decoded.", {"type": "object"}),
    Word("minimum", _NUMBER, "The least number that is allowed.", 1),
    Word("maximum", _NUMBER, "The greatest number that is allowed.", 20),
    Word("exclusiveMinimum", _NUMBER, "The number must be above this one.", 0),
    Word("exclusiveMaximum", _NUMBER, "The number must be below this one.", 1),
    Word("multipleOf", {"type": "number", "exclusiveMinimum": 0}, "The number is a multiple of it.", 0.01),
    Word("anyOf", _SCHEMA_LIST, "At least one of these must hold.", [{"type": "string"}, {"type": "array"}]),
    Word("oneOf", _SCHEMA_LIST, "Exactly one of these must hold.", [{"required": ["a"]}, {"required": ["b"]}]),
    Word("allOf", _SCHEMA_LIST, "Each of these must hold.", [{"required": ["query"]}]),
    Word("not", SCHEMA, "This must not hold.", {"pattern": "^https?://"}),
    Word("if", SCHEMA, "If this holds, so must `then`; if not, `else`.", {"required": ["image_url"]}),
    Word("then", SCHEMA, "What must hold where `if` does.", {"required": ["text"]}),
    Word("else", SCHEMA, "What must hold where `if` does not.", {"required": ["url"]}),
    Word("$comment", _TEXT, "A note for authors.", "Seen in answers, not in the reference."),
    Word("$defs", _SCHEMAS, "Schemas that stand here unused: references to them are not read.", {"tag": {}}),
    Word("$id", {"type": "string", "pattern": "^[^#]*#?$"}, "The name of the schema.", "https://example.com/s"),
    Word(
        "$schema",
        _TEXT,
        "The version of JSON Schema that the author had in mind; it is read as 2020-12.",
        "https://json-schema.org/draft/2020-12/schema",
    ),
)  # fmt: skip


def any_schema() -> dict[str, Any]:
    """The schema of a JSON Schema as a manifest may hold it; it refers to itself as #/$defs/schema."""
    return {
        "title": "JSON Schema",
        "description": "A JSON Schema: what a value must be. References are not read.",
        "type": ["object", "boolean"],
        "properties": {word.name: _described(word) for word in WORDS},
        "patternProperties": {"^x-": {"description": "A word of your own. Nobody reads it here."}},
        "additionalProperties": False,
    }


def schema_of_fields() -> dict[str, Any]:
    """As any_schema, for an object whose properties are inputs, outputs or fields of a form."""
    whole = any_schema()
    kind = {"type": "string", "enum": ["object"], "examples": ["object"]}
    whole["properties"]["type"] = {**kind, "title": "Type", "description": "It describes an object."}
    whole["properties"]["properties"]["additionalProperties"] = {**SCHEMA, "type": "object"}
    return {**whole, "type": "object", "required": ["type"]}


def _described(word: Word) -> dict[str, Any]:
    title = word.name[0].upper() + word.name[1:]
    return {**word.takes, "title": title, "description": word.about, "examples": [word.example]}
