"""Sockets that open no connection, for as long as something is replayed."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_LOCAL: Final = {getattr(socket, name, None) for name in ("AF_UNIX", "AF_PIPE")} - {None}
_METHODS: Final = ("connect", "connect_ex", "sendto", "sendmsg")
_LOOKUPS: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


class NetworkBlocked(AssertionError):
    """Something has tried to reach the network from within a replay."""


@contextmanager
def no_network() -> Iterator[None]:
    """While it lasts, no socket of this process connects or sends to an address, and no name is looked up.

    What is connected already goes on, and so do the sockets of one machine (AF_UNIX), by which the parts of a
    program talk to one another.

    Raises:
        NetworkBlocked: from whatever tries to.
    """
    kept = [
        (socket.socket, name, getattr(socket.socket, name))
        for name in _METHODS
        if hasattr(socket.socket, name)
    ]
    lookups = [(socket, name, getattr(socket, name)) for name in _LOOKUPS]
    own = {name for name in _METHODS if name in vars(socket.socket)}
    for _, name, method in kept:
        setattr(socket.socket, name, _blocked_method(method))
    for _, name, lookup in lookups:
        setattr(socket, name, _blocked_lookup(lookup))
    try:
        yield
    finally:
        for _, name, method in kept:
            if name in own:
                setattr(socket.socket, name, method)
            else:  # it is inherited from the class in C
                delattr(socket.socket, name)
        for _, name, lookup in lookups:
            setattr(socket, name, lookup)


def _blocked_method(method: Callable[..., Any]) -> Callable[..., Any]:
    def blocked(self: socket.socket, *arguments: Any) -> Any:
        if self.family in _LOCAL or (method.__name__ == "sendmsg" and len(arguments) < 4):
            return method(self, *arguments)
        if method.__name__.startswith("connect"):
            self.close()  # whoever connects closes it for an OSError only, which would be taken for the network's
        raise _refused(arguments[-1] if arguments else "")

    return blocked


def _blocked_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    def blocked(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is None or _is_address(host):  # nobody is asked
            return lookup(host, *arguments, **options)
        raise _refused(host)

    return blocked


def _is_address(host: Any) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, str(host))
        except (OSError, ValueError):
            continue
        return True
    return False


def _refused(address: Any) -> NetworkBlocked:
    place = ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)
    return NetworkBlocked(
        f"A replay must not use the network, and something has tried to reach {place[:200]!r}. "
        "Send through the connection that the cassette answers, or keep it out of the test."
    )
