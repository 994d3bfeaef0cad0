"""All options of curl: which of them take a value, and what an import makes of those that say nothing of the request.

Known are those of curl 7.88 and what came until 8.17. An option that takes a value swallows the next word, so an
unknown one is refused: a URL could be lost to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from connector.errors import nearest
from connector.importing.refusal import refusal

_VALUED: Final = """
abstract-unix-socket alt-svc aws-sigv4 cacert capath cert/E cert-type ciphers config/K connect-timeout connect-to
continue-at/C cookie/b cookie-jar/c create-file-mode crlfile curves data/d data-ascii data-binary data-raw
data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header/D ech egd-file
engine etag-compare etag-save expect100-timeout form/F form-string ftp-account ftp-alternative-to-user ftp-method
ftp-port/P ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header/H help/h hostpubmd5 hostpubsha256 hsts
interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port
login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time/m netrc-file noproxy oauth2-bearer
output/o output-dir parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default proto-redir proxy/x
proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key
proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
proxy-tlspassword proxy-tlsuser proxy-user/U proxy1.0 pubkey quote/Q random-file range/r rate referer/e request/X
request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5
socks5-gssapi-service socks5-hostname speed-limit/Y speed-time/y stderr telnet-option/t tftp-blksize time-cond/z
tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file/T
upload-flags url url-query user/u user-agent/A variable vlan-priority write-out/w
"""

_PLAIN: Final = """
anyauth append/a basic ca-native cert-status compressed compressed-ssh create-dirs crlf digest disable/q disable-eprt
disable-epsv disallow-username-in-url doh-cert-status doh-insecure dump-ca-embed fail/f fail-early fail-with-body
false-start follow form-escape ftp-create-dirs ftp-pasv ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-control get/G
globoff/g haproxy-protocol head/I http0.9 http1.0/0 http1.1 http2 http2-prior-knowledge http3 http3-only
ignore-content-length include/i insecure/k ipv4/4 ipv6/6 junk-session-cookies/j list-only/l location/L
location-trusted mail-rcpt-allowfails manual/M metalink mptcp negotiate netrc/n netrc-optional next/: no-alpn
no-buffer/N no-clobber no-keepalive no-npn no-progress-meter no-sessionid ntlm ntlm-wb out-null parallel/Z
parallel-immediate path-as-is post301 post302 post303 progress-bar/# proxy-anyauth proxy-basic proxy-ca-native
proxy-digest proxy-http2 proxy-insecure proxy-negotiate proxy-ntlm proxy-ssl-allow-beast
proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel/p raw remote-header-name/J remote-name/O remote-name-all
remote-time/R remove-on-error retry-all-errors retry-connrefused sasl-ir show-error/S silent/s skip-existing
socks5-basic socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd
ssl-revoke-best-effort sslv2/2 sslv3/3 styled-output suppress-connect-headers tcp-fastopen tcp-nodelay
tftp-no-options tls-earlydata tlsv1/1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace-ids trace-time use-ascii/B
verbose/v version/V xattr
"""


def _table(text: str) -> dict[str, str]:
    return {name: short for name, _, short in (word.partition("/") for word in text.split())}


VALUED: Final = frozenset(_table(_VALUED))
_NAMES: Final = VALUED | frozenset(_table(_PLAIN))
_SHORT: Final = {short: name for name, short in (_table(_VALUED) | _table(_PLAIN)).items() if short}

_FILES: Final = "Files are never read."
_REFUSED: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(
        ("config", "netrc", "netrc-file", "netrc-optional", "etag-compare"),
        (f"It reads a file. {_FILES}", "Write what the file says into the command."),
    ),
    **dict.fromkeys(
        ("cert", "cert-type", "key", "key-type", "pass", "cacert", "capath", "crlfile", "pinnedpubkey", "engine",
         "tlsauthtype", "tlsuser", "tlspassword"),
        ("Certificates of one's own cannot be put into a connector.", "Import the command without it."),
    ),
    **dict.fromkeys(
        ("digest", "ntlm", "ntlm-wb", "negotiate", "anyauth", "aws-sigv4", "delegation", "service-name"),
        ("This kind of auth is computed anew for every request, which a connector cannot say.",
         "A connector can send a key in a header or in the query, a bearer token, or basic auth."),
    ),
    **dict.fromkeys(
        ("unix-socket", "abstract-unix-socket"),
        ("It sends the request to a socket, not to a host.", "A connector's base_url is an http or https URL."),
    ),
    "upload-file": (f"It sends a file. {_FILES}", "Give the text with --data-binary, or a form's file with --form."),
    "next": ("It begins another request.", "Import them one after the other, with --add-to."),
    "time-cond": ("It asks for an answer by a date.", 'Write the header: -H "If-Modified-Since: ...".'),
    "continue-at": ("It goes on with a file.", "Import the command without it."),
    "request-target": ("It sends another target than the URL's.", "Write the path into the URL."),
    "variable": ("It makes a variable for other options.", "Write the value out."),
    "metalink": ("It reads a list of files.", "Import the command without it."),
    "haproxy-protocol": ("It speaks to a proxy in a protocol of its own.", "Import the command without it."),
    "haproxy-clientip": ("It speaks to a proxy in a protocol of its own.", "Import the command without it."),
    **dict.fromkeys(
        ("help", "version", "manual"), ("It asks curl for help, and sends nothing.", "Give a command that sends.")
    ),
    **dict.fromkeys(
        ("mail-from", "mail-rcpt", "mail-auth", "ftp-port", "ftp-account", "quote", "telnet-option", "krb"),
        ("It is not about HTTP.", "A connector speaks HTTP only."),
    ),
}  # fmt: skip

_PROXY: Final = "The proxy was left out: the connector takes the one of the environment (HTTPS_PROXY)."
_LIMITS: Final = "{} was left out: the connector has timeouts of its own, under `timeouts` in connector.yaml."
_NOTED: Final[dict[str, str]] = {
    "insecure": "-k was left out: the connector always checks certificates.",
    "proxy-insecure": "--proxy-insecure was left out: the connector always checks certificates.",
    **dict.fromkeys(
        ("location", "location-trusted", "follow"), "-L was left out: the connector follows no redirects."
    ),
    **dict.fromkeys(
        ("proxy", "preproxy", "proxy1.0", "socks4", "socks4a", "socks5", "socks5-hostname"), _PROXY
    ),
    **dict.fromkeys(("proxy-user", "proxy-header"), _PROXY),
    "connect-timeout": _LIMITS.format("--connect-timeout"),
    "speed-limit": _LIMITS.format("-Y"),
    **dict.fromkeys(
        ("retry", "retry-all-errors", "retry-connrefused", "retry-delay", "retry-max-time"),
        "--retry was left out: `retry` in connector.yaml says what is sent again.",
    ),
    **dict.fromkeys(
        ("resolve", "connect-to"),
        "--resolve and --connect-to were left out: for another address, change the connection's base_url.",
    ),
    "max-filesize": "--max-filesize was left out: the connector has a limit of its own.",
    "cookie-jar": "-c was left out: the connector keeps no cookies.",
}


@dataclass(frozen=True)
class Option:
    """One option of a command: its long name, and its value if it takes one. An argument has the name `url`."""

    name: str
    value: str = ""


def options(words: Iterable[str]) -> Iterator[Option]:
    """The options of a command in their order, the URL among them.

    Raises:
        InputError: an option is unknown, lacks its value, or cannot be imported. No value is in the error.
    """
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from (Option("url", url) for url in rest)
        elif word.startswith("--"):
            yield _long(word, rest)
        elif word.startswith("-") and word != "-":
            yield from _bundle(word, rest)
        elif word:
            yield Option("url", word)


def note_of(option: Option) -> str | None:
    """What to tell people of an option that was left out, if they should know.

    Raises:
        InputError: it cannot be left out.
    """
    if option.name in _REFUSED:
        raise refusal(_shown(option.name), *_REFUSED[option.name])
    return _NOTED.get(option.name)


def _long(word: str, rest: Iterator[str]) -> Option:
    given, is_assigned, _ = word[2:].partition("=")
    name = _known(given)
    if name is None:
        shown = given if given.replace("-", "").replace(".", "").isalnum() and len(given) < 40 else "..."
        near = nearest(given, _NAMES) if shown == given else None
        hint = f"Did you mean --{near}?" if near else "Remove it, or write it as curl's manual does."
        raise refusal(f"--{shown}", "curl has no such option.", hint)
    if is_assigned:
        message = "curl takes a value after a blank, not after `=`."
        raise refusal(f"--{name}", message, f"Write --{name} and then the value, in quotes.")
    return Option(name, _value(f"--{name}", rest)) if name in VALUED else Option(name)


def _known(given: str) -> str | None:
    """The option of that name, or the only one that begins so; `--no-` before one that takes no value undoes it."""
    if given in _NAMES:
        return given
    if given.startswith("no-") and given[3:] in _NAMES - VALUED:
        return "no-buffer"  # says nothing of the request, as what is not asked for
    if given.startswith("expand-") and given[7:] in VALUED:
        return "variable"
    beginning = [name for name in _NAMES if name.startswith(given)] if given else []
    return beginning[0] if len(beginning) == 1 else None


def _bundle(word: str, rest: Iterator[str]) -> Iterator[Option]:
    """`-sSLX POST`: short options in one word, of which the last may have its value in it or behind it."""
    for position, sign in enumerate(word[1:], 2):
        name = _SHORT.get(sign)
        if name is None:
            shown = sign if sign.isprintable() else "..."
            raise refusal(
                f"-{shown}", "curl has no such option.", "Check the quotes before it, and the option."
            )
        if name in VALUED:
            yield Option(name, word[position:] or _value(f"-{sign}", rest))
            return
        yield Option(name)


def _value(shown: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise refusal(shown, "It has no value: the command ends here.", "Copy the whole command.")
    return value


def _shown(name: str) -> str:
    short = (_table(_VALUED) | _table(_PLAIN)).get(name)
    return f"-{short}" if short and short.isalnum() else f"--{name}"
