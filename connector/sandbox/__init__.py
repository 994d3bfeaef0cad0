"""A local server that behaves like the Perplexity API as far as the known facts go.

It answers with synthetic text and a small built-in corpus, the same each time, and it is as strict as
the real one: for demos, for recording cassettes, for rehearsing workflows, and to point SDKs at.
Any key that starts with `pplx-` is good; `connector.sandbox.gate` has three that rehearse failures.
"""

from connector.sandbox.app import create_app
from connector.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "create_app", "serve"]
