"""Which certificates are trusted."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import suppress
from functools import cache
from typing import Final

from connector.http import httpx


@cache
def tls() -> ssl.SSLContext:
    """Which certificates are trusted; all connections share it, as loading them costs more than a request.

    The system's folder where it has one, which is searched when a certificate comes; else, or if
    SSL_CERT_FILE names a file, what httpx takes, which is read as a whole.
    """
    paths = ssl.get_default_verify_paths()
    names_a_file = paths.cafile not in {None, paths.openssl_cafile}
    if paths.capath and not names_a_file and _has_certificates(paths.capath):
        context = ssl.create_default_context(capath=paths.capath)
    else:
        context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _has_certificates(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return any(_HASHED.fullmatch(entry.name) for entry in entries)
    return False


_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
