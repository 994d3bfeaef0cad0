"""From the operations of a document to inputs and requests."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_documents import OK, action, get, inputs, post, read, remarks, request, three, two

TEXT = {"type": "string"}
LIST = {"type": "array", "items": TEXT}
OBJECT = {"type": "object", "properties": {"a": TEXT, "b": {"type": "integer"}}}


def query(name: str = "q", schema: Any = TEXT, **words: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **words}


@pytest.mark.parametrize(
    ("parameter", "sent"),
    [
        pytest.param(query(), {"q": "${{ inputs.q }}"}, id="text"),
        pytest.param(query("page[size]"), {"page[size]": "${{ inputs.page_size }}"}, id="name in brackets"),
        pytest.param(query("$top"), {"$top": "${{ inputs.top }}"}, id="name with a sign"),
        pytest.param(query("null"), {"null": "${{ inputs.null_ }}"}, id="name that is a value"),
        pytest.param(query("api_key"), {"api_key": "${{ inputs.api_key_value }}"}, id="name of a secret"),
        pytest.param(query(schema=LIST), {"q": "${{ inputs.q }}"}, id="list repeats its name"),
        pytest.param(
            query(schema=LIST, explode=False), {"q": "${{ join(',', inputs.q) }}"}, id="list with commas"
        ),
        pytest.param(
            query(schema=LIST, style="pipeDelimited", explode=False),
            {"q": "${{ join('|', inputs.q) }}"},
            id="list with pipes",
        ),
        pytest.param(
            query(schema=LIST, style="spaceDelimited", explode=False),
            {"q": "${{ join(' ', inputs.q) }}"},
            id="list with spaces",
        ),
        pytest.param(
            query(schema=LIST, style="deepObject"), {"q[]": "${{ inputs.q }}"}, id="list in brackets"
        ),
        pytest.param(
            query(schema=OBJECT),
            {"a": "${{ inputs.q.a }}", "b": "${{ inputs.q.b }}"},
            id="fields of an object",
        ),
        pytest.param(
            query(content={"application/json": {"schema": OBJECT}}, schema=None),
            {"q": "${{ to_string(inputs.q) }}"},
            id="JSON text",
        ),
    ],
)
def test_a_parameter_of_the_query_is_sent_in_its_style(
    parameter: dict[str, Any], sent: dict[str, str]
) -> None:
    """Styles that a manifest can say are said."""
    assert request(get(parameters=[parameter]))["query"] == sent


def test_a_deep_object_is_sent_in_brackets() -> None:
    """Its keys need not be known."""
    made = request(get(parameters=[query(schema={"type": "object"}, style="deepObject")]))
    assert (made["nested"], made["query"]) == ("brackets", {"q": "${{ inputs.q }}"})


def test_numbers_in_one_text_are_asked_as_texts() -> None:
    """Only texts can be joined."""
    made = inputs(
        get(parameters=[query(schema={"type": "array", "items": {"type": "integer"}}, explode=False)])
    )
    assert made["q"]["items"] == {"type": "string", "pattern": "^-?[0-9]+$"}


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        pytest.param(query(schema=OBJECT, explode=False), "one text in the query", id="object in one text"),
        pytest.param(query(schema={"type": "object"}), "not named", id="object of free keys"),
        pytest.param(
            query(schema={"type": "array", "items": OBJECT}), "a list in a query holds", id="list of objects"
        ),
        pytest.param({"name": "c", "in": "cookie", "schema": TEXT}, "the cookie 'c'", id="cookie"),
        pytest.param({"name": "Cookie", "in": "header", "schema": TEXT}, "credentials", id="cookie header"),
        pytest.param(
            {"name": "a b", "in": "header", "schema": TEXT}, "no header of that name", id="odd header"
        ),
        pytest.param({"name": "x", "in": "body", "schema": TEXT}, "none that OpenAPI has", id="odd place"),
        pytest.param({"name": "x", "in": "path", "schema": TEXT}, "has no place", id="not in the path"),
    ],
)
def test_what_a_request_cannot_say_is_told(parameter: dict[str, Any], said: str) -> None:
    """An optional parameter that cannot be sent does not cost the action."""
    assert any(said in remark for remark in remarks(get(parameters=[parameter])))


@pytest.mark.parametrize("name", ["Content-Length", "Host", "Transfer-Encoding"])
def test_a_header_of_http_is_left_to_the_runtime(name: str) -> None:
    """It says where a message ends or goes: it is sent where it is needed, and costs no action."""
    document = get(parameters=[{"name": name, "in": "header", "required": True, "schema": TEXT}])
    assert "headers" not in request(document)


def test_a_needed_parameter_that_cannot_be_sent_costs_the_operation() -> None:
    """Nothing is guessed."""
    document = get(parameters=[query(schema={"type": "array", "items": OBJECT}, required=True)])
    document["paths"]["/others"] = {"get": {"operationId": "getOther", "responses": OK}}
    (one,) = read(document).unread
    assert (one.said_id, "which it needs" in one.why) == ("getThing", True)


@pytest.mark.parametrize(
    ("path", "made"),
    [
        pytest.param("/a/{id}", "/a/${{ inputs.id }}", id="undeclared"),
        pytest.param("/a/{id}:run", "/a/${{ inputs.id }}:run", id="verb behind it"),
        pytest.param("/a/{a}..{b}", "/a/${{ inputs.a }}..${{ inputs.b }}", id="two in a segment"),
        pytest.param("/a b/ü", "/a%20b/%C3%BC", id="encoded"),
        pytest.param("a", "/a", id="no slash"),
        pytest.param("/a#upload", "/a", id="fragment"),
    ],
)
def test_a_path_is_filled_with_inputs(path: str, made: str) -> None:
    """What stands in braces is required, declared or not."""
    assert request(get(path))["path"] == made


def test_a_query_in_the_path_is_a_query() -> None:
    """Documents tell operations of one path apart so."""
    made = request(get("/a?acl&x={id}"))
    assert (made["path"], made["query"]) == ("/a", {"acl": "", "x": "${{ inputs.id }}"})


def test_fields_of_json_are_inputs() -> None:
    """Each with its own words; required ones are required."""
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": TEXT, "size": {"type": "integer"}},
    }
    made = action(post(schema))
    assert made["inputs"]["required"] == ["name"]
    assert made["routes"]["main"]["request"]["body"] == {
        "name": "${{ inputs.name }}",
        "size": "${{ inputs.size }}",
    }


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(LIST, id="list"),
        pytest.param({"type": "object", "additionalProperties": TEXT}, id="free keys"),
        pytest.param({"oneOf": [OBJECT, {"type": "object", "properties": {"c": TEXT}}]}, id="alternatives"),
        pytest.param({}, id="anything"),
    ],
)
def test_other_json_is_one_input(schema: Any) -> None:
    """It is called body."""
    assert request(post(schema))["body"] == "${{ inputs.body }}"


def test_names_that_clash_are_told_apart() -> None:
    """The path keeps the name, the others say where they stand."""
    document = post({"type": "object", "properties": {"id": TEXT}}, parameters=[query("id")])
    document["paths"]["/things/{id}"] = document["paths"].pop("/things")
    assert list(inputs(document)) == ["id", "id_query", "id_body"]


def test_fields_that_only_answers_have_are_not_asked() -> None:
    """Nor required."""
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {**TEXT, "readOnly": True}, "name": TEXT},
    }
    assert (list(inputs(post(schema))), "required" in action(post(schema))["inputs"]) == (["name"], False)


def test_a_password_in_a_body_is_a_secret_input() -> None:
    """In a URL, where no secret may stand, it has another name."""
    schema = {"type": "object", "properties": {"password": {**TEXT, "default": "test-1"}}}
    made = inputs(post(schema, parameters=[query("token_secret")]))
    assert made == {"token_secret_value": TEXT, "password": {**TEXT, "writeOnly": True}}


def test_an_optional_body_needs_its_fields_together() -> None:
    """A rule says so; none of them is sent unasked."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": TEXT, "b": {**TEXT, "default": "x"}}}
    made = action(post(schema, required=False))
    assert made["rules"][0]["requires"] == {"b": "a"}
    assert "default" not in made["inputs"]["properties"]["b"]
    assert made["examples"][0]["inputs"] == {"a": "example"}


def test_the_default_of_a_change_is_not_sent() -> None:
    """What a change does not name is to stay as it is."""
    document = post({"type": "object", "properties": {"a": {**TEXT, "default": "x"}}})
    document["paths"]["/things"] = {"patch": document["paths"]["/things"]["post"]}
    assert inputs(document)["a"] == {"type": "string", "description": 'The service\'s default is "x".'}


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        pytest.param("application/x-www-form-urlencoded", {"form_as": "urlencoded"}, id="urlencoded"),
        pytest.param("multipart/form-data", {}, id="multipart"),
    ],
)
def test_fields_of_a_form_are_inputs(kind: str, made: dict[str, str]) -> None:
    """The form says how it is sent."""
    sent = request(post({"type": "object", "properties": {"a": TEXT}}, kind))
    assert sent == {"method": "POST", "path": "/things", "form": {"a": "${{ inputs.a }}"}, **made}


def test_a_file_of_a_form_is_base64() -> None:
    """Its name is an input too."""
    schema = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    sent = request(post(schema, "multipart/form-data"))["files"]
    assert sent == {
        "file": {"name": "${{ inputs.file_name }}", "content": "${{ inputs.file }}", "is_base64": True}
    }


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("text/plain", {"type": "text/plain"}, id="text"),
        pytest.param("application/xml", {"type": "application/xml"}, id="XML"),
        pytest.param(
            "application/octet-stream", {"type": "application/octet-stream", "is_base64": True}, id="bytes"
        ),
        pytest.param("image/*", {"type": "image/png", "is_base64": True}, id="any image"),
    ],
)
def test_other_bodies_are_sent_as_they_stand(kind: str, content: dict[str, Any]) -> None:
    """Texts as texts, bytes as base64."""
    assert request(post(TEXT, kind))["content"] == {"value": "${{ inputs.body }}", **content}


def test_a_media_type_of_its_own_is_said() -> None:
    """`+json` is JSON under another name."""
    made = request(post(OBJECT, "application/merge-patch+json"))
    assert made["headers"] == {"Content-Type": "application/merge-patch+json"}


def test_swagger_2_says_the_same() -> None:
    """Its words are others: body, formData, collectionFormat."""
    parameters = [
        {
            "name": "ids",
            "in": "query",
            "type": "array",
            "items": {"type": "string"},
            "collectionFormat": "pipes",
        },
        {
            "name": "tags",
            "in": "query",
            "type": "array",
            "items": {"type": "string"},
            "collectionFormat": "multi",
        },
        {"name": "thing", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Thing"}},
    ]
    made = request(
        two(
            {"/things": {"post": {"parameters": parameters, "responses": {"204": {"description": ""}}}}},
            definitions={"Thing": {"type": "object", "properties": {"name": TEXT}}},
        )
    )
    assert made["query"] == {"ids": "${{ join('|', inputs.ids) }}", "tags": "${{ inputs.tags }}"}
    assert made["body"] == {"name": "${{ inputs.name }}"}


def test_a_form_of_swagger_2_with_a_file_is_multipart() -> None:
    """`type: file` is a file."""
    parameters = [
        {"name": "note", "in": "formData", "type": "string"},
        {"name": "file", "in": "formData", "type": "file", "required": True},
    ]
    made = request(two({"/things": {"post": {"parameters": parameters, "responses": {}}}}))
    assert (made["form"], list(made["files"])) == ({"note": "${{ inputs.note }}"}, ["file"])


@pytest.mark.parametrize(
    ("operations", "ids"),
    [
        pytest.param({"get": {}, "post": {}}, ["get_users_id", "post_users_id"], id="no ids"),
        pytest.param(
            {"get": {"operationId": "a"}, "post": {"operationId": "A"}},
            ["a", "post_users_id"],
            id="the same twice",
        ),
        pytest.param({"get": {"operationId": "listHTTPUsers"}}, ["list_http_users"], id="camel case"),
        pytest.param({"get": {"operationId": "repos/get-content"}}, ["repos_get_content"], id="signs"),
        pytest.param({"get": {"operationId": "2fa"}}, ["action_2fa"], id="a digit first"),
        pytest.param({"get": {"operationId": "größeHolen"}}, ["grosse_holen"], id="accents"),
        pytest.param({"get": {"operationId": "取得"}}, ["get_users_id"], id="no Latin letter"),
        pytest.param({"get": {"operationId": "x" * 99}}, ["x" * 64], id="too long"),
    ],
)
def test_every_operation_has_an_id(operations: dict[str, Any], ids: list[str]) -> None:
    """From its operationId, or from its method and path."""
    document = three(
        {"/users/{id}": {method: {"responses": OK, **said} for method, said in operations.items()}}
    )
    assert list(read(document).draft.actions) == ids


def test_a_name_that_an_input_cannot_have_is_its_title() -> None:
    """People see what the service calls it."""
    properties = inputs(get(parameters=[query("größe"), query("日本")]))
    assert {name: schema["title"] for name, schema in properties.items()} == {
        "grosse": "größe",
        "value": "日本",
    }


def test_an_action_without_words_is_described_by_where_it_is() -> None:
    """Its id would only be said twice."""
    assert action(get("/things/all"))["description"] == "GET /things/all"


@pytest.mark.parametrize(
    ("form", "said", "made"),
    [
        pytest.param("date", "2024-01-31T10:00:00Z", "2024-05-17", id="date"),
        pytest.param("date", "2024-01-31", "2024-01-31", id="a right date"),
        pytest.param("uuid", "4f4e4e1-c824-4d63-b37a-d8d698862f1d", None, id="uuid"),
    ],
)
def test_an_example_that_breaks_its_own_format_is_not_sent(form: str, said: str, made: str | None) -> None:
    """The service would refuse it."""
    parameter = query(schema={"type": "string", "format": form}, required=True, example=said)
    sent = action(get(parameters=[parameter]))["examples"][0]["inputs"]["q"]
    assert sent == (made or "3f2b8a54-6c1d-4e0f-9a7b-2d5c8e1f4a60")


def test_a_secret_of_the_document_is_no_example() -> None:
    """It may be somebody's; and what stands in its place can be recorded."""
    password = {"type": "string", "example": "c3FIOG9vSGV4"}
    body = {"type": "object", "required": ["password"], "properties": {"password": password}}
    (made,) = action(post(body))["examples"]
    assert made["inputs"] == {"password": "test-example"}
