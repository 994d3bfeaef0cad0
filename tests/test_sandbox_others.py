"""The rest of the sandbox's API: embeddings, decisions, files and batches."""

from __future__ import annotations

import base64
import itertools
import json
import math
import operator
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connector.sandbox import Sandbox

KEYS = (f"pplx-test-others-{number}" for number in itertools.count())
EMBED = "pplx-embed-v1-0.6b"
CONTEXT = "pplx-embed-context-v1-0.6b"
DECIDER = "pplx-decider-v1.2"


@pytest.fixture(scope="module")
def shared() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture
def client(shared: httpx.Client) -> httpx.Client:
    """A client with a key of its own: it sees none of the others' files."""
    shared.headers["authorization"] = f"Bearer {next(KEYS)}"
    return shared


def ask(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refusal(client: httpx.Client, path: str, **body: Any) -> str:
    answer = client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    kind: str = answer.json()["error"]["type"]
    return kind


def vector(row: dict[str, Any]) -> tuple[int, ...]:
    raw = base64.b64decode(row["embedding"])
    return struct.unpack(f"{len(raw)}b", raw)


def cosine(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(sum(map(operator.mul, one, other))) / (math.hypot(*one) * math.hypot(*other))


@pytest.mark.parametrize(
    ("model", "dimensions"), [(EMBED, 1024), ("pplx-embed-v1-4b", 2560)], ids=["0.6b", "4b"]
)
def test_an_embedding_is_a_base64_text(client: httpx.Client, model: str, dimensions: int) -> None:
    """One signed byte for each dimension, and a price."""
    body = ask(client, "/v1/embeddings", model=model, input="hello world")
    assert len(vector(body["data"][0])) == dimensions
    assert body["usage"]["cost"]["total_cost"] > 0


def test_dimensions_and_encoding_are_honoured(client: httpx.Client) -> None:
    """Binary packs eight dimensions into a byte."""
    body = {"model": EMBED, "input": ["a", "b"], "dimensions": 256}
    assert len(vector(ask(client, "/v1/embeddings", **body)["data"][1])) == 256
    packed = ask(client, "/v1/embeddings", **body, encoding_format="base64_binary")["data"][0]
    assert len(base64.b64decode(packed["embedding"])) == 32


def test_texts_that_share_words_are_near(client: httpx.Client) -> None:
    """Similarity means something, so that a demo of a vector search works."""
    texts = ["solar power on a roof", "a roof with solar panels", "minutes of the city council"]
    first, near, far = map(vector, ask(client, "/v1/embeddings", model=EMBED, input=texts)["data"])
    assert cosine(first, near) > cosine(first, far) + 0.2


def test_contextualized_embeddings_are_nested(client: httpx.Client) -> None:
    """Documents, each with its chunks."""
    body = ask(client, "/v1/contextualizedembeddings", model=CONTEXT, input=[["a", "b"], ["c"]])
    assert [len(row["data"]) for row in body["data"]] == [2, 1]
    assert [row["index"] for row in body["data"]] == [0, 1]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/embeddings", {"input": ""}, "invalid_request"),
        ("/v1/embeddings", {"input": []}, "invalid_request"),
        ("/v1/embeddings", {"input": ["a"] * 513}, "invalid_request"),
        ("/v1/embeddings", {"input": "a" * 131_073}, "invalid_request"),
        ("/v1/embeddings", {"input": ["a" * 131_000] * 4}, "invalid_request"),
        ("/v1/embeddings", {"model": "text-embedding-3"}, "invalid_model"),
        ("/v1/embeddings", {"model": CONTEXT}, "invalid_model"),
        ("/v1/embeddings", {"dimensions": 127}, "invalid_request"),
        ("/v1/embeddings", {"dimensions": 1025}, "invalid_request"),
        ("/v1/embeddings", {"encoding_format": "float"}, "invalid_request"),
        ("/v1/contextualizedembeddings", {"input": ["a"], "model": CONTEXT}, "invalid_request"),
        ("/v1/contextualizedembeddings", {"input": [[]], "model": CONTEXT}, "invalid_request"),
        ("/v1/contextualizedembeddings", {"input": [["a"] * 16_001], "model": CONTEXT}, "invalid_request"),
    ],
)
def test_the_limits_of_embeddings_hold(
    client: httpx.Client, path: str, body: dict[str, Any], kind: str
) -> None:
    """Too many, too long, too short, or another model."""
    assert refusal(client, path, **{"model": EMBED, "input": "a", **body}) == kind


def test_decisions_answer_each_question_by_its_type(client: httpx.Client) -> None:
    """Probabilities add up, the choice is the likeliest, and the score is a weighted position."""
    answers = ask(
        client,
        "/v1/decisions",
        model=DECIDER,
        state={"message": "I want a refund for my order"},
        questions={
            "angry": {"type": "noul", "instructions": "Is the writer angry?"},
            "topic": {"type": "choice", "criteria": {"refund": "money back", "praise": None}},
            "urgency": {"type": "score", "criteria": ["can wait", "soon", "now"]},
        },
    )["answers"]
    assert 0 <= answers["angry"]["noul"] <= 1
    topic, urgency = answers["topic"], answers["urgency"]
    assert topic["choice"] == "refund"
    assert sum(topic["probabilities"].values()) == pytest.approx(1)
    assert set(urgency["legend"]) == set(urgency["probabilities"]) == {"0", "1", "2"}
    expected = sum(int(level) * share for level, share in urgency["probabilities"].items())
    assert urgency["score"] == pytest.approx(expected, abs=1e-3)
    assert 0 <= urgency["confidence"] <= 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"model": "sonar"}, id="model"),
        pytest.param({"questions": {}}, id="no questions"),
        pytest.param(
            {"questions": {str(n): {"type": "noul", "instructions": "x"} for n in range(129)}}, id="129"
        ),
        pytest.param({"questions": {"q": {"type": "noul"}}}, id="noul without a question"),
        pytest.param({"questions": {"q": {"type": "choice", "criteria": {}}}}, id="no options"),
        pytest.param({"questions": {"q": {"type": "score", "criteria": ["x"] * 11}}}, id="11 levels"),
        pytest.param({"questions": {"q": {"type": "yesno", "instructions": "x"}}}, id="type"),
        pytest.param({"questions": {"q": None}}, id="null"),
        pytest.param({"state": None}, id="no state"),
    ],
)
def test_the_limits_of_decisions_hold(client: httpx.Client, body: dict[str, Any]) -> None:
    """Whatever the documents give as a limit is one."""
    good = {"q": {"type": "noul", "instructions": "x"}}
    refusal(client, "/v1/decisions", **{"model": DECIDER, "state": "s", "questions": good, **body})


def upload(client: httpx.Client, content: bytes, name: str = "in.jsonl") -> dict[str, Any]:
    answer = client.post("/v1/files", files={"file": (name, content)}, data={"purpose": "batch"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_file_comes_back_as_it_was(client: httpx.Client) -> None:
    """Upload, look, read, delete; line ends and bytes that are not text survive."""
    content = b"one\r\n--two\r\n\x00\xff\r\n"
    file = upload(client, content, "näme.bin")
    assert (file["bytes"], file["filename"], file["purpose"]) == (len(content), "näme.bin", "batch")
    assert client.get(f"/v1/files/{file['id']}").json() == file
    assert client.get(f"/v1/files/{file['id']}/content").content == content
    assert client.delete(f"/v1/files/{file['id']}").json()["deleted"] is True
    assert client.get(f"/v1/files/{file['id']}").status_code == 404


def test_files_are_listed_in_pages(client: httpx.Client) -> None:
    """Newest first, `limit` at a time, going on `after` the last one."""
    names = [upload(client, b"x", f"{number}.jsonl")["id"] for number in range(3)]
    first = client.get("/v1/files?limit=2").json()
    assert [row["id"] for row in first["data"]] == [names[2], names[1]]
    assert first["has_more"] is True
    second = client.get(f"/v1/files?limit=2&after={first['last_id']}").json()
    assert ([row["id"] for row in second["data"]], second["has_more"]) == ([names[0]], False)
    assert client.get("/v1/files?order=asc").json()["first_id"] == names[0]
    for query in ("limit=0", "limit=x", "after=x", "order=up", "purpose=x"):
        assert client.get(f"/v1/files?{query}").status_code == 400


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("application/json", b"{}", id="JSON"),
        pytest.param("multipart/form-data", b"", id="no boundary"),
        pytest.param("multipart/form-data; boundary=b", b"--b\r\n", id="cut off"),
        pytest.param("multipart/form-data; boundary=b", b"--b--\r\n", id="no parts"),
        pytest.param("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", id="no name"),
        pytest.param("multipart/form-data; boundary=b", b"\r\n--b\r\n" * 50, id="too many parts"),
    ],
)
def test_uploads_that_are_not_multipart_are_refused(client: httpx.Client, kind: str, content: bytes) -> None:
    """Whatever the bytes are, the answer is a 400."""
    answer = client.post("/v1/files", content=content, headers={"content-type": kind})
    assert answer.status_code == 400


def line(custom_id: str, **body: Any) -> bytes:
    row = {"custom_id": custom_id, "method": "POST", "url": "/v1/responses", "body": body}
    return json.dumps(row).encode() + b"\n"


def batch(client: httpx.Client, content: bytes, **more: Any) -> dict[str, Any]:
    file = upload(client, content)
    return ask(client, "/v1/batches", endpoint="/v1/responses", input_file_id=file["id"], **more)


def test_a_batch_is_worked_off(client: httpx.Client) -> None:
    """Validating, in progress, completed: answers in one file, refusals in another."""
    made = batch(client, line("good", effort="fast", input="hello") + line("bad", effort="fast"))
    polls = [client.get(f"/v1/batches/{made['id']}").json() for _ in range(2)]
    assert [made["status"], *(poll["status"] for poll in polls)] == [
        "validating",
        "in_progress",
        "completed",
    ]
    done = polls[-1]
    assert done["request_counts"] == {"completed": 1, "failed": 1, "total": 2}
    (good,) = map(json.loads, client.get(f"/v1/files/{done['output_file_id']}/content").text.splitlines())
    assert good["custom_id"] == "good"
    assert good["response"]["body"]["status"] == "completed"
    assert done["usage"]["total_tokens"] == good["response"]["body"]["usage"]["total_tokens"]
    (bad,) = map(json.loads, client.get(f"/v1/files/{done['error_file_id']}/content").text.splitlines())
    assert bad["response"]["status_code"] == 400
    assert client.get("/v1/batches").json()["data"] == [done]


@pytest.mark.parametrize(
    ("content", "number"),
    [
        pytest.param(b"", 1, id="empty"),
        pytest.param(line("a", input="x") + b"{\n", 2, id="not JSON"),
        pytest.param(line("a", input="x") * 2, 2, id="an id twice"),
        pytest.param(b'{"body": {}}\n', 1, id="no id"),
    ],
)
def test_a_broken_input_file_fails_the_batch(client: httpx.Client, content: bytes, number: int) -> None:
    """The batch says which line is wrong."""
    made = batch(client, content)
    assert made["status"] == "failed"
    assert made["errors"]["data"][0]["line"] == number


def test_a_batch_can_be_cancelled(client: httpx.Client) -> None:
    """Cancelling first, cancelled when looked at, and then no more."""
    made = batch(client, line("a", effort="fast", input="x"))
    path = f"/v1/batches/{made['id']}"
    assert client.post(f"{path}/cancel").json()["status"] == "cancelling"
    assert client.get(path).json()["status"] == "cancelled"
    assert client.post(f"{path}/cancel").status_code == 400
    assert client.get("/v1/batches/batch_unknown").status_code == 404


def test_an_idempotency_key_finds_the_batch_again(client: httpx.Client) -> None:
    """The second request makes no second batch, and does not start the first one again."""
    file = upload(client, line("a", effort="fast", input="x"))
    body = {"endpoint": "/v1/responses", "input_file_id": file["id"]}
    first = client.post("/v1/batches", json=body, headers={"idempotency-key": "k"}).json()
    client.get(f"/v1/batches/{first['id']}")
    again = client.post("/v1/batches", json=body, headers={"idempotency-key": "k"}).json()
    assert (again["id"], again["status"]) == (first["id"], "in_progress")


def test_a_path_with_two_methods_names_both(client: httpx.Client) -> None:
    """The Allow header of a 405 is complete."""
    assert client.put("/v1/files").headers["allow"] == "GET, POST"
