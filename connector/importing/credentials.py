"""Where requests go and how they prove who sends them: from servers and security schemes to a connection's form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.importing.cleaning import prose
from connector.importing.names import id_of, input_name_of, title_of
from connector.importing.operations import Operation, Parameter, security_of
from connector.importing.servers import is_base_url
from connector.importing.spec import Inexpressible, Node, Spec, mapping, text
from connector.lint import SECRET_NAME
from connector.soundness import header_name_fault

Choice = tuple[str, ...]
"""The names of security schemes that go together."""


@dataclass(frozen=True)
class Credential:
    """How a connection signs.

    Attributes:
        choice: the security schemes it serves; empty: none.
        auth: as the manifest has it; None: nothing is signed.
        fields: of the connection's form, beside the base URL.
        sends: what it sends, as (place, name); names of headers in lower case.
        left_out: what the document says beyond it.
    """

    choice: Choice = ()
    auth: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    sends: frozenset[tuple[str, str]] = frozenset()
    left_out: tuple[str, ...] = ()

    def serves(self, operation: Operation, everywhere: tuple[Choice, ...] | None) -> bool:
        """Whether what it signs is enough for an operation."""
        choices = operation.security if operation.security is not None else everywhere
        return not choices or any(set(choice) <= set(self.choice) for choice in choices)


def credential(spec: Spec, operations: Collection[Operation]) -> Credential:
    """The credential that serves most operations."""
    schemes = _schemes(spec)
    everywhere = security_of(spec.root)
    wanted: Counter[Choice] = Counter()
    for operation in operations:
        choices = operation.security if operation.security is not None else everywhere
        wanted.update(choice for choice in dict.fromkeys(choices or ()) if choice)
    if not wanted and schemes and not everywhere:
        # schemes that no operation names are meant for all of them
        wanted.update({(name,): 1 for name in schemes})
    made = {choice: _signing(choice, schemes) for choice in wanted}
    usable = [choice for choice in wanted if made[choice] is not None]
    if not usable:
        return _of_parameters(operations) or Credential(left_out=_not_said(wanted, schemes))
    best = max(usable, key=lambda choice: (wanted[choice], -_rank(choice, schemes)))
    found = made[best]
    assert found is not None
    others = tuple(
        f"the connection signs with {' and '.join(best)}; {' and '.join(choice)} is not offered beside it"
        for choice in wanted
        if choice != best
    )
    return Credential(best, found.auth, found.fields, found.sends, (*found.left_out, *others))


def _schemes(spec: Spec) -> dict[str, Node]:
    said = mapping(mapping(spec.root.get("components")).get("securitySchemes"))
    said = said or mapping(spec.root.get("securityDefinitions"))
    found = {}
    for name, node in said.items():
        try:
            found[str(name)] = spec.at(node)
        except Inexpressible:
            continue
    return found


def _rank(choice: Choice, schemes: Mapping[str, Node]) -> int:
    """Which one of several is asked of people: a key before a password, and before a sign-in that cannot be done here."""
    return max((_effort(schemes[name]) for name in choice if name in schemes), default=0) + len(choice)


def _effort(scheme: Node) -> int:
    kind = _kind(scheme).lower()
    if kind.startswith("http") and kind != "http basic":
        return 0
    if kind == "apikey":  # what goes before a key in the Authorization header is not said
        return 3 if text(scheme.get("name")).lower() == "authorization" else 1
    if kind in {"http basic", "basic"}:
        return 2
    return 4 if kind.startswith("oauth2") else 5


def _not_said(wanted: Counter[Choice], schemes: Mapping[str, Node]) -> tuple[str, ...]:
    if not wanted:
        return ("the document names no credential, so the connection asks for none",)
    return tuple(
        f"the security scheme {' and '.join(choice)} ({', '.join(_kind(schemes.get(name, {})) for name in choice)})"
        for choice in wanted
    )


def _kind(scheme: Node) -> str:
    parts = (text(scheme.get("type")), text(scheme.get("scheme")), text(scheme.get("flow")))
    return " ".join(filter(None, parts)) or "unknown"


def _signing(choice: Choice, schemes: Mapping[str, Node]) -> Credential | None:
    """How to sign with schemes that go together; None if this runtime cannot."""
    if not set(choice) <= schemes.keys():
        return None
    if len(choice) == 1:
        return signing(choice[0], schemes[choice[0]])
    keys = [name for name in choice if _is_key(schemes[name])]
    others = [name for name in choice if name not in keys]
    if len(others) > 1 and not all(_ends_in_a_token(schemes[name]) for name in others):
        return None
    others = others[:1]  # one access token is what all of them are shown
    first, *further = [*others, *keys]
    made = signing(first, schemes[first]) if others else _key(first, schemes[first], is_one_of_several=True)
    parts = [part for name in further if (part := _key(name, schemes[name], is_one_of_several=True))]
    if made is None or made.auth is None or len(parts) < len(further):
        return None
    if len(frozenset().union(made.sends, *(part.sends for part in parts))) < 1 + len(parts):
        return None  # two of them go to one place
    return Credential(
        choice,
        {**made.auth, **({"also": [part.auth for part in parts]} if parts else {})},
        {name: schema for part in (made, *parts) for name, schema in part.fields.items()},
        frozenset().union(made.sends, *(part.sends for part in parts)),
        made.left_out,
    )


def _is_key(scheme: Node) -> bool:
    return text(scheme.get("type")) == "apiKey" and text(scheme.get("in")) in {"header", "query"}


def _ends_in_a_token(scheme: Node) -> bool:
    """Whether what is sent in the end is `Authorization: Bearer` and a token."""
    return text(scheme.get("type")) in {"oauth2", "openIdConnect"} or _kind(scheme).lower() == "http bearer"


def signing(name: str, scheme: Node) -> Credential | None:
    """How to sign with one scheme; None if this runtime cannot."""
    kind, about = text(scheme.get("type")), prose(scheme.get("description"), 600)
    if kind == "apiKey":
        return _key(name, scheme, about)
    word = text(scheme.get("scheme")).lower()
    if kind == "basic" or (kind == "http" and word == "basic"):
        return _basic(name, about)
    if kind == "http" and word == "bearer":
        return _bearer(name, about or "Sent as a bearer token.")
    if kind == "http" and word:
        value = _secret(
            "credentials", "Credentials", about or f"What follows {scheme['scheme']} in the header."
        )
        auth = {
            "kind": "header",
            "name": "Authorization",
            "value": f"{scheme['scheme']} ${{{{ connection.credentials }}}}",
        }
        return Credential((name,), auth, value, frozenset({("header", "authorization")}))
    if kind == "oauth2":
        return _oauth2(name, scheme, about)
    if kind == "openIdConnect":
        left_out = (f"the sign-in of {name} (OpenID Connect): the connection asks for an access token",)
        return _bearer(name, about or "An access token.", left_out)
    return None


def _secret(name: str, title: str, about: str) -> dict[str, Any]:
    return {name: {"type": "string", "title": title, "description": about, "minLength": 1, "writeOnly": True}}


def _key(name: str, scheme: Node, about: str = "", *, is_one_of_several: bool = False) -> Credential | None:
    place, said = text(scheme.get("in")), text(scheme.get("name"))
    if not said or place not in {"header", "query", "cookie"}:
        return None
    if place == "header" and header_name_fault(said):
        return None
    about = about or prose(scheme.get("description"), 600) or f"Sent as {said} in the {place}."
    field_name = id_of(name, "key") if is_one_of_several else "api_key"
    fields = _secret(field_name, title_of(field_name), about)
    value = f"${{{{ connection.{field_name} }}}}"
    if place == "cookie":
        auth = {"kind": "header", "name": "Cookie", "value": f"{said}={value}"}
        return Credential((name,), auth, fields, frozenset({("header", "cookie"), ("cookie", said)}))
    sends = frozenset({(place, said.lower() if place == "header" else said)})
    return Credential((name,), {"kind": place, "name": said, "value": value}, fields, sends)


def _basic(name: str, about: str) -> Credential:
    fields = {
        "username": {
            "type": "string",
            "title": "User Name",
            "description": about or "Of the account.",
            "minLength": 1,
        },
        **_secret("password", "Password", "Of the account, or the key that the service takes in its place."),
    }
    auth = {
        "kind": "basic",
        "username": "${{ connection.username }}",
        "password": "${{ connection.password }}",
    }
    return Credential((name,), auth, fields, frozenset({("header", "authorization")}))


def _bearer(name: str, about: str, left_out: tuple[str, ...] = ()) -> Credential:
    fields = _secret("access_token", "Access Token", about)
    auth = {"kind": "bearer", "value": "${{ connection.access_token }}"}
    return Credential((name,), auth, fields, frozenset({("header", "authorization")}), left_out)


def _oauth2(name: str, scheme: Node, about: str) -> Credential:
    flows = dict(mapping(scheme.get("flows"))) or {text(scheme.get("flow")): scheme}
    for word in ("clientCredentials", "application"):
        flow = mapping(flows.get(word))
        url = text(flow.get("tokenUrl"))
        if url and (is_base_url(url) or (url.startswith("/") and not url.startswith("//"))):
            return _client(name, url, list(mapping(flow.get("scopes"))), about)
    said = ", ".join(map(str, flows)) or "no flow"
    left_out = (f"the sign-in of {name} (OAuth 2, {said}): the connection asks for an access token",)
    return _bearer(name, about or "An access token.", left_out)


def _client(name: str, token_url: str, scopes: list[str], about: str) -> Credential:
    described = (
        f"Separated by spaces. The document names {', '.join(scopes[:30])}."
        if scopes
        else "Separated by spaces."
    )
    fields = {
        "client_id": {
            "type": "string",
            "title": "Client ID",
            "description": about or "Of your application.",
            "minLength": 1,
        },
        **_secret("client_secret", "Client Secret", "Of your application."),
        "scopes": {"type": "string", "title": "Scopes", "description": prose(described, 600)},
    }
    auth = {
        "kind": "oauth2_client_credentials",
        "token_url": token_url,
        **{key: f"${{{{ connection.{key} }}}}" for key in ("client_id", "client_secret", "scopes")},
    }
    return Credential((name,), auth, fields, frozenset({("header", "authorization")}))


def _of_parameters(operations: Collection[Operation]) -> Credential | None:
    """A document without schemes whose operations take a key as a parameter has a credential all the same."""
    taken: Counter[tuple[str, str]] = Counter()
    for operation in operations:
        taken.update(found for parameter in operation.parameters if (found := _key_place(parameter)))
    for (place, name), count in taken.most_common():
        if name.lower() == "authorization" or count * 2 > len(operations):
            return _of_parameter(place, name, operations)
    return None


def _key_place(parameter: Parameter) -> tuple[str, str] | None:
    """Where a parameter puts a key, if that is what it is: not an option, and called so."""
    if parameter.place == "header" and parameter.name.lower() == "authorization":
        return "header", "Authorization"
    is_key = parameter.is_required and SECRET_NAME.search(input_name_of(parameter.name))
    return (parameter.place, parameter.name) if is_key and parameter.place in {"header", "query"} else None


def _of_parameter(place: str, name: str, operations: Iterable[Operation]) -> Credential:
    every = (parameter for operation in operations for parameter in operation.parameters)
    said = next(
        (one.description for one in every if _key_place(one) == (place, name) and one.description), ""
    )
    if name == "Authorization":
        about = prose(said, 600) or "The whole value of the Authorization header."
        fields = _secret("authorization", "Authorization", about)
        auth = {"kind": "header", "name": name, "value": "${{ connection.authorization }}"}
        return Credential((), auth, fields, frozenset({("header", "authorization")}))
    made = _key(name, {"in": place, "name": name}, prose(said, 600))
    assert made is not None
    told = f"the parameter {name!r} of its operations is a key, so it is the connection's"
    return replace(made, choice=(), left_out=(told,))
