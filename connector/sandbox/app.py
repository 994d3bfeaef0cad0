"""The sandbox as an ASGI application: which path is answered by what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from connector.sandbox.batches import Batch, batch_routes
from connector.sandbox.body import read_object
from connector.sandbox.decisions import decision_routes
from connector.sandbox.embeddings import embedding_routes
from connector.sandbox.fault import parse_fault
from connector.sandbox.faulty import Faulty
from connector.sandbox.files import StoredFile, file_routes
from connector.sandbox.gate import Stamp, Window, route
from connector.sandbox.memory import Held, Shelf
from connector.sandbox.models import list_models
from connector.sandbox.refusal import Refused, retired
from connector.sandbox.reply import json_reply, stream_reply
from connector.sandbox.responses import Run, agent_routes
from connector.sandbox.search import answer_search
from connector.sandbox.sonar import answer_chat
from connector.sandbox.sonar_request import read_chat
from connector.sandbox.sonar_stream import stream_chat

_CHAT_PATHS = ("/chat/completions", "/v1/chat/completions", "/v1/sonar")
_ASYNC_CHAT_PATHS = ("/async/chat/completions", "/v1/async/sonar")


def create_app(
    *, sonar: bool = False, faults: Sequence[str] = (), told: Callable[[str], None] = lambda _: None
) -> Starlette:
    """An application that answers as api.perplexity.ai does, as far as that is known.

    Args:
        sonar: serve the retired chat endpoint as some gateways do, instead of refusing it.
        faults: how it misbehaves, such as `429,times=2`.
        told: called with a line for each request that meets a fault.

    Raises:
        InputError: a fault that there is not.
    """
    wanted = [parse_fault(text, "--fault") for text in faults]
    routes = [
        *agent_routes(),
        route("/search", "POST", _search),
        route("/v1/models", "GET", _models),
        *embedding_routes(),
        *decision_routes(),
        *batch_routes(),
        *file_routes(),
        *(route(path, "POST", _chat if sonar else _retired) for path in _CHAT_PATHS),
        *(
            route(path + more, method, _retired)
            for path in _ASYNC_CHAT_PATHS
            for more in ("", "/{id}")
            for method in ("GET", "POST")
        ),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Stamp), Middleware(Faulty, wanted, told)],
        exception_handlers={Refused: _refused, HTTPException: _unrouted},
    )
    app.router.redirect_slashes = False
    app.state.window = Window()
    app.state.held = Held()
    app.state.runs = Shelf[Run]()
    app.state.files = Shelf[StoredFile]()
    app.state.batches = Shelf[Batch]()
    return app


async def _search(request: Request) -> Response:
    return json_reply(answer_search(await read_object(request)))


async def _models(request: Request) -> Response:
    return json_reply(list_models())


async def _chat(request: Request) -> Response:
    chat = read_chat(await read_object(request))
    answer = answer_chat(chat)
    if chat.body.get("stream"):
        return stream_reply(stream_chat(chat, answer))
    return json_reply(answer)


async def _retired(request: Request) -> Response:
    raise retired()


# These wait for nothing; but Starlette would call a plain function in a worker thread.
async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return json_reply(error.envelope(), error.status, error.headers)


async def _unrouted(request: Request, error: Exception) -> Response:
    """An unknown path gets no body at all, as at the real API."""
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return PlainTextResponse("", error.status_code)
    refused = Refused("method not allowed", status=405, type="method_not_allowed")
    return json_reply(refused.envelope(), 405, {"allow": ", ".join(_methods(request))})


def _methods(request: Request) -> list[str]:
    """What the path can be asked with; each method has a route of its own."""
    routes = [found for found in request.app.routes if isinstance(found, Route)]
    fitting = [found for found in routes if found.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for found in fitting for method in found.methods or ()} - {"HEAD"})
