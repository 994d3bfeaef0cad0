"""What holds for any input, any file and any answer. A few hundred of each here; many more in the long run:

python -m pytest tests/test_properties.py --hypothesis-profile=long
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from generated import JSON, TODAY, bounded, fitting, planned
from golden import LIBRARY
from hypothesis import given
from hypothesis import strategies as st
from mapping import MANIFEST, filled

from connector.document import parse
from connector.errors import InputError, ManifestError, OutputError
from connector.lint import lint
from connector.loading import load, shipped_folder
from connector.output import pick
from connector.plan import plan
from connector.response import Reply

PERPLEXITY = MANIFEST.connector
ROUTES = [(action.id, route) for action in PERPLEXITY.actions.values() for route in action.routes]

# Inputs


@pytest.mark.hazard("C5")
@pytest.mark.parametrize(("action_id", "route"), ROUTES)
@bounded(25)
@given(drawn=st.data())
def test_any_request_is_what_the_manifest_says(action_id: str, route: str, drawn: st.DataObject) -> None:
    """For any inputs: the body that jmespath makes of the YAML, or an InputError with what is wrong where."""
    action = PERPLEXITY.actions[action_id]
    inputs = drawn.draw(fitting(action.inputs))
    try:
        made = plan(PERPLEXITY, action, inputs, today=TODAY, route=route)
    except InputError as error:
        assert all(problem.where and problem.message for problem in error.problems)  # noqa: PT017 - either may come
        return
    written = MANIFEST.actions[action_id].value["routes"][route]["request"]
    assert made.body == filled(written.get("body"), made.inputs)
    assert "${{" not in made.path


# Files


def told(folder: Path) -> None:
    """Load gives a connector or a ManifestError, lint gives problems; each says where, what, and what to do."""
    with suppress(ManifestError):
        load(folder)
    assert all(problem.where and problem.message and problem.hint for problem in lint(folder))


@pytest.mark.hazard("A6")
@pytest.mark.parametrize("name", ["connector.yaml", "actions/find_books.yaml"])
@bounded(60)
@given(content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_a_manifest_or_told(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever a file holds."""
    folder = tmp_path / "library"
    if not folder.exists():
        shutil.copytree(LIBRARY, folder)
    (folder / name).write_bytes(content)
    told(folder)
    assert lint(folder)


SEARCH = shipped_folder() / "perplexity"
FILES: dict[str, dict[str, Any]] = {
    "library": {
        str(path.relative_to(LIBRARY)): parse(path.read_text(), "").value for path in LIBRARY.rglob("*.yaml")
    },
    "shipped": {
        name: parse((SEARCH / name).read_text(), "").value
        for name in ("connector.yaml", "actions/execute_search.yaml")
    },
}
JUNK = st.one_of(
    JSON,
    st.sampled_from(
        ["${{ inputs.shelf }}", "${{ inputs }}", "${{ response.body }}", "${{", "/", "../..", "a\0b", "main", "shelf", "readers"]
    ),
    st.sampled_from([True, {"a": None}, {"type": "object"}, {"type": "array", "items": True}, {"$ref": "#"}]),
    st.sampled_from([{"properties": {"a": True}}, {"type": ["string", "null"]}, {"enum": []}, {"anyOf": [{}]}]),
    st.sampled_from([{"pattern": "^(a|aa)+$"}, {"pattern": "("}, {"patternProperties": {"(a+)+": True}}]),
    st.sampled_from([[[]], [None], [{"a": 1}], ["a"]]),
)  # fmt: skip


def values(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values(inner)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*path, key)
        yield from paths(inner, (*path, key))


VALUES = [inner for files in FILES.values() for value in files.values() for inner in values(value)]


@pytest.mark.parametrize("which", FILES)
@bounded(80)
@given(drawn=st.data())
def test_a_garbled_manifest_is_read_or_told(tmp_path: Path, which: str, drawn: st.DataObject) -> None:
    """Whatever stands anywhere in a manifest; lint never fails on it."""
    folder = tmp_path / "garbled"
    shutil.rmtree(folder, ignore_errors=True)
    files = copy.deepcopy(FILES[which])
    places = [(name, path) for name, value in files.items() for path in paths(value)]
    news = st.one_of(st.just(...), JUNK, st.sampled_from(VALUES))
    for (name, path), new in drawn.draw(
        st.lists(st.tuples(st.sampled_from(places), news), min_size=1, max_size=3)
    ):
        garble(files[name], path, new)
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
    told(folder)


def garble(value: Any, path: tuple[str | int, ...], new: Any) -> None:
    """Take out what stands at a path, put something else there, or what stands elsewhere."""
    try:
        for part in path[:-1]:
            value = value[part]
        if new is ...:
            del value[path[-1]]
        else:
            value[path[-1]] = copy.deepcopy(new)
    except (LookupError, TypeError):  # an earlier change took the place away
        return


# Answers

KINDS: dict[Any, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def fits(value: Any, schema: Any) -> bool:
    if value is None:
        return True
    if type(value) not in KINDS[schema["type"]]:
        return False
    if isinstance(value, list):
        return all(fits(item, schema["items"]) for item in value)
    columns = schema.get("properties", {}) if isinstance(value, dict) else {}
    return all(fits(value[name], column) for name, column in columns.items() if name in value)


@pytest.mark.hazard("C10")
@pytest.mark.parametrize(("action_id", "route"), ROUTES)
@bounded(30)
@given(drawn=st.data())
def test_any_answer_fits_or_is_refused(action_id: str, route: str, drawn: st.DataObject) -> None:
    """Outputs of the declared types, or an OutputError: nothing in between, whatever a server makes up."""
    action = PERPLEXITY.actions[action_id]
    made = next(
        filter(None, (planned(PERPLEXITY, action, route, name) for name in action.input_fields)), None
    )
    made = made or plan(PERPLEXITY, action, {}, today=TODAY, route=route)
    body = drawn.draw(st.one_of(fitting(action.routes[route].response or {}), JSON))
    if places := list(paths(body)):
        garble(body, drawn.draw(st.sampled_from(places)), drawn.draw(st.one_of(st.just(...), JSON)))
    try:
        outputs = pick(made, Reply(200, {}, body, "req-1", "POST https://a.test/x"), attempts=1).outputs
    except OutputError as error:
        assert all([error.field, error.expected, error.got, error.hint])  # noqa: PT017 - either may come
    else:
        assert all(fits(outputs[name], schema) for name, schema in action.output_fields.items())
