"""Connectors that other packages bring: found by metadata alone, and none of them harms the others."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ended
from packages import GROUP, put, put_acme, put_connector, say_where

import connector
from connector import compiled
from connector.cli.endings import Exit
from connector.errors import ManifestError
from connector.installed import Installed, installed
from connector.loading import find, load


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path, for what a test installs; what is compiled of it is kept beside it."""
    monkeypatch.setattr(compiled, "COMPILED", str(tmp_path / "kept"))
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def told(site: Path) -> str:
    """What is said of the one entry point that is no good."""
    found = installed([str(site)])
    assert found.connectors == {}
    (one,) = found.unusable
    return str(one)


# --- where a folder can be


def test_a_wheel_is_found(site: Path) -> None:
    """Under its entry point's name, with its place and its distribution."""
    folder = put_acme(site)
    found = installed([str(site)])
    assert found == ({"acme": Installed("acme", str(folder), "acme-connector 1.2.0")}, [])
    assert find("acme") == folder
    assert connector.load("acme").id == "acme"


@pytest.mark.parametrize(
    ("value", "folder"),
    [
        ("acme_connector:manifests.acme", "acme_connector/manifests/acme"),
        ("acme_connector:manifests/acme", "acme_connector/manifests/acme"),
        ("acme_connector : v1.2/acme-eu", "acme_connector/v1.2/acme-eu"),
        ("acme_connector", "acme_connector"),
        ("acme.connectors:acme", "acme/connectors/acme"),
    ],
)
def test_how_a_folder_is_named(site: Path, value: str, folder: str) -> None:
    """The package, a colon and a folder; dots separate what a backend refuses slashes in."""
    put(site, f"acme = {value}")
    assert installed([str(site)]).unusable
    put_connector(site / folder)
    assert installed([str(site)]).connectors["acme"].folder == str(site / folder)


@pytest.mark.parametrize("how", ["pth", "direct url", "direct url and src", "egg-info"])
def test_an_editable_project_is_found(tmp_path: Path, site: Path, how: str) -> None:
    """By the .pth file that its RECORD names, by where it was installed from, or beside its metadata."""
    project = tmp_path / "my project"
    root = project / "src" if how != "direct url" else project
    folder = put_connector(root / "acme_connector" / "manifests" / "acme")
    if how == "egg-info":
        put(root, "acme = acme_connector:manifests.acme", kind="egg-info")
        assert installed([str(site), str(root)]).connectors["acme"].folder == str(folder)
        return
    metadata = put(site, "acme = acme_connector:manifests.acme")
    if how == "pth":
        (site / "_acme.pth").write_text(f"# a note\nimport sys\n{root}\n")
        (metadata / "RECORD").write_text("_acme.pth,sha256=x,9\nacme_connector-1.2.0.dist-info/METADATA,,\n")
    else:
        say_where(metadata, project)
    assert installed([str(site)]).connectors["acme"].folder == str(folder)


def test_no_code_of_a_package_runs(site: Path, cli: Callable[..., Ended]) -> None:
    """Neither to list its connector, nor to load it, nor to plan an action of it."""
    folder = put_acme(site)
    for place in (site / "acme_connector", folder.parent, folder):
        (place / "__init__.py").write_text("raise SystemExit('this was imported')\n")
    assert "acme.find_books" in cli("list").out
    assert cli("plan", "acme.find_books", "shelf=fiction").code == Exit.OK
    assert not [name for name in sys.modules if name.startswith("acme_connector")]


# --- what is refused


@pytest.mark.hazard("A9")
@pytest.mark.parametrize(
    "value",
    [
        "acme_connector:../other",
        "acme_connector:manifests/../../other",
        "acme_connector:..other",
        "acme_connector:/etc",
        "acme_connector:/",
        "acme_connector:",
        "acme_connector:.",
        "acme_connector:./manifests",
        "acme_connector:manifests//acme",
        "acme_connector:manifests\\acme",
        "acme_connector:C:/windows",
        "acme_connector:manifests/.hidden",
        "acme_connector:manifests/acme\0",
        "../acme_connector:manifests",
        "..:manifests",
        "/etc:x",
        "acme connector:manifests",
        "acmé:manifests",
        "",
        ":manifests",
        "a" * 3000 + ":" + "b" * 3000,
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_value_that_leads_anywhere_else_is_told(site: Path, value: str) -> None:
    """With the distribution, what it says, and what to do; nothing outside the package is looked at."""
    put_connector(site / "other")
    put_connector(site / "acme_connector" / "manifests" / "acme")
    put(site, f"acme = {value}")
    said = told(site)
    assert said.startswith("acme-connector 1.2.0: Its ")
    assert "left out" in said


@pytest.mark.hazard("A9")
@pytest.mark.parametrize("link", ["acme_connector/manifests/acme", "acme_connector/manifests"])
def test_a_link_out_of_the_package_is_refused(tmp_path: Path, site: Path, link: str) -> None:
    """Be it the folder or one above it."""
    outside = put_connector(tmp_path / "outside" / "acme")
    (site / link).parent.mkdir(parents=True)
    (site / link).symlink_to(outside if link.endswith("acme") else outside.parent)
    put(site, "acme = acme_connector:manifests.acme")
    assert "behind a link that leads out of the package" in told(site)


def test_a_link_inside_the_folder_is_refused_when_it_is_read(tmp_path: Path, site: Path) -> None:
    """A file of a manifest that lies elsewhere is not read: errors show lines of files."""
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: test-secret\n")
    action = put_acme(site) / "actions" / "find_books.yaml"
    action.unlink()
    action.symlink_to(secret)
    with pytest.raises(ManifestError, match="leads out of the connector's folder") as caught:
        load("acme")
    assert "test-secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Acme", "acme-eu", "acme/eu", "../acme", "a" * 65, "1acme", "ac me", ""])
def test_a_name_that_no_connector_can_have_is_told(site: Path, name: str) -> None:
    """A connector is named by its id."""
    put_connector(site / "acme_connector" / "manifests" / "acme")
    put(site, f"{name} = acme_connector:manifests.acme")
    assert "has a name that no connector can have" in told(site)


def test_an_id_of_another_is_refused(site: Path) -> None:
    """A package cannot call itself acme and be given the keys of perplexity."""
    put(site, "acme = acme_connector:manifests.acme")
    put_connector(site / "acme_connector" / "manifests" / "acme", "perplexity")
    for _ in range(2):  # nothing is kept of it either
        with pytest.raises(ManifestError, match=r"brings it as 'acme', but its id is 'perplexity'"):
            load("acme")


# --- several


def test_a_shipped_name_cannot_be_taken(site: Path, cli: Callable[..., Ended]) -> None:
    """The shipped one is used, and both distributions are named."""
    put(site, "perplexity = acme_connector:manifests.acme")
    put_connector(site / "acme_connector" / "manifests" / "acme", "perplexity")
    assert find("perplexity").parent != site
    said = cli("list").err
    assert "acme-connector 1.2.0" in said
    assert "perplexity-connector" in said


def test_two_packages_with_one_name_are_both_left_out(site: Path) -> None:
    """Nobody can know which is meant; the error names both, and what to do."""
    put_acme(site)
    put(site, "acme = beta:acme", name="beta", version="2")
    put_connector(site / "beta" / "acme")
    assert installed([str(site)]).connectors == {}
    with pytest.raises(ManifestError, match=r"acme-connector 1\.2\.0 and beta 2: .* Uninstall all but one"):
        load("acme")


def test_the_first_place_on_the_path_counts(tmp_path: Path, site: Path) -> None:
    """As for imports: a distribution that is installed twice is the one that Python would import."""
    first = put_acme(site)
    put_acme(tmp_path / "later")
    assert installed([str(site), str(tmp_path / "later")]).connectors["acme"].folder == str(first)


def break_by_bytes(site: Path) -> None:
    put(site, name="bad").joinpath("entry_points.txt").write_bytes(
        f"[{GROUP}]\n".encode() + b"\xff\0\xfe = \xff"
    )


def break_by_a_pipe(site: Path) -> None:
    folder = put(site, name="bad")
    (folder / "entry_points.txt").unlink()
    os.mkfifo(folder / "entry_points.txt")


def break_by_folders(site: Path) -> None:
    folder = put(site, name="bad")
    (folder / "entry_points.txt").unlink()
    (folder / "entry_points.txt").mkdir()


def break_by_size(site: Path) -> None:
    put(site, name="bad").joinpath("entry_points.txt").write_text(f"[{GROUP}]\n" + "x = y\n" * 1_000_000)


def break_by_yaml(site: Path) -> None:
    put(site, "bad = bad:", "worse = worse", name="bad")
    (site / "worse").mkdir()
    (site / "worse" / "connector.yaml").write_text("[" * 100_000)


def break_by_origin(site: Path) -> None:
    put(site, "bad = bad", name="bad").joinpath("direct_url.json").write_text('{"editable": ' + "[" * 100_000)


def break_by_file(site: Path) -> None:
    (site / "bad-1.dist-info").write_text("")
    (site / "~ad-1.dist-info").mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        break_by_bytes,
        pytest.param(break_by_a_pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")),
        break_by_folders,
        break_by_size,
        break_by_yaml,
        break_by_origin,
        break_by_file,
    ],
)
def test_a_broken_package_does_not_break_the_others(
    site: Path, spoil: Callable[[Path], None], cli: Callable[..., Ended]
) -> None:
    """Whatever it is, the list has the good one, and ends well."""
    put_acme(site)
    spoil(site)
    ended = cli("list")
    assert ended.code == Exit.OK
    assert "acme.find_books" in ended.out
    assert "perplexity.execute_search" in ended.out
    assert "Traceback" not in ended.err


# --- commands and Python


def test_list_says_where_each_comes_from(site: Path, cli: Callable[..., Ended]) -> None:
    """In JSON always; in the table when there is more than what is shipped."""
    origins = {row["from"] for row in json.loads(cli("list", "--format", "json").out)}
    assert origins == {"perplexity-connector"}
    put_acme(site)
    rows = {row["id"]: row["from"] for row in json.loads(cli("list", "--format", "json").out)}
    assert rows["acme.find_books"] == "acme-connector 1.2.0"
    assert cli("list").out.splitlines()[0].split() == ["action", "name", "description", "from"]
    assert cli("list", "acme").out.splitlines()[1].split()[0] == "acme.find_books"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "acme.find_books"),
        ("show", "find_books"),
        ("plan", "acme.find_books", "shelf=fiction"),
        ("lint", "acme"),
        ("list", "acme"),
    ],
    ids=" ".join,
)
def test_commands_take_its_name(site: Path, cli: Callable[..., Ended], arguments: tuple[str, ...]) -> None:
    """As they take a shipped one's."""
    put_acme(site)
    ended = cli(*arguments)
    assert (ended.code, ended.err) == (Exit.OK, "")


def test_an_action_alone_stays_the_shipped_ones(site: Path, cli: Callable[..., Ended]) -> None:
    """A package that brings an action of the same name changes nothing that was already said."""
    folder = put_acme(site)
    text = (folder / "actions" / "find_books.yaml").read_text()
    other = text.replace("id: find_books", "id: execute_search", 1).replace("Find Books", "Taken")
    (folder / "actions" / "execute_search.yaml").write_text(other)
    assert cli("show", "execute_search").out.startswith("Execute Search")


def test_a_misspelt_name_is_told_with_the_nearest(site: Path) -> None:
    """Installed ones are among those that are known."""
    put_acme(site)
    with pytest.raises(ManifestError, match="Did you mean 'acme'"):
        load("acne")


def test_it_connects(site: Path) -> None:
    """By name, in Python."""
    put_acme(site)
    with connector.connect("acme", api_key="test-key") as opened:
        assert opened.connector.name == "Library"


def test_a_folder_is_meant_by_a_path(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is the installed one, ./name the folder: a folder cannot take the keys of what is installed."""
    folder = put_acme(site)
    monkeypatch.chdir(put_connector(tmp_path / "work" / "acme").parent)
    assert find("acme") == folder
    assert find("./acme") == Path("acme")


# --- the compiled form


def test_it_is_kept_as_what_is_shipped_is(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time no YAML is read; a change in it counts at once."""
    folder = put_acme(site)
    first = load("acme")
    with monkeypatch.context() as patched:
        patched.setattr("connector.loading.read", None)
        assert load("acme") == first
    file = folder / "connector.yaml"
    file.write_text(file.read_text().replace("name: Library", "name: Libary"))
    assert load("acme").name == "Libary"


def test_what_lies_with_a_manifest_is_never_unpickled(site: Path, tmp_path: Path) -> None:
    """Whoever can write a manifest's folder cannot have something unpickled; only our own folder is looked at."""
    folder = put_acme(site)
    load("acme")
    (kept,) = (tmp_path / "kept").iterdir()
    content = kept.read_bytes()
    kept.unlink()
    for place in (folder, folder.parent, site):
        (place / "acme.compiled").write_bytes(content)
    assert compiled.compiled("acme", str(folder)) is None
