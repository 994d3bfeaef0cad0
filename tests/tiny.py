"""A connector small enough to read at a glance, with one action that uses every part of a request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import connector
from connector.manifest import Connector
from connector.template_parser import Within

CONNECTOR = """
format: 1
id: tiny
name: Tiny
version: 1.2.3
description: For tests.
connection:
  fields:
    type: object
    additionalProperties: false
    required: [key]
    properties:
      key: {type: string, title: Key, writeOnly: true}
      user: {type: string, title: User, default: anna}
      token_url: {type: string, title: Token URL, default: /token}
      base_url: {type: string, title: Base URL, default: "https://tiny.test/api"}
  base_url: ${{ connection.base_url }}
  auth: AUTH
errors:
  message: ${{ response.body.error }}
  type: ${{ response.body.error }}
  kinds: [{kind: unexpected, status: [400], hint: Try again.}]
"""

ACTION = """
id: look
name: Look
description: For tests.
inputs:
  type: object
  additionalProperties: false
  properties:
    id: {type: [string, integer], title: ID, default: seven}
    part: {type: string, title: Part}
    tags: {type: array, title: Tags, items: {type: [string, integer, boolean]}}
    note: {type: string, title: Note}
outputs:
  type: object
  properties: {name: {type: string, title: Name}}
routes:
  only:
    request:
      method: GET
      path: "/items/${{ inputs.id }}/x"
      query: {tag: "${{ inputs.tags }}", part: "${{ inputs.part }}", v: 2}
      headers: {X-Note: "${{ inputs.note }}", X-Kind: "note ${{ inputs.note }}", accept: text/plain}
    response: {type: object, properties: {name: {type: string}}}
    outputs: {name: "${{ response.body.name }}"}
"""

AUTHS = {
    "odd": """{kind: header, name: X-Key, value: 'a"$b`c\\${{ connection.key }}_d'}""",
    "bearer": '{kind: bearer, value: "${{ connection.key }}"}',
    "header": '{kind: header, name: X-Key, value: "Key ${{ connection.key }}"}',
    "basic": '{kind: basic, username: "${{ connection.user }}", password: "${{ connection.key }}"}',
    "none": "{kind: none}",
    "two_headers": """{kind: header, name: X-Key, value: "${{ connection.key }}",
      also: [{kind: header, name: X-App, value: "app ${{ connection.user }} ${{ connection.key }}"}]}""",
    "two_in_query": """{kind: query, name: key, value: "${{ connection.key }}",
      also: [{kind: query, name: "the token", value: "${{ connection.key }}"}]}""",
    "basic_and_more": """{kind: basic, username: "${{ connection.user }}", password: "${{ connection.key }}",
      also: [{kind: header, name: Cookie, value: "session=${{ connection.key }}"}]}""",
    "query": '{kind: query, name: api_key, value: "${{ connection.key }}"}',
    "oauth2": """{kind: oauth2_client_credentials, token_url: /token, client_id: "${{ connection.user }}",
      client_secret: "${{ connection.key }}", scopes: [read, write], parameters: {audience: "https://api.test"}}""",
    "oauth2_form": """{kind: oauth2_client_credentials, token_url: "${{ connection.token_url }}", send_as: form,
      client_id: "${{ connection.user }}", client_secret: "${{ connection.key }}"}""",
}


FORM = """
      form_as: urlencoded
      form: {"tag[]": "${{ inputs.tags }}", "metadata[part]": "${{ inputs.part }}", v: 2}
"""


LOGIN = """
      body: {login: {user: "${{ inputs.note }}", password: "${{ inputs.login.password }}"}, pins: "${{ inputs.pins }}"}
"""
LOGIN_INPUTS = """
    login:
      type: object
      properties: {password: {type: string, writeOnly: true, maxLength: 40, pattern: "^[a-z0-9-]*$"}}
    pins: {type: array, writeOnly: true, items: {type: string}}
    note:"""


def write_tiny(folder: Path, *, auth: str = "bearer", sent: str = "") -> Connector:
    """Write it into an empty folder, with another auth and with what else is POSTed, and load it."""
    (folder / "actions").mkdir()
    (folder / "connector.yaml").write_text(CONNECTOR.replace("AUTH", AUTHS[auth]))
    action = ACTION.replace("method: GET", f"method: POST\n      {sent.strip()}") if sent else ACTION
    (folder / "actions" / "look.yaml").write_text(action)
    return connector.load(folder)


def with_path(made: Connector, path: str) -> Connector:
    """With a path that a manifest may not have, but a program may build."""
    action = made.actions["look"]
    request = replace(action.routes["only"].request, path=Within("inputs").template(path, {}))
    changed = replace(action, routes={"only": replace(action.routes["only"], request=request)})
    return replace(made, actions={"look": changed})
