"""cURL commands as people copy them, and the request that curl 7.88 sends for each, as a local server saw it.

Of the headers, those that the command asks for. JSON bodies are values, forms are pairs. A command that does not
name the type of its JSON is expected with the type that was meant; a null at the top of a body is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command; the values of its credential; inputs instead of the example's; what is sent."""

    id: str
    command: str
    fields: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    body: Any = None


CASES = (
    Case(
        id="pplx chat",
        command=r"""curl -X POST https://api.perplexity.ai/chat/completions \
  -H "Authorization: Bearer $PERPLEXITY_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "sonar",
    "messages": [
      {"role": "system", "content": "Be precise and concise."},
      {"role": "user", "content": "How many stars are there in our galaxy?"}
    ],
    "temperature": 0.2, "stream": false, "max_tokens": 123, "return_images": true
  }' | jq""",
        fields={"api_key": "test-perplexity-api-key"},
        method="POST",
        path="/chat/completions",
        headers={"authorization": "Bearer test-perplexity-api-key"},
        kind="application/json",
        body={
            "model": "sonar",
            "messages": [
                {"role": "system", "content": "Be precise and concise."},
                {"role": "user", "content": "How many stars are there in our galaxy?"},
            ],
            "temperature": 0.2,
            "stream": False,
            "max_tokens": 123,
            "return_images": True,
        },
    ),
    Case(
        id="pplx search",
        command=r"""curl -X POST 'https://api.perplexity.ai/search' \
  -H "Authorization: Bearer $PERPLEXITY_API_KEY" \
  -H 'Content-Type: application/json' \
  -d '{
    "query": "latest AI developments 2024",
    "max_results": 5,
    "max_tokens_per_page": 4096
  }'
""",
        fields={"api_key": "test-perplexity-api-key"},
        method="POST",
        path="/search",
        headers={"authorization": "Bearer test-perplexity-api-key"},
        kind="application/json",
        body={"query": "latest AI developments 2024", "max_results": 5, "max_tokens_per_page": 4096},
    ),
    Case(
        id="openai chat",
        command=r"""curl https://api.openai.com/v1/chat/completions \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  -d '{
    "model": "gpt-5.4",
    "messages": [
      {"role": "developer", "content": "You are a helpful assistant."},
      {"role": "user", "content": "Hello!"}
    ]
  }' """,
        fields={"api_key": "test-openai-api-key"},
        method="POST",
        path="/v1/chat/completions",
        headers={"authorization": "Bearer test-openai-api-key"},
        kind="application/json",
        body={
            "model": "gpt-5.4",
            "messages": [
                {"role": "developer", "content": "You are a helpful assistant."},
                {"role": "user", "content": "Hello!"},
            ],
        },
    ),
    Case(
        id="openai models get",
        command='curl https://api.openai.com/v1/models/gpt-5 -H "Authorization: Bearer $OPENAI_API_KEY"',
        fields={"api_key": "test-openai-api-key"},
        method="GET",
        path="/v1/models/gpt-5",
        headers={"authorization": "Bearer test-openai-api-key"},
    ),
    Case(
        id="openai org",
        command='curl https://api.openai.com/v1/files -H "Authorization: Bearer test-key-0011" -H "OpenAI-Organization: org-123" -H \'OpenAI-Project: proj_1\' ',
        fields={"api_key": "test-key-0011"},
        method="GET",
        path="/v1/files",
        headers={
            "authorization": "Bearer test-key-0011",
            "openai-organization": "org-123",
            "openai-project": "proj_1",
        },
    ),
    Case(
        id="openai delete",
        command='curl -X DELETE https://api.openai.com/v1/files/file-abc123def -H "Authorization: Bearer $OPENAI_API_KEY"',
        fields={"api_key": "test-openai-api-key"},
        method="DELETE",
        path="/v1/files/file-abc123def",
        headers={"authorization": "Bearer test-openai-api-key"},
    ),
    Case(
        id="openai image edit",
        command='curl -s -X POST "https://api.openai.com/v1/images/edits" -H "Authorization: Bearer $OPENAI_API_KEY" -F "model=gpt-image-1" -F \'prompt=A cat; sitting\' -F "n=2" ',
        fields={"api_key": "test-openai-api-key"},
        method="POST",
        path="/v1/images/edits",
        headers={"authorization": "Bearer test-openai-api-key"},
        kind="multipart",
        body=[("model", "gpt-image-1"), ("prompt", "A cat"), ("n", "2")],
    ),
    Case(
        id="anthropic",
        command=r"""curl https://api.anthropic.com/v1/messages \
     --header "x-api-key: $ANTHROPIC_API_KEY" \
     --header "anthropic-version: 2023-06-01" \
     --header "content-type: application/json" \
     --data \
'{
    "model": "claude-sonnet-4-5",
    "max_tokens": 1024,
    "messages": [
        {"role": "user", "content": "Hello, world"}
    ]
}' """,
        fields={"api_key": "test-anthropic-api-key"},
        method="POST",
        path="/v1/messages",
        headers={"x-api-key": "test-anthropic-api-key", "anthropic-version": "2023-06-01"},
        kind="application/json",
        body={
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": "Hello, world"}],
        },
    ),
    Case(
        id="anthropic heredoc",
        command=r"""curl https://api.anthropic.com/v1/messages -H "x-api-key: $ANTHROPIC_API_KEY" -H "anthropic-version: 2023-06-01" -H "content-type: application/json" -d @- <<'EOF'
{"model": "claude", "max_tokens": 5,
 "messages": []}
EOF
""",
        fields={"api_key": "test-anthropic-api-key"},
        method="POST",
        path="/v1/messages",
        headers={"x-api-key": "test-anthropic-api-key", "anthropic-version": "2023-06-01"},
        kind="application/json",
        body={"model": "claude", "max_tokens": 5, "messages": []},
    ),
    Case(
        id="stripe customers",
        command='curl https://api.stripe.com/v1/customers   -u "test-key-0001:"   -d name="Jenny Rosen"   --data-urlencode email="jennyrosen@example.com" -d "metadata[order_id]=6735" -d "expand[]=a" -d "expand[]=b"',
        fields={"api_key": "test-key-0001"},
        method="POST",
        path="/v1/customers",
        headers={"authorization": "Basic dGVzdC1rZXktMDAwMTo="},
        kind="application/x-www-form-urlencoded",
        body=[
            ("name", "Jenny Rosen"),
            ("email", "jennyrosen@example.com"),
            ("metadata[order_id]", "6735"),
            ("expand[]", "a"),
            ("expand[]", "b"),
        ],
    ),
    Case(
        id="stripe get",
        command='curl -G https://api.stripe.com/v1/charges -u test-key-0001: -d limit=3 -d "created[gte]=1690000000"',
        fields={"api_key": "test-key-0001"},
        method="GET",
        path="/v1/charges",
        query=[("limit", "3"), ("created[gte]", "1690000000")],
        headers={"authorization": "Basic dGVzdC1rZXktMDAwMTo="},
    ),
    Case(
        id="stripe update",
        command='curl https://api.stripe.com/v1/customers/cus_NffrFeUfNV2Hib -u test-key-0001: -d "metadata[order_id]"=6735',
        fields={"api_key": "test-key-0001"},
        method="POST",
        path="/v1/customers/cus_NffrFeUfNV2Hib",
        headers={"authorization": "Basic dGVzdC1rZXktMDAwMTo="},
        kind="application/x-www-form-urlencoded",
        body=[("metadata[order_id]", "6735")],
    ),
    Case(
        id="github repos",
        command=r"""curl -L \
  -H "Accept: application/vnd.github+json" \
  -H "Authorization: Bearer YOUR-TOKEN" \
  -H "X-GitHub-Api-Version: 2022-11-28" \
  https://api.github.com/repos/OWNER/REPO/issues?state=open""",
        fields={"api_key": "YOUR-TOKEN"},
        method="GET",
        path="/repos/OWNER/REPO/issues",
        query=[("state", "open")],
        headers={
            "accept": "application/vnd.github+json",
            "authorization": "Bearer YOUR-TOKEN",
            "x-github-api-version": "2022-11-28",
        },
    ),
    Case(
        id="github create issue",
        command=r"""curl -L \
  -X POST \
  -H "Accept: application/vnd.github+json" \
  -H "Authorization: token test-key-0002" \
  https://api.github.com/repos/octocat/Hello-World/issues \
  -d '{"title":"Found a bug","body":"I'\''m having a problem with this.","assignees":["octocat"],"milestone":1,"labels":["bug"]}' """,
        fields={"api_key": "test-key-0002"},
        method="POST",
        path="/repos/octocat/Hello-World/issues",
        headers={"accept": "application/vnd.github+json", "authorization": "token test-key-0002"},
        kind="application/json",
        body={
            "title": "Found a bug",
            "body": "I'm having a problem with this.",
            "assignees": ["octocat"],
            "milestone": 1,
            "labels": ["bug"],
        },
    ),
    Case(
        id="github graphql",
        command=r"""curl -H "Authorization: bearer TOKEN" -X POST -d " \
 { \
   \"query\": \"query { viewer { login }}\" \
 } \
" https://api.github.com/graphql""",
        fields={"api_key": "TOKEN"},
        method="POST",
        path="/graphql",
        headers={"authorization": "bearer TOKEN"},
        kind="application/json",
        body={"query": "query { viewer { login }}"},
    ),
    Case(
        id="slack post",
        command=r"""curl -X POST -H 'Authorization: Bearer test-key-0003' -H 'Content-type: application/json; charset=utf-8' --data '{"channel":"C061EG9SL","text":"I hope the tour went well, \"Mr. Wonka\"."}' https://slack.com/api/chat.postMessage""",
        fields={"api_key": "test-key-0003"},
        method="POST",
        path="/api/chat.postMessage",
        headers={"authorization": "Bearer test-key-0003"},
        kind="application/json; charset=utf-8",
        body={"channel": "C061EG9SL", "text": 'I hope the tour went well, "Mr. Wonka".'},
    ),
    Case(
        id="slack list",
        command='curl "https://slack.com/api/conversations.list?limit=100&types=public_channel,private_channel" -H "Authorization: Bearer test-key-0005"',
        fields={"api_key": "test-key-0005"},
        method="GET",
        path="/api/conversations.list",
        query=[("limit", "100"), ("types", "public_channel,private_channel")],
        headers={"authorization": "Bearer test-key-0005"},
    ),
    Case(
        id="twilio",
        command=r'''curl -X POST "https://api.twilio.com/2010-04-01/Accounts/$TWILIO_ACCOUNT_SID/Messages.json" \
--data-urlencode "Body=Hi there & bye" \
--data-urlencode "From=+15017122661" \
--data-urlencode "To=+15558675310" \
-u "$TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"''',
        fields={"account_sid": "test-twilio-account-sid", "auth_token": "test-twilio-auth-token"},
        inputs={"account_sid": "test-twilio-account-sid"},
        method="POST",
        path="/2010-04-01/Accounts/test-twilio-account-sid/Messages.json",
        headers={"authorization": "Basic dGVzdC10d2lsaW8tYWNjb3VudC1zaWQ6dGVzdC10d2lsaW8tYXV0aC10b2tlbg=="},
        kind="application/x-www-form-urlencoded",
        body=[("Body", "Hi there & bye"), ("From", "+15017122661"), ("To", "+15558675310")],
    ),
    Case(
        id="sendgrid",
        command=r"""curl --request POST \
  --url https://api.sendgrid.com/v3/mail/send \
  --header "Authorization: Bearer $SENDGRID_API_KEY" \
  --header 'Content-Type: application/json' \
  --data '{"personalizations": [{"to": [{"email": "test@example.com"}]}],"from": {"email": "test@example.com"},"subject": "Sending","content": [{"type": "text/plain", "value": "and easy"}]}' """,
        fields={"api_key": "test-sendgrid-api-key"},
        method="POST",
        path="/v3/mail/send",
        headers={"authorization": "Bearer test-sendgrid-api-key"},
        kind="application/json",
        body={
            "personalizations": [{"to": [{"email": "test@example.com"}]}],
            "from": {"email": "test@example.com"},
            "subject": "Sending",
            "content": [{"type": "text/plain", "value": "and easy"}],
        },
    ),
    Case(
        id="mailgun",
        command=r"""curl -s --user 'api:test-key-0006' \
    https://api.mailgun.net/v3/example.com/messages \
    -F from='Excited User <mailgun@example.com>' \
    -F to=a@example.com \
    -F to=b@example.com \
    -F subject='Hello' \
    -F text='Testing some Mailgun awesomeness!' """,
        fields={"username": "api", "password": "test-key-0006"},
        method="POST",
        path="/v3/example.com/messages",
        headers={"authorization": "Basic YXBpOnRlc3Qta2V5LTAwMDY="},
        kind="multipart",
        body=[
            ("from", "Excited User <mailgun@example.com>"),
            ("to", "a@example.com"),
            ("to", "b@example.com"),
            ("subject", "Hello"),
            ("text", "Testing some Mailgun awesomeness!"),
        ],
    ),
    Case(
        id="postman export",
        command=r"""curl --location --request POST 'https://api.example.com/v2/orders?dry_run=true' \
--header 'Content-Type: application/json' \
--header 'X-API-Key: test-key-0016' \
--data-raw '{
    "customer": {"name": "Ann", "vip": true, "tags": ["a", "b"]},
    "items": [{"sku": "A-1", "qty": 2, "price": 9.99}, {"sku": "B-2", "qty": 1, "note": null}],
    "coupon": null, "total": 29.97
}' """,
        fields={"api_key": "test-key-0016"},
        method="POST",
        path="/v2/orders",
        query=[("dry_run", "true")],
        headers={"x-api-key": "test-key-0016"},
        kind="application/json",
        body={
            "customer": {"name": "Ann", "vip": True, "tags": ["a", "b"]},
            "items": [{"sku": "A-1", "qty": 2, "price": 9.99}, {"sku": "B-2", "qty": 1, "note": None}],
            "total": 29.97,
        },
    ),
    Case(
        id="postman new",
        command="curl --location 'https://postman-echo.com/get?foo1=bar1&foo2=bar2' --header 'Cookie: sails.sid=test-cookie-3' ",
        fields={"sails_sid": "test-cookie-3"},
        method="GET",
        path="/get",
        query=[("foo1", "bar1"), ("foo2", "bar2")],
        headers={"cookie": "sails.sid=test-cookie-3"},
    ),
    Case(
        id="postman form",
        command="curl --location --request POST 'https://postman-echo.com/post' --form 'strange=\"boom\"' --form 'a=\"x;y\"' ",
        method="POST",
        path="/post",
        kind="multipart",
        body=[("strange", "boom"), ("a", "x;y")],
    ),
    Case(
        id="postman urlencoded",
        command="curl --location 'https://api.example.com/token' --header 'Content-Type: application/x-www-form-urlencoded' --data-urlencode 'grant_type=client_credentials' --data-urlencode 'client_id=my-app' --data-urlencode 'client_secret=test-secret-0018' ",
        inputs={"client_secret": "test-secret-0018"},
        method="POST",
        path="/token",
        kind="application/x-www-form-urlencoded",
        body=[
            ("grant_type", "client_credentials"),
            ("client_id", "my-app"),
            ("client_secret", "test-secret-0018"),
        ],
    ),
    Case(
        id="chrome bash",
        command=r"""curl 'https://www.example.com/api/v1/items?q=caf%C3%A9&page=2' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'content-type: application/json' \
  -b 'session=test-cookie-1; theme=dark' \
  -H 'origin: https://www.example.com' \
  -H 'priority: u=1, i' \
  -H 'referer: https://www.example.com/' \
  -H 'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"' \
  -H 'sec-ch-ua-mobile: ?0' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'{"text":"it\'s \u0021 caf\u00e9\\nnew"}' --compressed""",
        fields={"session": "test-cookie-1", "theme": "dark"},
        method="POST",
        path="/api/v1/items",
        query=[("q", "café"), ("page", "2")],
        headers={
            "cookie": "session=test-cookie-1; theme=dark",
            "accept": "application/json, text/plain, */*",
            "accept-language": "en-US,en;q=0.9",
            "origin": "https://www.example.com",
            "priority": "u=1, i",
            "referer": "https://www.example.com/",
            "sec-ch-ua": '"Chromium";v="130", "Not?A_Brand";v="99"',
            "sec-ch-ua-mobile": "?0",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
        },
        kind="application/json",
        body={"text": "it's ! café\nnew"},
    ),
    Case(
        id="firefox",
        command="curl 'https://example.org/search' --compressed -X POST -H 'User-Agent: Mozilla/5.0 (X11; rv:131.0)' -H 'Accept: */*' -H 'Accept-Encoding: gzip, deflate, br' -H 'Content-Type: application/x-www-form-urlencoded; charset=UTF-8' -H 'X-Requested-With: XMLHttpRequest' -H 'Connection: keep-alive' --data-raw 'q=hello+world&page=1' ",
        method="POST",
        path="/search",
        headers={
            "user-agent": "Mozilla/5.0 (X11; rv:131.0)",
            "accept": "*/*",
            "x-requested-with": "XMLHttpRequest",
        },
        kind="application/x-www-form-urlencoded; charset=UTF-8",
        body=[("q", "hello world"), ("page", "1")],
    ),
    Case(
        id="insomnia",
        command=r"""curl --request PATCH \
  --url 'https://api.example.com/users/8d3ac1f0-1b2c-4d3e-8f90-123456789abc?fields=name%2Cemail' \
  --header 'Authorization: Bearer test-key-0007' \
  --header 'Content-Type: application/json' \
  --header 'User-Agent: insomnia/10.0' \
  --data '{"name":"New","age":30}' """,
        fields={"api_key": "test-key-0007"},
        method="PATCH",
        path="/users/8d3ac1f0-1b2c-4d3e-8f90-123456789abc",
        query=[("fields", "name,email")],
        headers={"authorization": "Bearer test-key-0007", "user-agent": "insomnia/10.0"},
        kind="application/json",
        body={"name": "New", "age": 30},
    ),
    Case(
        id="swagger ui",
        command=r"""curl -X 'POST' \
  'https://petstore3.swagger.io/api/v3/pet' \
  -H 'accept: application/json' \
  -H 'Content-Type: application/json' \
  -d '{
  "id": 10,
  "name": "doggie",
  "category": {"id": 1, "name": "Dogs"},
  "photoUrls": ["string"],
  "tags": [{"id": 0, "name": "string"}],
  "status": "available"
}' """,
        method="POST",
        path="/api/v3/pet",
        headers={"accept": "application/json"},
        kind="application/json",
        body={
            "id": 10,
            "name": "doggie",
            "category": {"id": 1, "name": "Dogs"},
            "photoUrls": ["string"],
            "tags": [{"id": 0, "name": "string"}],
            "status": "available",
        },
    ),
    Case(
        id="swagger get",
        command="curl -X 'GET' 'https://petstore3.swagger.io/api/v3/pet/findByStatus?status=available' -H 'accept: application/json' ",
        method="GET",
        path="/api/v3/pet/findByStatus",
        query=[("status", "available")],
        headers={"accept": "application/json"},
    ),
    Case(
        id="json flag",
        command='curl --json \'{"a": 1}\' https://api.example.com/things -H "Authorization: Bearer $TOKEN"',
        fields={"token": "test-token"},
        method="POST",
        path="/things",
        headers={"authorization": "Bearer test-token", "accept": "application/json"},
        kind="application/json",
        body={"a": 1},
    ),
    Case(
        id="json twice",
        command="curl --json '{ \"a\": 1,' --json ' \"b\": [1,2] }' https://api.example.com/things",
        method="POST",
        path="/things",
        headers={"accept": "application/json"},
        kind="application/json",
        body={"a": 1, "b": [1, 2]},
    ),
    Case(
        id="data twice",
        command="curl -d a=1 -d b=2 https://api.example.com/things",
        method="POST",
        path="/things",
        kind="application/x-www-form-urlencoded",
        body=[("a", "1"), ("b", "2")],
    ),
    Case(
        id="short bundle",
        command="curl -sSLXPOST -HAccept:text/plain -HX-Test:1 -da=b https://api.example.com/x",
        method="POST",
        path="/x",
        headers={"accept": "text/plain", "x-test": "1"},
        kind="application/x-www-form-urlencoded",
        body=[("a", "b")],
    ),
    Case(
        id="G urlencode",
        command='curl -sG https://api.example.com/find --data-urlencode "q=a b&c=d" --data-urlencode "n=100%" -d lang=en',
        method="GET",
        path="/find",
        query=[("q", "a b&c=d"), ("n", "100%"), ("lang", "en")],
    ),
    Case(
        id="url-query",
        command='curl --url-query "a=b c" --url-query +x=y "https://api.example.com/find?z=1"',
        method="GET",
        path="/find",
        query=[("z", "1"), ("a", "b c"), ("x", "y")],
    ),
    Case(
        id="query key",
        command='curl "https://maps.googleapis.com/maps/api/geocode/json?address=1600+Amphitheatre+Parkway&key=test-key-0008"',
        fields={"api_key": "test-key-0008"},
        method="GET",
        path="/maps/api/geocode/json",
        query=[("address", "1600 Amphitheatre Parkway"), ("key", "test-key-0008")],
    ),
    Case(
        id="openweather",
        command='curl "https://api.openweathermap.org/data/2.5/weather?q=London&appid=test-key-0013&units=metric"',
        fields={"api_key": "test-key-0013"},
        method="GET",
        path="/data/2.5/weather",
        query=[("q", "London"), ("appid", "test-key-0013"), ("units", "metric")],
    ),
    Case(
        id="gemini",
        command='curl "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent" -H "x-goog-api-key: $GEMINI_API_KEY" -H \'Content-Type: application/json\' -X POST -d \'{"contents": [{"parts": [{"text": "Explain"}]}]}\' ',
        fields={"gemini_api_key": "test-gemini-api-key"},
        method="POST",
        path="/v1beta/models/gemini-2.5-flash:generateContent",
        headers={"x-goog-api-key": "test-gemini-api-key"},
        kind="application/json",
        body={"contents": [{"parts": [{"text": "Explain"}]}]},
    ),
    Case(
        id="supabase",
        command='curl \'https://xyzcompany.supabase.co/rest/v1/todos?select=id,name&id=eq.1\' -H "apikey: SUPABASE_CLIENT_KEY" -H "Authorization: Bearer SUPABASE_CLIENT_KEY"',
        fields={"api_key": "SUPABASE_CLIENT_KEY"},
        method="GET",
        path="/rest/v1/todos",
        query=[("select", "id,name"), ("id", "eq.1")],
        headers={"apikey": "SUPABASE_CLIENT_KEY", "authorization": "Bearer SUPABASE_CLIENT_KEY"},
    ),
    Case(
        id="gitlab",
        command='curl --header "PRIVATE-TOKEN: test-key-0009" "https://gitlab.example.com/api/v4/projects/5/issues?labels=foo,bar&state=opened"',
        fields={"private_token": "test-key-0009"},
        method="GET",
        path="/api/v4/projects/5/issues",
        query=[("labels", "foo,bar"), ("state", "opened")],
        headers={"private-token": "test-key-0009"},
    ),
    Case(
        id="notion",
        command='curl -X POST \'https://api.notion.com/v1/databases/897e5a76-ae52-4b48-9fdf-e71f5945d1af/query\' -H \'Authorization: Bearer \'"$NOTION_API_KEY"\'\' -H \'Notion-Version: 2022-06-28\' -H "Content-Type: application/json" --data \'{"filter": {"or": [{"property": "In stock","checkbox": {"equals": true}}]}, "sorts": [{"property": "Last ordered","direction": "ascending"}]}\' ',
        fields={"api_key": "test-notion-api-key"},
        method="POST",
        path="/v1/databases/897e5a76-ae52-4b48-9fdf-e71f5945d1af/query",
        headers={"authorization": "Bearer test-notion-api-key", "notion-version": "2022-06-28"},
        kind="application/json",
        body={
            "filter": {"or": [{"property": "In stock", "checkbox": {"equals": True}}]},
            "sorts": [{"property": "Last ordered", "direction": "ascending"}],
        },
    ),
    Case(
        id="shopify",
        command='curl -X GET "https://your-development-store.myshopify.com/admin/api/2025-01/products.json?ids=632910392,921728736" -H "X-Shopify-Access-Token: {access_token}"',
        fields={"shopify_access_token": "{access_token}"},
        method="GET",
        path="/admin/api/2025-01/products.json",
        query=[("ids", "632910392,921728736")],
        headers={"x-shopify-access-token": "{access_token}"},
    ),
    Case(
        id="hubspot",
        command="curl --request GET --url 'https://api.hubapi.com/crm/v3/objects/contacts?limit=10&archived=false' --header 'authorization: Bearer YOUR_ACCESS_TOKEN' ",
        fields={"api_key": "YOUR_ACCESS_TOKEN"},
        method="GET",
        path="/crm/v3/objects/contacts",
        query=[("limit", "10"), ("archived", "false")],
        headers={"authorization": "Bearer YOUR_ACCESS_TOKEN"},
    ),
    Case(
        id="discord",
        command='curl -X POST "https://discord.com/api/v10/channels/123456789012345678/messages" -H "Authorization: Bot test-key-0010" -H "Content-Type: application/json" -d \'{"content":"hi","tts":false}\' ',
        fields={"api_key": "test-key-0010"},
        method="POST",
        path="/api/v10/channels/123456789012345678/messages",
        headers={"authorization": "Bot test-key-0010"},
        kind="application/json",
        body={"content": "hi", "tts": False},
    ),
    Case(
        id="jira",
        command='curl --request POST --url \'https://your-domain.atlassian.net/rest/api/3/issue\' --user \'email@example.com:test-key-0012\' --header \'Accept: application/json\' --header \'Content-Type: application/json\' --data \'{"fields": {"project": {"key": "TEST"}, "summary": "S", "issuetype": {"id": "10000"}}}\' ',
        fields={"username": "email@example.com", "password": "test-key-0012"},
        method="POST",
        path="/rest/api/3/issue",
        headers={
            "authorization": "Basic ZW1haWxAZXhhbXBsZS5jb206dGVzdC1rZXktMDAxMg==",
            "accept": "application/json",
        },
        kind="application/json",
        body={"fields": {"project": {"key": "TEST"}, "summary": "S", "issuetype": {"id": "10000"}}},
    ),
    Case(
        id="zendesk",
        command='curl https://{subdomain}.zendesk.com/api/v2/tickets.json -d \'{"ticket": {"subject": "My printer"}}\' -H "Content-Type: application/json" -v -u {email_address}/token:{api_token} -X POST',
        fields={"username": "{email_address}/token", "password": "{api_token}"},
        method="POST",
        path="/api/v2/tickets.json",
        headers={"authorization": "Basic e2VtYWlsX2FkZHJlc3N9L3Rva2VuOnthcGlfdG9rZW59"},
        kind="application/json",
        body={"ticket": {"subject": "My printer"}},
    ),
    Case(
        id="elastic put",
        command=r"""curl -X PUT "localhost:9200/my-index-000001/_doc/1?pretty" -H 'Content-Type: application/json' -d'
{
  "user": { "id": "kimchy" },
  "@timestamp": "2099-11-15T13:12:00"
}
' """,
        method="PUT",
        path="/my-index-000001/_doc/1",
        query=[("pretty", "")],
        kind="application/json",
        body={"user": {"id": "kimchy"}, "@timestamp": "2099-11-15T13:12:00"},
    ),
    Case(
        id="elastic user",
        command='curl -k -u elastic:changeme "https://localhost:9200/_cat/indices?v&s=index"',
        fields={"username": "elastic", "password": "changeme"},
        method="GET",
        path="/_cat/indices",
        query=[("v", ""), ("s", "index")],
        headers={"authorization": "Basic ZWxhc3RpYzpjaGFuZ2VtZQ=="},
    ),
    Case(
        id="cmd chrome",
        command=r'''curl ^"https://api.example.com/v1/things?a=1^&b=%^20x^" ^
  -H ^"accept: application/json^" ^
  -H ^"authorization: Bearer test-key-0015^" ^
  -H ^"content-type: application/json^" ^
  --data-raw ^"^{^\^"a^\^":1,^\^"b^\^":^\^"x y^\^"^}^"''',
        fields={"api_key": "test-key-0015"},
        method="POST",
        path="/v1/things",
        query=[("a", "1"), ("b", " x")],
        headers={"accept": "application/json", "authorization": "Bearer test-key-0015"},
        kind="application/json",
        body={"a": 1, "b": "x y"},
    ),
    Case(
        id="cmd plain",
        command='curl -X POST "https://api.example.com/v1/things" ^\r\n -H "Content-Type: application/json" ^\r\n -d "{\\"name\\": \\"x\\", \\"n\\": 1.5}"',
        method="POST",
        path="/v1/things",
        kind="application/json",
        body={"name": "x", "n": 1.5},
    ),
    Case(
        id="digitalocean",
        command='curl -X POST -H \'Content-Type: application/json\' -H \'Authorization: Bearer \'$TOKEN\'\' -d \'{"name":"example.com","region":"nyc3","size":"s-1vcpu-1gb","image":"ubuntu-20-04-x64","ssh_keys":[289794,"3b:16:e4"],"backups":true}\' "https://api.digitalocean.com/v2/droplets"',
        fields={"token": "test-token"},
        method="POST",
        path="/v2/droplets",
        headers={"authorization": "Bearer test-token"},
        kind="application/json",
        body={
            "name": "example.com",
            "region": "nyc3",
            "size": "s-1vcpu-1gb",
            "image": "ubuntu-20-04-x64",
            "ssh_keys": [289794, "3b:16:e4"],
            "backups": True,
        },
    ),
    Case(
        id="algolia",
        command='curl -X POST -H "X-Algolia-API-Key: ${API_KEY}" -H "X-Algolia-Application-Id: ${APPLICATION_ID}" --data-binary \'{ "params": "query=george%20clo&hitsPerPage=2" }\' "https://myapp-dsn.algolia.net/1/indexes/imdb/query"',
        fields={"api_key": "test-api-key"},
        inputs={"X_Algolia_Application_Id": "test-application-id"},
        method="POST",
        path="/1/indexes/imdb/query",
        headers={"x-algolia-api-key": "test-api-key", "x-algolia-application-id": "test-application-id"},
        kind="application/json",
        body={"params": "query=george%20clo&hitsPerPage=2"},
    ),
    Case(
        id="pagerduty",
        command="curl -H 'Authorization: Token token=test-key-0014' -H 'Accept: application/vnd.pagerduty+json;version=2' 'https://api.pagerduty.com/incidents?statuses%5B%5D=triggered&statuses%5B%5D=acknowledged' ",
        fields={"api_key": "test-key-0014"},
        method="GET",
        path="/incidents",
        query=[("statuses[]", "triggered"), ("statuses[]", "acknowledged")],
        headers={
            "authorization": "Token token=test-key-0014",
            "accept": "application/vnd.pagerduty+json;version=2",
        },
    ),
    Case(
        id="repeated",
        command='curl "https://api.example.com/x?tag=a&tag=b&tag=c&n=1&empty=&flag"',
        method="GET",
        path="/x",
        query=[("tag", "a"), ("tag", "b"), ("tag", "c"), ("n", "1"), ("empty", ""), ("flag", "")],
    ),
    Case(
        id="dots",
        command='curl "https://api.example.com/a/b/../c/./d?x=1#frag"',
        method="GET",
        path="/a/c/d",
        query=[("x", "1")],
    ),
    Case(
        id="deepl",
        command="curl -X POST 'https://api-free.deepl.com/v2/translate' --header 'Authorization: DeepL-Auth-Key [yourAuthKey]' --data-urlencode 'text=Hello, world!' --data-urlencode 'target_lang=DE' ",
        fields={"api_key": "[yourAuthKey]"},
        method="POST",
        path="/v2/translate",
        headers={"authorization": "DeepL-Auth-Key [yourAuthKey]"},
        kind="application/x-www-form-urlencoded",
        body=[("text", "Hello, world!"), ("target_lang", "DE")],
    ),
    Case(
        id="idempotent",
        command='curl -X POST https://api.squareup.com/v2/payments -H \'Square-Version: 2024-01-18\' -H \'Authorization: Bearer ACCESS_TOKEN\' -H \'Idempotency-Key: 7b0f3ec5-086a-4871-8f13-3c81b3875218\' -H \'Content-Type: application/json\' -d \'{"amount_money": {"amount": 1000, "currency": "USD"}, "source_id": "ccof:GaJGNaZa8x4OgDJn4GB"}\' ',
        fields={"api_key": "ACCESS_TOKEN"},
        method="POST",
        path="/v2/payments",
        headers={
            "square-version": "2024-01-18",
            "authorization": "Bearer ACCESS_TOKEN",
            "idempotency-key": "7b0f3ec5-086a-4871-8f13-3c81b3875218",
        },
        kind="application/json",
        body={"amount_money": {"amount": 1000, "currency": "USD"}, "source_id": "ccof:GaJGNaZa8x4OgDJn4GB"},
    ),
    Case(
        id="array body",
        command='curl -X POST https://api.example.com/batch -H \'Content-Type: application/json\' -d \'[{"id": 1}, {"id": 2, "x": "y"}]\' ',
        method="POST",
        path="/batch",
        kind="application/json",
        body=[{"id": 1}, {"id": 2, "x": "y"}],
    ),
    Case(
        id="basic b64",
        command='curl https://api.example.com/me -H "Authorization: Basic dXNlcjpwYXNzd29yZDEyMw=="',
        fields={"username": "user", "password": "password123"},
        method="GET",
        path="/me",
        headers={"authorization": "Basic dXNlcjpwYXNzd29yZDEyMw=="},
    ),
    Case(
        id="url user",
        command="curl https://user:p%40ss@api.example.com/me",
        fields={"username": "user", "password": "p@ss"},
        method="GET",
        path="/me",
        headers={"authorization": "Basic dXNlcjpwQHNz"},
    ),
    Case(
        id="oauth2-bearer",
        command='curl --oauth2-bearer "test-key-0017" https://api.example.com/me',
        fields={"access_token": "test-key-0017"},
        method="GET",
        path="/me",
        headers={"authorization": "Bearer test-key-0017"},
    ),
    Case(
        id="cookie",
        command='curl -b "sid=test-cookie-2" https://api.example.com/me',
        fields={"sid": "test-cookie-2"},
        method="GET",
        path="/me",
        headers={"cookie": "sid=test-cookie-2"},
    ),
    Case(
        id="agent",
        command='curl -A "my agent/1.0" -e https://ref.example.com/ https://api.example.com/me',
        method="GET",
        path="/me",
        headers={"user-agent": "my agent/1.0", "referer": "https://ref.example.com/"},
    ),
    Case(
        id="empty header",
        command='curl -H "X-Empty;" -H "Accept:" https://api.example.com/me',
        method="GET",
        path="/me",
        headers={"x-empty": ""},
    ),
    Case(
        id="max time",
        command="curl -m 5 --retry 3 https://api.example.com/me",
        method="GET",
        path="/me",
    ),
    Case(
        id="multiline string",
        command=r"""curl https://api.example.com/me -H 'Content-Type: application/json' -d '{"a": "x\ny", "big": 12345678901234567890, "neg": -0.5e3, "uni": "\ud83d\ude00"}'""",
        method="POST",
        path="/me",
        kind="application/json",
        body={"a": "x\ny", "big": 12345678901234567890, "neg": -500.0, "uni": "😀"},
    ),
    Case(
        id="delete body",
        command="curl -X DELETE https://api.example.com/items -H 'Content-Type: application/json' -d '{\"ids\": [1, 2]}' ",
        method="DELETE",
        path="/items",
        kind="application/json",
        body={"ids": [1, 2]},
    ),
    Case(
        id="put form",
        command="curl -X PUT -d 'name=x y' -d 'n=5' https://api.example.com/items/42",
        method="PUT",
        path="/items/42",
        kind="application/x-www-form-urlencoded",
        body=[("name", "x y"), ("n", "5")],
    ),
    Case(
        id="vnd json",
        command='curl -X POST https://api.example.com/items -H \'Content-Type: application/vnd.api+json\' -d \'{"data": {"type": "items"}}\' ',
        method="POST",
        path="/items",
        kind="application/vnd.api+json",
        body={"data": {"type": "items"}},
    ),
    Case(
        id="encoded path",
        command='curl "https://api.example.com/files/a%20b%2Fc/meta"',
        method="GET",
        path="/files/a%20b%2Fc/meta",
    ),
    Case(
        id="langsmith",
        command='curl --request GET --url "https://api.smith.langchain.com/api/v1/sessions?limit=10&sort_by=start_time" --header "X-Api-Key: $LANGSMITH_API_KEY"',
        fields={"langsmith_api_key": "test-langsmith-api-key"},
        method="GET",
        path="/api/v1/sessions",
        query=[("limit", "10"), ("sort_by", "start_time")],
        headers={"x-api-key": "test-langsmith-api-key"},
    ),
    Case(
        id="two secrets",
        command='curl -X GET "https://api.datadoghq.com/api/v1/validate" -H "Accept: application/json" -H "DD-API-KEY: ${DD_API_KEY}" -H "DD-APPLICATION-KEY: ${DD_APP_KEY}"',
        fields={"dd_api_key": "test-dd-api-key", "dd_app_key": "test-dd-app-key"},
        method="GET",
        path="/api/v1/validate",
        headers={
            "accept": "application/json",
            "dd-api-key": "test-dd-api-key",
            "dd-application-key": "test-dd-app-key",
        },
    ),
    Case(
        id="bool body",
        command='curl -X POST https://api.example.com/a -H \'content-type: application/json\' -d \'{"a": false, "b": 0, "c": "", "d": [], "e": {}}\' ',
        method="POST",
        path="/a",
        kind="application/json",
        body={"a": False, "b": 0, "c": "", "d": [], "e": {}},
    ),
    Case(
        id="trailing slash",
        command="curl https://api.example.com/v1/things/",
        method="GET",
        path="/v1/things/",
    ),
    Case(
        id="root",
        command="curl https://api.example.com",
        method="GET",
        path="/",
    ),
    Case(
        id="port",
        command="curl https://api.example.com:8443/v1/x",
        method="GET",
        path="/v1/x",
    ),
    Case(
        id="post empty",
        command='curl -X POST https://api.example.com/v1/refresh -H "Authorization: Bearer $TOKEN"',
        fields={"token": "test-token"},
        method="POST",
        path="/v1/refresh",
        headers={"authorization": "Bearer test-token"},
    ),
    Case(
        id="cloudflare",
        command=r'''curl -X GET "https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records?type=A&page=1&per_page=20" \
     -H "X-Auth-Email: user@example.com" \
     -H "X-Auth-Key: test-key-0019" \
     -H "Content-Type: application/json"''',
        fields={"auth_email": "user@example.com", "auth_key": "test-key-0019"},
        method="GET",
        path="/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records",
        query=[("type", "A"), ("page", "1"), ("per_page", "20")],
        headers={
            "x-auth-email": "user@example.com",
            "x-auth-key": "test-key-0019",
            "content-type": "application/json",
        },
    ),
    Case(
        id="airtable",
        command='curl "https://api.airtable.com/v0/appABC123def456/Table%20Name?maxRecords=3&view=Grid%20view" -H "Authorization: Bearer YOUR_SECRET_API_TOKEN"',
        fields={"api_key": "YOUR_SECRET_API_TOKEN"},
        method="GET",
        path="/v0/appABC123def456/Table%20Name",
        query=[("maxRecords", "3"), ("view", "Grid view")],
        headers={"authorization": "Bearer YOUR_SECRET_API_TOKEN"},
    ),
    Case(
        id="spotify",
        command='curl -X "POST" -H "Authorization: Basic dGVzdC1pZDp0ZXN0LWtleS0wMDIw" -d grant_type=client_credentials https://accounts.spotify.com/api/token',
        fields={"username": "test-id", "password": "test-key-0020"},
        method="POST",
        path="/api/token",
        headers={"authorization": "Basic dGVzdC1pZDp0ZXN0LWtleS0wMDIw"},
        kind="application/x-www-form-urlencoded",
        body=[("grant_type", "client_credentials")],
    ),
    Case(
        id="paypal",
        command='curl -v -X POST "https://api-m.sandbox.paypal.com/v1/oauth2/token" -u "CLIENT_ID:CLIENT_SECRET" -H "Content-Type: application/x-www-form-urlencoded" -d "grant_type=client_credentials"',
        fields={"username": "CLIENT_ID", "password": "CLIENT_SECRET"},
        method="POST",
        path="/v1/oauth2/token",
        headers={"authorization": "Basic Q0xJRU5UX0lEOkNMSUVOVF9TRUNSRVQ="},
        kind="application/x-www-form-urlencoded",
        body=[("grant_type", "client_credentials")],
    ),
    Case(
        id="trello",
        command="curl --request POST --url 'https://api.trello.com/1/cards?idList=5abbe4b7ddc1b351ef961414&key=APIKey&token=APIToken' --header 'Accept: application/json' ",
        fields={"api_key": "APIKey", "token": "APIToken"},
        method="POST",
        path="/1/cards",
        query=[("idList", "5abbe4b7ddc1b351ef961414"), ("key", "APIKey"), ("token", "APIToken")],
        headers={"accept": "application/json"},
    ),
    Case(
        id="elevenlabs",
        command='curl -X POST "https://api.elevenlabs.io/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb?output_format=mp3_44100_128" -H "xi-api-key: $XI_KEY" -H "Content-Type: application/json" -d \'{"text": "The first move", "model_id": "eleven_v2", "voice_settings": {"stability": 0.5}}\' -o out.mp3',
        fields={"xi_key": "test-xi-key"},
        method="POST",
        path="/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb",
        query=[("output_format", "mp3_44100_128")],
        headers={"xi-api-key": "test-xi-key"},
        kind="application/json",
        body={"text": "The first move", "model_id": "eleven_v2", "voice_settings": {"stability": 0.5}},
    ),
    Case(
        id="replicate",
        command=r"""curl --silent --show-error https://api.replicate.com/v1/predictions --request POST --header "Authorization: Bearer $REPLICATE_API_TOKEN" --header "Content-Type: application/json" --header "Prefer: wait" --data @- <<'EOM'
{
	"version": "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa",
	"input": {
      "text": "Alice"
	}
}
EOM""",
        fields={"api_token": "test-replicate-api-token"},
        method="POST",
        path="/v1/predictions",
        headers={"authorization": "Bearer test-replicate-api-token", "prefer": "wait"},
        kind="application/json",
        body={
            "version": "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa",
            "input": {"text": "Alice"},
        },
    ),
    Case(
        id="cohere",
        command='curl --request POST --url https://api.cohere.com/v2/chat --header \'accept: application/json\' --header \'content-type: application/json\' --header "Authorization: bearer $CO_API_KEY" --data \'{"model": "command","messages": [{"role": "user","content": "Hello"}],"stream": true}\' ',
        fields={"co_api_key": "test-co-api-key"},
        method="POST",
        path="/v2/chat",
        headers={"accept": "application/json", "authorization": "bearer test-co-api-key"},
        kind="application/json",
        body={"model": "command", "messages": [{"role": "user", "content": "Hello"}], "stream": True},
    ),
    Case(
        id="one line backslashes",
        command=r"""curl --request GET \ --url 'https://api.example.com/v1/x' \ --header 'accept: application/json' """,
        method="GET",
        path="/v1/x",
        headers={"accept": "application/json"},
    ),
    Case(
        id="contentful",
        command="curl --include --request PUT --header 'Authorization: Bearer test-key-0022' --header 'Content-Type: application/vnd.contentful.management.v1+json' --header 'X-Contentful-Version: 5' --data-binary '{\"name\": \"Example\"}' https://api.contentful.com/spaces/yadj1kx9rmg0",
        fields={"api_key": "test-key-0022"},
        method="PUT",
        path="/spaces/yadj1kx9rmg0",
        headers={"authorization": "Bearer test-key-0022", "x-contentful-version": "5"},
        kind="application/vnd.contentful.management.v1+json",
        body={"name": "Example"},
    ),
    Case(
        id="graphql vars",
        command=r"""curl 'https://api.example.com/graphql' -H 'content-type: application/json' --data-raw $'{"query":"query Q($id: ID\u0021) { node(id: $id) { id } }","variables":{"id":"x"},"operationName":null}' """,
        method="POST",
        path="/graphql",
        kind="application/json",
        body={"query": "query Q($id: ID!) { node(id: $id) { id } }", "variables": {"id": "x"}},
    ),
    Case(
        id="nested brackets",
        command="curl -g 'https://api.example.com/x?filter[name]=a&page[size]=10&sort=-created&fields[]=a&fields[]=b' ",
        method="GET",
        path="/x",
        query=[
            ("filter[name]", "a"),
            ("page[size]", "10"),
            ("sort", "-created"),
            ("fields[]", "a"),
            ("fields[]", "b"),
        ],
    ),
    Case(
        id="brackets without g",
        command="curl 'https://api.example.com/x?filter[name]=a&include=b,c' ",
        method="GET",
        path="/x",
        query=[("filter[name]", "a"), ("include", "b,c")],
    ),
    Case(
        id="solr",
        command='curl "http://localhost:8983/solr/core/select?q=*:*&rows=5&wt=json"',
        method="GET",
        path="/solr/core/select",
        query=[("q", "*:*"), ("rows", "5"), ("wt", "json")],
    ),
    Case(
        id="influx",
        command='curl -i -XPOST "http://localhost:8086/api/v2/write?org=o&bucket=b" --header "Authorization: Token test-key-0021" --data-raw "cpu,host=a value=0.64 1434055562000000000"',
        fields={"api_key": "test-key-0021"},
        method="POST",
        path="/api/v2/write",
        query=[("org", "o"), ("bucket", "b")],
        headers={"authorization": "Token test-key-0021"},
        kind="application/x-www-form-urlencoded",
        body=[("cpu,host", "a value=0.64 1434055562000000000")],
    ),
    Case(
        id="ndjson",
        command=r"""curl -X POST "localhost:9200/_bulk" -H "Content-Type: application/x-ndjson" --data-binary $'{"index":{"_index":"t"}}\n{"a":1}\n' """,
        method="POST",
        path="/_bulk",
        kind="application/x-ndjson",
        body='{"index":{"_index":"t"}}\n{"a":1}\n',
    ),
    Case(
        id="soap",
        command="curl -X POST https://www.example.com/service.asmx -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: \"http://x/y\"' -d '<?xml version=\"1.0\"?><a b=\"c\">d</a>' ",
        method="POST",
        path="/service.asmx",
        headers={"soapaction": '"http://x/y"'},
        kind="text/xml; charset=utf-8",
        body='<?xml version="1.0"?><a b="c">d</a>',
    ),
    Case(
        id="range",
        command="curl -r 0-99 https://api.example.com/f",
        method="GET",
        path="/f",
        headers={"range": "bytes=0-99"},
    ),
    Case(
        id="xml accept",
        command='curl -H "Accept: application/xml" "https://api.example.com/feed.xml?d=2024-01-02&t=12:30"',
        method="GET",
        path="/feed.xml",
        query=[("d", "2024-01-02"), ("t", "12:30")],
        headers={"accept": "application/xml"},
    ),
    Case(
        id="dup headers",
        command='curl -H "X-A: 1" -H "x-a: 2" https://api.example.com/f',
        method="GET",
        path="/f",
        headers={"x-a": "1, 2"},
    ),
    Case(
        id="plus form",
        command='curl -d "msg=a+b%20c" -d "pct=100%25" https://api.example.com/f',
        method="POST",
        path="/f",
        kind="application/x-www-form-urlencoded",
        body=[("msg", "a b c"), ("pct", "100%")],
    ),
    Case(
        id="form quoted",
        command=r"""curl -F 'a="x;y, \"z\""' -F "b=line1
line2" -F c= https://api.example.com/f""",
        method="POST",
        path="/f",
        kind="multipart",
        body=[("a", 'x;y, "z"'), ("b", "line1\nline2"), ("c", "")],
    ),
    Case(
        id="option after url",
        command="curl https://api.example.com/f -XDELETE -v --http1.1 -4",
        method="DELETE",
        path="/f",
    ),
    Case(
        id="deep",
        command='curl --json \'{"a":{"b":{"c":{"d":[[1,[2,"x"]],{"e":{}}]}}}}\' https://api.example.com/f',
        method="POST",
        path="/f",
        headers={"accept": "application/json"},
        kind="application/json",
        body={"a": {"b": {"c": {"d": [[1, [2, "x"]], {"e": {}}]}}}},
    ),
    Case(
        id="big numbers",
        command='curl --json \'{"a":1e5,"b":1E-7,"c":-0,"d":123456789012345678901234567890,"e":0.1}\' https://api.example.com/f',
        method="POST",
        path="/f",
        headers={"accept": "application/json"},
        kind="application/json",
        body={"a": 100000.0, "b": 1e-07, "c": 0, "d": 123456789012345678901234567890, "e": 0.1},
    ),
    Case(
        id="dup form names",
        command="curl -d to=a -d to=b -d cc=c https://api.example.com/f",
        method="POST",
        path="/f",
        kind="application/x-www-form-urlencoded",
        body=[("to", "a"), ("to", "b"), ("cc", "c")],
    ),
    Case(
        id="same names",
        command='curl "https://api.example.com/users/42?user_id=7&id=1" --json \'{"user_id":3,"id":2,"userId":1}\' ',
        method="POST",
        path="/users/42",
        query=[("user_id", "7"), ("id", "1")],
        headers={"accept": "application/json"},
        kind="application/json",
        body={"user_id": 3, "id": 2, "userId": 1},
    ),
    Case(
        id="form json",
        command='curl --data-urlencode \'payload={"text": "Hi & <b>"}\' https://hooks.example.com/x',
        method="POST",
        path="/x",
        kind="application/x-www-form-urlencoded",
        body=[("payload", '{"text": "Hi & <b>"}')],
    ),
    Case(
        id="options",
        command="curl -X OPTIONS https://api.example.com/f -H 'Origin: https://x.example' ",
        method="OPTIONS",
        path="/f",
        headers={"origin": "https://x.example"},
    ),
    Case(
        id="head",
        command="curl -I https://api.example.com/f?x=1",
        method="HEAD",
        path="/f",
        query=[("x", "1")],
    ),
)
