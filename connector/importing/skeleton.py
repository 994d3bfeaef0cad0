"""What connector.yaml holds whatever a connector was imported from: the connection's form, errors, retry, timeouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final


def skeleton(
    *,
    id: str,  # noqa: A002 - the manifest's word
    name: str,
    version: str,
    description: str,
    base_url: str,
    auth: Mapping[str, Any] | None,
    fields: Mapping[str, Any],
    link: str = "",
    about_base_url: str = "",
) -> dict[str, Any]:
    """What connector.yaml holds.

    Args:
        id: of the connector, as are its name, version and description.
        name: for people.
        version: of the manifest.
        description: a sentence for people.
        base_url: where requests go; empty where people have to say it.
        auth: as the manifest has it; None where nothing is signed.
        fields: of the connection's form, beside its name and the base URL.
        link: to the service's documentation, if there is one.
        about_base_url: a sentence for people.
    """
    optional = {field for field, schema in fields.items() if "default" in schema or field == "scopes"}
    required = ["connection_name", *(field for field in fields if field not in optional)]
    where: dict[str, Any] = {"type": "string", "title": "Base URL", "format": "uri"}
    where["description"] = about_base_url or "Where requests go."
    if base_url:
        where["default"] = base_url
    else:
        required.append("base_url")
    own_name = {
        "type": "string",
        "title": "Connection Name",
        "description": "A name to tell connections apart.",
    }
    form = {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {
            "connection_name": {**own_name, "minLength": 1, "maxLength": 64},
            **fields,
            "base_url": where,
        },
    }
    return {
        "format": 1,
        "id": id,
        "name": name,
        "version": version,
        "description": description,
        **({"links": {"documentation": link}} if link else {}),
        "connection": {
            "fields": form,
            "base_url": "${{ connection.base_url }}",
            "auth": dict(auth) if auth else {"kind": "none"},
        },
        **_SENSIBLE,
    }


_SENSIBLE: Final[dict[str, Any]] = {
    "errors": {
        "message": "${{ response.body.error.message || response.body.message || response.body.error_description"
        " || response.body.errors[0].message || response.body.detail || response.body.error || response.body.title }}",
        "type": "${{ response.body.error.type || response.body.error.code || response.body.code"
        " || response.body.error || response.body.type }}",
        "kinds": [
            {"kind": "bad_credential", "status": [401], "hint": "Check the connection's credentials."},
            {
                "kind": "no_credit",
                "status": [402],
                "hint": "Check the account's plan and credit at the service.",
            },
            {
                "kind": "not_allowed",
                "status": [403, 451],
                "hint": "Check what the credentials are allowed to do.",
            },
            {
                "kind": "not_found",
                "status": [404, 410],
                "hint": "Check the ids among the inputs, and base_url.",
            },
            {
                "kind": "rate_limited",
                "status": [429],
                "hint": "Wait, then run it again; or send fewer requests at once.",
            },
            {
                "kind": "bad_input",
                "status": [400, 405, 406, 409, 411, 412, 413, 414, 415, 422, 423, 428],
                "hint": "Change the input and run it again.",
            },
            {
                "kind": "server_fault",
                "status": [408, 424, 425, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 529],
                "hint": "The service failed. Run it again later.",
            },
        ],
    },
    "retry": {"statuses": [429, 503], "attempts": 3, "first_wait": 0.5, "longest_wait": 60},
    "timeouts": {"connect": 10, "read": 60, "write": 60, "deadline": 120},
}
