"""Small connectors of services that do not exist, each with what others have not: auth, streams, forms, waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import connector
from connector.manifest import Connector

_CONNECTOR = """
format: 1
id: {id}
name: {name}
version: 1.0.0
description: For tests.
connection:
  fields:
    type: object
    additionalProperties: false
    required: [key]
    properties:
      key: {{type: string, title: Key, writeOnly: true{key}}}
      user: {{type: string, title: User, default: anna}}
      base_url: {{type: string, title: Base URL, default: "https://{id}.test{prefix}"}}
  base_url: {base_url}
  auth: {auth}
{check}
errors:
{errors}
"""
_ERRORS = """
  message: ${{ response.body.error.message }}
  type: ${{ response.body.error.code }}
  kinds:
    - {kind: bad_input, status: [400], hint: Change it.}
    - {kind: bad_credential, status: [401], hint: Check the key.}
    - {kind: not_found, status: [404], hint: Check the id.}
    - {kind: rate_limited, status: [429], hint: Wait.}
    - {kind: server_fault, status: [500, 503], hint: Run it again.}
"""

TICKETS = {
    "connector": {
        "id": "tickets",
        "prefix": "/v2",
        "auth": '{kind: bearer, value: "${{ connection.key }}"}',
        "check": "  check: {path: /me}",
    },
    "actions": [
        """
id: list_tickets
name: List Tickets
description: Tickets, newest first.
inputs:
  type: object
  additionalProperties: false
  properties:
    state: {type: string, title: State, enum: [open, closed]}
    limit: {type: integer, title: Limit, minimum: 1, maximum: 100, default: 20}
    labels: {type: array, title: Labels, items: {type: string}}
    starred: {type: boolean, title: Starred}
outputs:
  type: object
  required: [tickets, count]
  properties:
    tickets:
      type: array
      title: Tickets
      items:
        type: object
        required: [id]
        properties:
          id: {type: integer}
          title: {type: string}
          state: {type: string}
          opened: {type: string}
          by: {type: string}
    count: {type: integer, title: Count}
    next: {type: string, title: Next}
    left: {type: number, title: Requests left}
routes:
  only:
    request:
      method: GET
      path: /tickets
      query: {state: "${{ inputs.state }}", per_page: "${{ inputs.limit }}", label: "${{ inputs.labels }}", starred: "${{ inputs.starred }}"}
    response:
      type: object
      required: [items]
      properties:
        items:
          type: array
          items:
            type: object
            required: [id, title]
            properties:
              id: {type: integer, minimum: 1000}
              title: {type: string, minLength: 12}
              state: {type: string, enum: [open, closed]}
              opened_at: {type: string, format: date-time}
              user: {type: [object, "null"], required: [login], properties: {login: {type: string, pattern: "^[a-z][a-z0-9-]{2,15}$"}}}
        next_cursor: {type: [string, "null"]}
    outputs:
      tickets: "${{ response.body.items[].{id: id, title: title, state: state, opened: opened_at, by: user.login} }}"
      count: ${{ length(response.body.items) }}
      next: ${{ response.body.next_cursor }}
      left: ${{ to_number(response.headers."x-requests-left") }}
examples:
  - {id: open_ones, inputs: {state: open, labels: [bug, urgent], starred: true}}
""",
        """
id: get_ticket
name: Get Ticket
description: One ticket.
inputs:
  type: object
  additionalProperties: false
  required: [ticket_id]
  properties:
    ticket_id: {type: integer, title: Ticket}
outputs:
  type: object
  required: [id]
  properties:
    id: {type: integer, title: ID}
    title: {type: string, title: Title}
routes:
  only:
    request:
      method: GET
      path: /tickets/${{ inputs.ticket_id }}
    response: {type: object, required: [id], properties: {id: {type: integer}, title: {type: string}}}
    outputs: {id: "${{ response.body.id }}", title: "${{ response.body.title }}"}
examples:
  - {id: one, inputs: {ticket_id: 4711}}
""",
        """
id: open_ticket
name: Open Ticket
description: A new ticket.
inputs:
  type: object
  additionalProperties: false
  required: [title]
  properties:
    title: {type: string, title: Title, minLength: 1}
    urgent: {type: boolean, title: Urgent}
    priority: {type: integer, title: Priority, minimum: 1, maximum: 5}
    assignee: {type: string, title: Assignee}
outputs:
  type: object
  required: [id, url]
  properties: {id: {type: integer, title: ID}, url: {type: string, title: URL}}
routes:
  only:
    request:
      method: POST
      path: /tickets
      headers: {X-Api-Version: "2026-01-01"}
      body:
        kind: ticket
        title: ${{ inputs.title }}
        urgent: ${{ inputs.urgent }}
        details: {priority: "${{ inputs.priority }}", assignee: "user:${{ inputs.assignee }}"}
    response: {type: object, required: [id, url], properties: {id: {type: integer}, url: {type: string, format: uri}}}
    outputs: {id: "${{ response.body.id }}", url: "${{ response.body.url }}"}
examples:
  - {id: urgent, inputs: {title: It is down, urgent: true, priority: 1, assignee: anna}}
  - {id: plain, inputs: {title: It is slow}}
""",
    ],
}

RATES = {  # no response schema at all: what is sent is known from the outputs alone
    "connector": {
        "id": "rates",
        "auth": '{kind: query, name: app_id, value: "${{ connection.key }}"}',
        "key": ', pattern: "^[0-9a-f]{8}-[0-9a-f]{4}$"',
    },
    "actions": [
        """
id: convert
name: Convert
description: An amount in another currency.
inputs:
  type: object
  additionalProperties: false
  required: [to]
  properties:
    to: {type: string, title: To, pattern: "^[A-Z]{3}$"}
    amount: {type: number, title: Amount, default: 1}
outputs:
  type: object
  required: [result, rates]
  properties:
    result: {type: number, title: Result}
    at: {type: integer, title: At}
    source: {type: string, title: Source}
    rates: {type: array, title: Rates, items: {type: object, properties: {code: {type: string}, rate: {type: number}}}}
    codes: {type: array, title: Codes, items: {type: string}}
routes:
  only:
    request: {method: GET, path: /convert, query: {to: "${{ inputs.to }}", amount: "${{ inputs.amount }}", pretty: 1}}
    outputs:
      result: ${{ response.body.result }}
      at: ${{ response.body.meta.timestamp }}
      source: "by ${{ response.body.meta.source }}"
      rates: "${{ response.body.rates[].{code: currency.code, rate: value} }}"
      codes: ${{ response.body.rates[].currency.code }}
examples:
  - {id: euros, inputs: {to: EUR, amount: 2.5}}
""",
        """
id: plain
name: Plain
description: The rate as text.
inputs: {type: object, additionalProperties: false, required: [to], properties: {to: {type: string, title: To}}}
outputs: {type: object, required: [text], properties: {text: {type: string, title: Text}}}
routes:
  only:
    request: {method: GET, path: "/plain/${{ inputs.to }}.txt"}
    answer: text
    outputs: {text: "${{ response.body }}"}
examples:
  - {id: euros, inputs: {to: a/b c}}
""",
    ],
}

CHAT = {  # Slack's way: 200 whatever happens, and `ok` says how it went
    "connector": {
        "id": "chat",
        "auth": '{kind: basic, username: "${{ connection.user }}", password: "${{ connection.key }}"}',
    },
    "errors": """
  message: ${{ response.body.error || response.body.detail }}
  type: ${{ response.body.error }}
  kinds:
    - {kind: bad_credential, status: [200, 403], types: [invalid_auth, not_authed], hint: Check the key.}
    - {kind: bad_input, status: [200, 422], types: [invalid_arguments], hint: Change it.}
    - {kind: not_found, status: [404], hint: Check it.}
""",
    "actions": [
        """
id: post
name: Post
description: A message.
inputs:
  type: object
  additionalProperties: false
  required: [channel, text]
  properties:
    channel: {type: string, title: Channel}
    text: {type: string, title: Text}
outputs: {type: object, required: [id], properties: {id: {type: string, title: ID}, replies: {type: integer, title: Replies}}}
routes:
  only:
    request: {method: POST, path: /chat.post, body: {channel: "${{ inputs.channel }}", text: "${{ inputs.text }}"}}
    response:
      type: object
      properties:
        error: {type: string}
        ok: {type: boolean}
        status: {type: string, enum: [failed, queued, sent]}
        message: {type: object, properties: {ts: {type: string}, errors: {type: array, items: {type: string}}, reply_count: {type: integer, minimum: 0}}}
    failures:
      - {when: "${{ !(response.body.ok) || response.body.error }}", kind: bad_input, message: "${{ response.body.error }}"}
      - {when: "${{ response.body.message.errors[0] }}", kind: bad_input}
      - {when: "${{ response.body.status == 'failed' }}", kind: server_fault}
      - {when: "${{ length(response.body.message.errors) > `0` }}", kind: server_fault}
    outputs: {id: "${{ response.body.message.ts }}", replies: "${{ response.body.message.reply_count }}"}
examples:
  - {id: hello, inputs: {channel: "#general", text: "hello ${{ 7 }} \\U0001F600"}}
""",
        """
id: upload
name: Upload
description: A file.
inputs:
  type: object
  additionalProperties: false
  required: [content]
  properties: {content: {type: string, title: Content}, name: {type: string, title: Name, default: a.txt}, public: {type: boolean, title: Public}}
outputs: {type: object, required: [id], properties: {id: {type: string, title: ID}}}
routes:
  only:
    request:
      method: POST
      path: /files
      form: {public: "${{ inputs.public }}", purpose: chat}
      files: {file: {name: "${{ inputs.name }}", content: "${{ inputs.content }}", type: text/plain}}
    response: {type: object, properties: {id: {type: string, pattern: "^F[0-9A-Z]{8}$"}}}
    outputs: {id: "${{ response.body.id }}"}
examples:
  - {id: small, inputs: {content: "line one\\r\\nline two", public: false}}
""",
    ],
}

JOBS = {  # streams as OpenAI's, and work that is asked for again
    "connector": {
        "id": "jobs",
        "auth": '{kind: header, name: X-Key, value: "Token ${{ connection.key }}"}',
        "base_url": "https://api.jobs.test/v1",
    },
    "actions": [
        """
id: complete
name: Complete
description: Text, in pieces.
inputs:
  type: object
  additionalProperties: false
  required: [prompt]
  properties: {prompt: {type: string, title: Prompt}, stream: {type: boolean, title: Stream}}
outputs: {type: object, required: [text], properties: {text: {type: string, title: Text}, tokens: {type: integer, title: Tokens}}}
routes:
  only:
    request: {method: POST, path: /complete, body: {prompt: "${{ inputs.prompt }}", stream: "${{ inputs.stream }}"}}
    stream:
      when: ${{ inputs.stream }}
      delta: ${{ event.choices[0].delta.content }}
      body: ${{ event.usage && event || null }}
      done: ${{ event.choices[0].finish_reason == 'stop' || event.choices[0].finish_reason == 'length' }}
      failed: ${{ event.error }}
    response:
      type: object
      properties:
        choices: {type: array, items: {type: object, properties: {text: {type: string}, finish_reason: {type: [string, "null"]}}}}
        usage: {type: object, properties: {total: {type: integer}}}
    outputs: {text: "${{ response.text || response.body.choices[0].text }}", tokens: "${{ response.body.usage.total }}"}
examples:
  - {id: whole, inputs: {prompt: hello}}
  - {id: pieces, inputs: {prompt: hello, stream: true}}
""",
        """
id: render
name: Render
description: A picture that takes its time.
inputs:
  type: object
  additionalProperties: false
  required: [prompt]
  properties: {prompt: {type: string, title: Prompt}, wait: {type: boolean, title: Wait}}
outputs: {type: object, required: [id, state], properties: {id: {type: string, title: ID}, state: {type: string, title: State}, url: {type: string, title: URL}}}
routes:
  only:
    request: {method: POST, path: /renders, body: {prompt: "${{ inputs.prompt }}"}}
    local: [wait]
    poll:
      when: ${{ inputs.wait }}
      until: ${{ contains(['done', 'failed'], response.body.state) }}
      path: /renders/${{ response.body.id }}
      every: 0.01
      cancel: {method: DELETE, path: "/renders/${{ response.body.id }}"}
    response:
      type: object
      required: [id, state]
      properties: {id: {type: string, format: uuid}, state: {type: string, enum: [failed, queued, running, done]}, url: {type: [string, "null"], format: uri}}
    failures:
      - {when: "${{ response.body.state == 'failed' }}", kind: server_fault}
    outputs: {id: "${{ response.body.id }}", state: "${{ response.body.state }}", url: "${{ response.body.url }}"}
examples:
  - {id: waited_for, inputs: {prompt: a hat, wait: true}}
""",
    ],
}

ALL: dict[str, dict[str, Any]] = {"tickets": TICKETS, "rates": RATES, "chat": CHAT, "jobs": JOBS}


def write_foreign(folder: Path, name: str) -> Connector:
    """Write one into an empty folder, and load it."""
    text = ALL[name]
    words = {
        "name": name.title(),
        "prefix": "",
        "key": "",
        "check": "",
        "base_url": "${{ connection.base_url }}",
    }
    (folder / "actions").mkdir(parents=True)
    about = {**words, "errors": text.get("errors", _ERRORS), **text["connector"]}
    (folder / "connector.yaml").write_text(_CONNECTOR.format(**about), encoding="utf-8")
    for action in text["actions"]:
        file = f"{action.split('id: ', 1)[1].split(chr(10), 1)[0]}.yaml"
        (folder / "actions" / file).write_text(action, encoding="utf-8")
    return connector.load(folder)
