"""A local stand-in for the service of any connector, made from its manifest.

It answers what the routes' response schemas promise, the same each time: recorded answers where there are
cassettes, else values that the outputs can be read from. It checks what a manifest says of a request: the
credentials, method and path, query, headers and body.
"""

from connector.mock.credential import Credential
from connector.mock.server import Mock, serve_mock
from connector.mock.value import value_for

__all__ = ["Credential", "Mock", "serve_mock", "value_for"]
