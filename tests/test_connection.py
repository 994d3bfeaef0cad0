"""Connections: where the fields come from, what they must be, and that no key shows on the way."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from leaks import KEY, everything_shown, leaked

import connector
from connector.connection import allows_http, resolve, saved_connections
from connector.destination import checked_base_url
from connector.errors import ConnectorError, CredentialError, InputError, ManifestError
from connector.manifest import Auth, Connector
from connector.request import build
from connector.saved import SavedConnection
from connector.schema import checker
from connector.secret import Secret
from connector.template_parser import Within

PERPLEXITY = connector.load("perplexity")
NO_NAME: Any = 5


def key_of(given: dict[str, Any], environ: dict[str, str] | None = None) -> str:
    return resolve(PERPLEXITY, given, environ=environ or {}).secrets["api_key"].reveal()


def refused(given: dict[str, Any], environ: dict[str, str] | None = None) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        resolve(PERPLEXITY, given, environ=environ or {})
    return caught.value


# --- where fields come from


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        pytest.param({"api_key": "pplx-test-a"}, {}, "pplx-test-a", id="argument"),
        pytest.param({}, {"PERPLEXITY_API_KEY": "pplx-test-e"}, "pplx-test-e", id="environment"),
        pytest.param(
            {"api_key": "pplx-test-a"},
            {"PERPLEXITY_API_KEY": "pplx-test-e"},
            "pplx-test-a",
            id="argument-wins",
        ),
        pytest.param(
            {"api_key": None}, {"PERPLEXITY_API_KEY": "pplx-test-e"}, "pplx-test-e", id="none-is-not-given"
        ),
        pytest.param({"api_key": Secret("pplx-test-s")}, {}, "pplx-test-s", id="already-a-secret"),
    ],
)
def test_the_key_comes_from(given: dict[str, Any], environ: dict[str, str], expected: str) -> None:
    """Arguments come before the environment."""
    assert key_of(given, environ) == expected


@pytest.mark.parametrize("content", [b"pplx-test-f\n", b"\xef\xbb\xbfpplx-test-f\r\n", b"  pplx-test-f  "])
def test_the_key_may_stand_in_a_file(tmp_path: Path, content: bytes) -> None:
    """`..._FILE` names a file that holds the key, as editors on any system leave it."""
    file = tmp_path / "key"
    file.write_bytes(content)
    assert key_of({}, {"PERPLEXITY_API_KEY_FILE": str(file)}) == "pplx-test-f"


def test_settings_have_the_manifests_defaults() -> None:
    """What nobody gives is as the manifest says."""
    made = resolve(PERPLEXITY, {"api_key": KEY}, environ={})
    assert (made.name, made.base_url) == ("perplexity", "https://api.perplexity.ai")
    assert made.settings["chat_route"] == "agent"


def test_settings_come_from_the_environment() -> None:
    """Every field has its variable, the name of the connection excepted."""
    environ = {
        "PERPLEXITY_API_KEY": KEY,
        "PERPLEXITY_BASE_URL": "https://gateway.test/v2/",
        "PERPLEXITY_CHAT_ROUTE": "sonar",
        "PERPLEXITY_CONNECTION_NAME": "other",
    }
    made = resolve(PERPLEXITY, {}, environ=environ)
    assert (made.name, made.base_url, made.settings["chat_route"]) == (
        "perplexity",
        "https://gateway.test/v2",
        "sonar",
    )


def kept(**settings: str) -> SavedConnection:
    return SavedConnection("work", "perplexity", settings, {"api_key": Secret("pplx-test-saved")})


def test_a_saved_connection_does_not_mix_with_the_environment() -> None:
    """Its key goes where it was saved for, whatever the environment says."""
    environ = {"PERPLEXITY_API_KEY": KEY, "PERPLEXITY_BASE_URL": "https://elsewhere.test"}
    made = resolve(PERPLEXITY, {}, saved=kept(base_url="https://gateway.test"), environ=environ)
    assert (made.name, made.base_url) == ("work", "https://gateway.test")
    assert made.secrets["api_key"].reveal() == "pplx-test-saved"


def test_a_saved_key_is_not_sent_elsewhere() -> None:
    """Another base_url than the saved one is refused; the same one is not another."""
    with pytest.raises(CredentialError, match="not sent elsewhere"):
        resolve(PERPLEXITY, {"base_url": "https://elsewhere.test"}, saved=kept(), environ={})
    same = {"base_url": "https://api.perplexity.ai/"}
    assert resolve(PERPLEXITY, same, saved=kept(), environ={}).base_url == "https://api.perplexity.ai"


def test_a_saved_connection_of_another_connector_is_refused() -> None:
    """A key of one service is not tried on another."""
    other = SavedConnection("work", "weather", {}, {"api_key": Secret(KEY)})
    with pytest.raises(CredentialError, match="a connection of weather, not of perplexity"):
        resolve(PERPLEXITY, {}, saved=other, environ={})


# --- what is wrong is said, with what to do


@pytest.mark.parametrize(
    ("given", "environ", "said"),
    [
        pytest.param({}, {}, ["API Key (api_key) is missing", "PERPLEXITY_API_KEY"], id="missing"),
        pytest.param({}, {"PERPLEXITY_API_KEY": ""}, ["API Key (api_key) is missing"], id="empty-variable"),
        pytest.param({"api_key": ""}, {}, ["api_key is empty"], id="empty-argument"),
        pytest.param({"api_key": ' "" '}, {}, ["api_key is empty"], id="quoted-nothing"),
        pytest.param({"api_key": "x" * 16_385}, {}, ["api_key is longer than 16,384"], id="long"),
        pytest.param({"api_key": 5}, {}, ["api_key must be text, not int"], id="number"),
        pytest.param({"base_url": [KEY]}, {}, ["base_url must be text, not list"], id="list"),
        pytest.param(
            {"api_kye": KEY},
            {},
            ["There is no field 'api_kye'", "Did you mean 'api_key'?"],
            id="misspelt-key",
        ),
        pytest.param({"api_key": KEY, "url": "x"}, {}, ["'url'", "Did you mean 'base_url'?"], id="misspelt"),
        pytest.param(
            {"api_key": KEY, "chat_route": "sonnar"},
            {},
            ["chat_route: 'sonnar' is not one of the choices", "Did you mean 'sonar'?"],
            id="unknown-choice",
        ),
        pytest.param(
            {},
            {"PERPLEXITY_API_KEY": KEY, "PERPLEXITY_API_KEY_FILE": "/k"},
            ["PERPLEXITY_API_KEY and PERPLEXITY_API_KEY_FILE are both set", "Unset one"],
            id="both-set",
        ),
        pytest.param(
            {},
            {"PERPLEXITY_API_KEY_FILE": "/nowhere/key"},
            ["PERPLEXITY_API_KEY_FILE", "No such file", "goes into PERPLEXITY_API_KEY."],
            id="no-such-file",
        ),
        pytest.param({"api_key": KEY, "connection_name": "x" * 65}, {}, ["connection_name"], id="long-name"),
    ],
)
def test_a_wrong_field_is_told(given: dict[str, Any], environ: dict[str, str], said: list[str]) -> None:
    """The message names the field, what is wrong with it and what to do."""
    error = refused(given, environ)
    assert all(part in str(error) for part in said), str(error)
    assert error.kind == "bad_connection"
    assert error.where
    assert error.hint
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_file_that_is_no_text_is_told_without_its_bytes(tmp_path: Path) -> None:
    """A key file in another encoding is refused; the decoder's error, which holds the bytes, is left behind."""
    file = tmp_path / "key"
    file.write_bytes(KEY.encode("utf-16"))
    error = refused({}, {"PERPLEXITY_API_KEY_FILE": str(file)})
    assert "not UTF-8" in str(error)
    assert error.__context__ is None


# --- what pasting adds


PASTED = [
    KEY,
    f" {KEY} ",
    f"{KEY}\n",
    f"{KEY}\r\n",
    f"\t{KEY}",
    f'"{KEY}"',
    f"'{KEY}'",
    f"`{KEY}`",
    f"Bearer {KEY}",
    f"bearer  {KEY}",
    f"Bearer\t{KEY}",
    f'Bearer "{KEY}"',
    f'"Bearer {KEY}"',
    f"Authorization: Bearer {KEY}",
    f"\u200b{KEY}\u200b",
    f"\ufeff{KEY}",
    f"{KEY}\u00a0",
    f"\u2060{KEY}",
    f"\u200e{KEY}\u200f",
    f"\u202a{KEY}\u202c",
    f"\u2003{KEY}\u3000",
    f"\u201c{KEY}\u201d",
    f"\u2018{KEY}\u2019",
    f"Authorization: Bearer {KEY}\r\n",
    f"PERPLEXITY_API_KEY={KEY}",
    f'export PERPLEXITY_API_KEY="{KEY}"',
    f"{KEY}\x00",
    f"<{KEY}>",
    f"{KEY};",
    f"{KEY},",
    f"{KEY}\\n",
    f'"{KEY}\\r\\n"',
    f"api_key: {KEY}",
    f"api_key = '{KEY}'",
    f"x-api-key: {KEY}",
    f'"api_key": "{KEY}",',
    f'$env:PERPLEXITY_API_KEY = "{KEY}"',
    f"set PERPLEXITY_API_KEY={KEY}",
    f'set "PERPLEXITY_API_KEY={KEY}"',
    f"PERPLEXITY_API_KEY: Bearer {KEY}",
]


@pytest.mark.hazard("D9")
@pytest.mark.parametrize("pasted", PASTED, ids=ascii)
def test_a_pasted_key_is_cleaned(pasted: str) -> None:
    """Quotes, `Bearer`, its variable's name, spaces, line breaks and invisible characters around a key go."""
    assert key_of({"api_key": pasted}) == KEY


@pytest.mark.parametrize("key", ["user_token:pplx-test-1", "key-pplx-test-1", "pplx-test-token=="])
def test_a_key_that_reads_like_a_name_stays(key: str) -> None:
    """Only what stands before a key as people write it goes: some keys have a name and a colon in them."""
    assert key_of({"api_key": key}) == key


def test_pastes_are_counted(figure: Callable[[str, str], None]) -> None:
    """Of all pastes, none gives another key."""
    right = [key_of({"api_key": pasted}) for pasted in PASTED].count(KEY)
    figure("D9", f"{right} of {len(PASTED)} pastes right")
    assert right == len(PASTED)


@pytest.mark.hazard("C8", "D9")
@pytest.mark.parametrize(
    "bad",
    [
        f"{KEY} {KEY}",
        f"{KEY}\n{KEY}",
        f"{KEY}é",
        f"{KEY}€",
        f"{KEY}\0{KEY}",
        f"{KEY}\u200b{KEY}",
        f"{KEY}\x7f{KEY}",
    ],
    ids=ascii,
)
def test_a_key_that_no_header_carries_is_refused_unseen(bad: str) -> None:
    """It is refused when the connection is made, and nothing of it is shown."""
    error = refused({"api_key": bad})
    assert "api_key holds" in str(error)
    assert leaked(everything_shown(error)) == []


@pytest.mark.hazard("D9")
@pytest.mark.parametrize(
    ("pasted", "what"),
    [
        ("$PERPLEXITY_API_KEY", "the name of a variable"),
        ("${PERPLEXITY_API_KEY}", "the name of a variable"),
        ("${{ secrets.PERPLEXITY_API_KEY }}", "the name of a variable"),
        ("$env:PERPLEXITY_API_KEY", "the name of a variable"),
        ("Bearer $PERPLEXITY_API_KEY", "the name of a variable"),
        ("%PERPLEXITY_API_KEY%", "the name of a variable"),
        ("********", "stars"),
        ("pplx-****abcd", "stars"),
    ],
)
def test_what_only_stands_for_a_key_is_refused(pasted: str, what: str) -> None:
    """The name of a variable or a mask is no key; the service would only say that it is wrong."""
    error = refused({"api_key": pasted})
    assert f"api_key holds {what}" in str(error)
    assert "key" in error.hint


# --- base_url


TAKEN = [
    ("https://api.perplexity.ai", "https://api.perplexity.ai"),
    ("https://api.perplexity.ai/", "https://api.perplexity.ai"),
    ("  https://gateway.test/perplexity/v1/ ", "https://gateway.test/perplexity/v1"),
    ("HTTPS://Gateway.Test", "HTTPS://Gateway.Test"),
    ("https://my_gateway:8443/p%20q", "https://my_gateway:8443/p%20q"),
    ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test"),
    ("https://10.0.0.5", "https://10.0.0.5"),
    ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
    ("http://127.9.9.9", "http://127.9.9.9"),
    ("http://localhost:8765/", "http://localhost:8765"),
    ("http://LOCALHOST", "http://LOCALHOST"),
    ("http://sandbox.localhost", "http://sandbox.localhost"),
    ("http://[::1]:8765", "http://[::1]:8765"),
    ("http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]"),
    ("https://123.example", "https://123.example"),
    ("https://host.test.", "https://host.test."),
    (f"https://{'a' * 63}.test/v1..2", f"https://{'a' * 63}.test/v1..2"),
    ("https://[2001:db8::1]", "https://[2001:db8::1]"),
]


@pytest.mark.hazard("A10")
@pytest.mark.parametrize(("url", "expected"), TAKEN)
def test_a_base_url_is_taken(url: str, expected: str) -> None:
    """https, or http to this machine; a path is kept, a slash at the end is not."""
    assert checked_base_url(url, where="x") == expected


PLAIN_HTTP = "plain http"
NO_URL = "not an http or https URL"
NO_HOST = "a host that is not one"
HIDDEN = "a spelling that hides it"
NO_SERVICE = "no address of a service"

REFUSED: list[tuple[Any, str]] = [
    ("http://api.perplexity.ai", PLAIN_HTTP),
    ("http://10.0.0.5", PLAIN_HTTP),
    ("http://169.254.169.254/latest", NO_SERVICE),
    ("https://169.254.169.254", NO_SERVICE),
    ("https://[::ffff:169.254.169.254]", NO_SERVICE),
    ("https://[::ffff:a9fe:a9fe]", NO_SERVICE),
    ("https://[fe80::1]", NO_SERVICE),
    ("https://[::]", NO_SERVICE),
    ("https://224.0.0.1", NO_SERVICE),
    ("https://2852039166", HIDDEN),
    ("https://0xA9FEA9FE", HIDDEN),
    ("https://0251.0376.0251.0376", HIDDEN),
    ("https://169.254.43518", HIDDEN),
    ("https://127.0.0.1.", HIDDEN),
    ("https://1.2.3.4.5", HIDDEN),
    ("http://metadata.google.internal", NO_SERVICE),
    ("https://Metadata.Google.Internal.", NO_SERVICE),
    ("http://[fd00:ec2::254]", NO_SERVICE),
    ("https://100.100.100.200", NO_SERVICE),
    ("https://[64:ff9b::a9fe:a9fe]", NO_SERVICE),
    ("https://[64:ff9b::100.100.100.200]", NO_SERVICE),
    ("https://[2002:a9fe:a9fe::1]", NO_SERVICE),
    ("https://[::169.254.169.254]", NO_SERVICE),
    ("https://a..b", NO_HOST),
    ("https://.a", NO_HOST),
    ("https://a..", NO_HOST),
    (f"https://{'a' * 64}.test", NO_HOST),
    (f"https://{'a.' * 127}test", NO_HOST),
    ("https://host.test:0", NO_URL),
    ("https://host.test/v1/../admin", "leads back"),
    ("https://host.test/v1/%2e%2E/admin", "leads back"),
    ("http://[fd00::1]", PLAIN_HTTP),
    ("http://[::ffff:10.0.0.5]", PLAIN_HTTP),
    ("http://0.0.0.0", NO_SERVICE),
    ("http://2130706433", HIDDEN),
    ("http://0177.0.0.1", HIDDEN),
    ("http://0x7f.1", HIDDEN),
    ("http://127.1", HIDDEN),
    ("http://localhost.", PLAIN_HTTP),
    ("http://localhost.evil.test", PLAIN_HTTP),
    ("http://127.0.0.1.evil.test", PLAIN_HTTP),
    ("https://user:word@host.test", "user name or password"),
    ("http://127.0.0.1@evil.test", "user name or password"),
    ("https://@host.test", "user name or password"),
    ("https://host.test?x=1", "query or a fragment"),
    ("https://host.test/?", "query or a fragment"),
    ("https://host.test#x", "query or a fragment"),
    ("https://host.test/#", "query or a fragment"),
    ("file:///etc/passwd", NO_URL),
    ("ftp://host.test", NO_URL),
    ("javascript:alert(1)", NO_URL),
    ("api.perplexity.ai", NO_URL),
    ("//host.test", NO_URL),
    ("https://", NO_URL),
    ("https:///path", NO_URL),
    ("https://:443", NO_URL),
    ("https:host.test", NO_URL),
    ("", NO_URL),
    ("https://host.test:99999", NO_URL),
    ("https://host.test:x", NO_URL),
    ("https://[::1", NO_URL),
    ("https://host .test", NO_URL),
    ("https://host.test/a b", NO_URL),
    ("https://ho\nst.test", NO_URL),
    ("https://host.test/\r\nX: y", NO_URL),
    ("http://127.0.0.1\\@evil.test", NO_URL),
    ("https://host.test\\x", NO_URL),
    ("https://h\u00f6st.test", NO_URL),
    ("https://\uff48ost.test", NO_URL),
    # newer Pythons see for themselves that this is no URL
    ("http://[::1]evil.test", f"{NO_HOST}|{NO_URL}"),
    ("http://[::1]x:80", f"{NO_HOST}|{NO_URL}"),
    ("https://host%2etest", NO_HOST),
    ("https://a,b", NO_HOST),
    (5, NO_URL),
]


@pytest.mark.hazard("A10")
@pytest.mark.parametrize(("url", "why"), REFUSED, ids=ascii)
def test_a_base_url_is_refused(url: Any, why: str) -> None:
    """What could send the key elsewhere or in the clear is refused, whichever parser reads it."""
    with pytest.raises(CredentialError, match=why) as caught:
        checked_base_url(url, where="connection 'x'")
    assert caught.value.where == "connection 'x'"
    assert caught.value.hint


@pytest.mark.hazard("A10")
def test_no_hostile_base_url_is_taken(figure: Callable[[str, str], None]) -> None:
    """Not even where the operator allows plain http, unless that was all that was wrong."""
    hostile = [url for url, why in REFUSED if why != PLAIN_HTTP]
    taken = 0
    for url in hostile:
        with suppress(CredentialError):
            checked_base_url(url, where="x", allow_http=True)
            taken += 1
    figure("A10", f"{len(TAKEN) + len(REFUSED)} URLs, {len(REFUSED)} hostile: {taken} taken")
    assert taken == 0


def test_plain_http_is_the_operators_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONNECTOR_ALLOW_HTTP=1 allows http to a host of a trusted network, and nothing else does."""
    given = {"api_key": KEY, "base_url": "http://gateway.internal"}
    for value in ("", "0", "true"):
        monkeypatch.setenv("CONNECTOR_ALLOW_HTTP", value)
        with pytest.raises(CredentialError, match="CONNECTOR_ALLOW_HTTP"):
            resolve(PERPLEXITY, given, environ={})
    monkeypatch.setenv("CONNECTOR_ALLOW_HTTP", "1")
    assert allows_http()
    assert resolve(PERPLEXITY, given, environ={}).base_url == "http://gateway.internal"


# --- auth is checked when the connection is made


def with_auth(auth: Auth, **form: Any) -> Connector:
    properties = {**PERPLEXITY.connection.form, **form}
    fields = {**PERPLEXITY.connection.fields, "properties": properties}
    checker(fields)
    return replace(PERPLEXITY, connection=replace(PERPLEXITY.connection, auth=auth, fields=fields))


def template(text: str) -> Any:
    return Within("connection").template(text, {})


@pytest.mark.parametrize("value", ["a\nb", "Ünal", " x"], ids=ascii)
def test_a_setting_that_no_header_carries_is_refused(value: str) -> None:
    """A setting in the auth header is held to what HTTP carries before anything is sent."""
    auth = Auth(
        kind="header", name="X-Auth", value=template("${{ connection.team }}:${{ connection.api_key }}")
    )
    made = with_auth(auth, team={"type": "string"})
    with pytest.raises(CredentialError, match="The header X-Auth would hold") as caught:
        resolve(made, {"api_key": KEY, "team": value}, environ={})
    assert leaked(everything_shown(caught.value)) == []


def test_an_auth_without_a_value_is_refused() -> None:
    """A field that the auth needs and nobody gave is told, not sent as `null`."""
    made = with_auth(Auth(kind="bearer", value=template("${{ connection.team }}")), team={"type": "string"})
    with pytest.raises(CredentialError, match="has no value"):
        resolve(made, {"api_key": KEY}, environ={})


# --- nothing shows


def test_a_connection_prints_without_its_secrets() -> None:
    """repr names the connection and its settings, and neither the key nor the whole manifest."""
    text = repr(resolve(PERPLEXITY, {"api_key": KEY}, environ={}))
    assert "perplexity" in text
    assert KEY not in text
    assert len(text) < 300


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(
            lambda: resolve(PERPLEXITY, {"api_key": KEY, "api_kye": KEY}, environ={}), id="misspelt"
        ),
        pytest.param(lambda: resolve(PERPLEXITY, {"api_kye": KEY}, environ={}), id="misspelt-key"),
        pytest.param(
            lambda: resolve(PERPLEXITY, {"api_key": KEY, "chat_route": "x"}, environ={}), id="choice"
        ),
        pytest.param(
            lambda: resolve(PERPLEXITY, {"api_key": KEY, "base_url": "x"}, environ={}), id="base-url"
        ),
        pytest.param(
            lambda: resolve(
                PERPLEXITY, {}, environ={"PERPLEXITY_API_KEY": KEY, "PERPLEXITY_API_KEY_FILE": "/k"}
            ),
            id="both-set",
        ),
        pytest.param(
            lambda: resolve(PERPLEXITY, {}, environ={"OTHER": KEY, "PERPLEXITY_API_KEY_FILE": "/k"}),
            id="file-and-environment",
        ),
        pytest.param(lambda: resolve(PERPLEXITY, {}, environ={"OTHER": KEY}), id="missing"),
        pytest.param(lambda: connector.connect("perplexity", api_key=KEY, base_url="http://x"), id="connect"),
        pytest.param(lambda: connector.aconnect("perplexity", api_kye=KEY), id="aconnect"),
        pytest.param(lambda: connector.connect("perplexity", api_key=KEY.encode()), id="bytes"),
        pytest.param(lambda: connector.connect("perplexity", api_key=[KEY]), id="list"),
        pytest.param(lambda: connector.aconnect("perplexity", api_key={"k": KEY}), id="mapping"),
        pytest.param(
            lambda: resolve(PERPLEXITY, {}, environ={"PERPLEXITY_API_KEY_FILE": KEY}), id="key-for-path"
        ),
    ],
)
def test_no_traceback_shows_the_key_or_the_environment(wrong: Callable[[], Any]) -> None:
    """Errors of a connection stay clean even where tracebacks are written with their local variables."""
    with pytest.raises(ConnectorError) as caught:
        wrong()
    assert leaked(everything_shown(caught.value)) == []


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        pytest.param(lambda: connector.connect(NO_NAME), ManifestError, id="connector"),
        pytest.param(lambda: connector.connect("x" * 10_000_000), ManifestError, id="long-connector"),
        pytest.param(
            lambda: connector.connect("perplexity", connection=NO_NAME), CredentialError, id="connection"
        ),
        pytest.param(
            lambda: connector.connect("perplexity", connection="x" * 10_000_000),
            CredentialError,
            id="long-connection",
        ),
        pytest.param(lambda: connector.aconnect("perplexity", limits=NO_NAME), InputError, id="limits"),
        pytest.param(
            lambda: resolve(PERPLEXITY, {"x" * 10_000_000: "x"}, environ={}), CredentialError, id="long-field"
        ),
    ],
)
def test_an_argument_that_is_none_is_told_in_short(
    wrong: Callable[[], Any], kind: type[ConnectorError]
) -> None:
    """Whatever stands where a name or limits belong gives an error of this project that people can read."""
    with pytest.raises(kind) as caught:
        wrong()
    assert len(str(caught.value)) < 1000


def test_the_passphrase_file_is_read_unseen(tmp_path: Path) -> None:
    """A passphrase file that cannot be read is told without the environment around it."""
    environ = {
        "CONNECTOR_PASSPHRASE_FILE": str(tmp_path / "none"),
        "OTHER": KEY,
        "CONNECTOR_HOME": str(tmp_path),
    }
    kept_here = saved_connections(environ)
    with pytest.raises(CredentialError, match="CONNECTOR_PASSPHRASE_FILE") as caught:
        kept_here._passphrase()
    assert leaked(everything_shown(caught.value)) == []


def test_short_secrets_are_masked_in_errors_only() -> None:
    """`test` as a key hides in messages, but not out of an answer about latest news."""
    made = resolve(PERPLEXITY, {"api_key": "test"}, environ={})
    assert made.redactor.text("a test") == "a ********"
    assert made.content_redactor.text("the latest") == "the latest"
    long = resolve(PERPLEXITY, {"api_key": KEY}, environ={})
    assert long.content_redactor.text(f"your key is {KEY}") == "your key is ********"


def _basic(user: str) -> Connector:
    """The shipped connector, as if it had basic auth: a user name, and the key for a password."""
    loaded = connector.load("perplexity")
    within = Within("connection")
    password = within.template("${{ connection.api_key }}", {})
    auth = Auth(kind="basic", username=within.template(user, {}), password=password)
    return replace(loaded, connection=replace(loaded.connection, auth=auth))


@pytest.mark.parametrize("password", ["pass word", "p\u00e4ss", " edges ", "Bearer x", '"quoted"'])
def test_a_password_of_basic_auth_is_sent_as_it_stands(password: str) -> None:
    """It is encoded, so it may hold what a key may not."""
    with connector.connect(_basic("desk"), api_key=password, base_url="http://127.0.0.1:9") as opened:
        request = build(opened.plan("execute_search", {"query": "x"}), opened.connection)
    sent = request.headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"desk:{password}"


def test_a_colon_in_the_user_name_of_basic_auth_is_refused() -> None:
    """The server would take what follows for the password."""
    with pytest.raises(CredentialError, match="colon"):
        resolve(_basic("a:b"), {"api_key": "pplx-test-basic"}, environ={})
