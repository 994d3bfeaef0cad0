"""Where a key may be sent: a base URL is https, or this machine, and reads alike to every reader of URLs.

What could send a key elsewhere or in the clear is refused: a user name before the host, a query, a path that leads
back, addresses in a spelling that hides them, those at which clouds keep their own credentials.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connector.errors import CredentialError

ALLOW_HTTP: Final = "CONNECTOR_ALLOW_HTTP"
"""The variable that allows http to other machines when it is 1."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def checked_base_url(url: Any, *, where: str, allow_http: bool = False) -> str:
    """A base URL that a key may be sent to, without a slash at the end. As checked_url."""
    return checked_url(url, what="base_url", where=where, allow_http=allow_http).rstrip("/")


def checked_url(url: Any, *, what: str, where: str, allow_http: bool = False) -> str:
    """A URL that a secret may be sent to.

    https, or http to this machine.

    Args:
        url: anything that a person or a manifest has given.
        what: its name in the manifest.
        where: what it is of, for the error.
        allow_http: http also to other machines.

    Raises:
        CredentialError: if it is not such a URL.
    """
    text = str(url).strip()
    hint = "Write it as https://host or https://host/path."
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port == 0 or parts.scheme not in {"http", "https"} or not _PLAIN.fullmatch(text):
        raise CredentialError(f"{what} is not an http or https URL.", where=where, hint=hint)
    if "@" in parts.netloc:
        message = f"{what} holds a user name or password."
        raise CredentialError(message, where=where, hint="Put them into the fields.")
    if "?" in text or "#" in text:
        raise CredentialError(f"{what} holds a query or a fragment.", where=where, hint=hint)
    if not _HOST.fullmatch(parts.netloc) or not _LABELS.fullmatch(host):
        raise CredentialError(f"{what} has a host that is not one.", where=where, hint=hint)
    if not {".", ".."}.isdisjoint(unquote(parts.path).split("/")):
        message = f"{what} has a path that leads back."
        raise CredentialError(message, where=where, hint="Write the path without '.' and '..'.")
    _check_address(host, what, where)
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        message = f"{what} is plain http: the key could be read on the way."
        hint = f"Use https. For a trusted network, set {ALLOW_HTTP}=1."
        raise CredentialError(message, where=where, hint=hint)
    return text


# what every reader of URLs reads alike: no backslash, space, control character or letter beyond ASCII
_PLAIN = re.compile(r"[!-\[\]-~]+")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?")
_LABELS = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*|(?=.{1,253}\Z)[^.]{1,63}(\.[^.]{1,63})*\.?")
_METADATA = {"metadata.google.internal", "100.100.100.200", "fd00:ec2::254"}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_LOOKS_LIKE_ADDRESS = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")


def _check_address(host: str, what: str, where: str) -> None:
    """Refuse addresses that are not what they look like, and those that no service has."""
    address = _address(host)
    if address is None and _LOOKS_LIKE_ADDRESS.fullmatch(host):
        message = f"{what} has an address in a spelling that hides it."
        raise CredentialError(message, where=where, hint="Write it as four plain numbers, as in 127.0.0.1.")
    leads_to = [*_embedded(address)] if address else []
    is_none = any(one.is_link_local or one.is_unspecified or one.is_multicast for one in leads_to)
    if is_none or not _METADATA.isdisjoint({host.rstrip("."), *map(str, leads_to)}):
        message = f"{what} is no address of a service: clouds keep their own credentials at such ones."
        raise CredentialError(message, where=where, hint="Write the address that the service has.")


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _embedded(address: _Address) -> Iterator[_Address]:
    """The address, and those that it stands for where a network translates it."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address.sixtofour:
            yield address.sixtofour
        if address in _NAT64 or int(address) >> 32 == 0:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback
