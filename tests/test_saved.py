"""Saved connections: what is kept comes back, nothing else does, and no interruption loses anything."""

from __future__ import annotations

import json
import os
import random
import resource
import stat
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import keyring as keyring_package
import pytest
from keyring.errors import KeyringLocked

from connector import keyrings, private_file, saved
from connector import sealed as sealing
from connector.errors import CredentialError
from connector.saved import SavedConnection, SavedConnections, default_folder, system_keyring
from connector.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "pplx-test-" + "k" * 24
OTHER_KEY = "pplx-test-" + "o" * 24
PASSPHRASE = "correct horse battery"
REAL_SCRYPT_N = sealing._SCRYPT_N


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_SCRYPT_N", 2)


class MemoryKeyring:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class RefusingKeyring(MemoryKeyring):
    """Refuses one kind of call, with a message that holds the secret."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self.refused = refused

    def _refuse(self, call: str) -> None:
        if call in self.refused:
            raise KeyringLocked(f"locked; you sent {KEY}")

    def get_password(self, service: str, username: str) -> str | None:
        self._refuse("get")
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._refuse("set")
        super().set_password(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        self._refuse("delete")
        super().delete_password(service, username)


class ForgetfulKeyring(MemoryKeyring):
    def set_password(self, service: str, username: str, password: str) -> None: ...


def work(name: str = "work", key: str = KEY, **settings: str) -> SavedConnection:
    return SavedConnection(
        name, "perplexity", settings or {"base_url": "https://a.test"}, {"api_key": Secret(key)}
    )


def in_file(folder: Path, passphrase: str | None = PASSPHRASE) -> SavedConnections:
    return SavedConnections(
        folder, passphrase=lambda: None if passphrase is None else Secret(passphrase), keyring=None
    )


def in_keyring(folder: Path, keyring: keyrings.KeyringLike) -> SavedConnections:
    return SavedConnections(folder, passphrase=lambda: pytest.fail("asked for a passphrase"), keyring=keyring)


def key_of(connections: SavedConnections, name: str = "work") -> str:
    return connections.load(name).secrets["api_key"].reveal()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# What is kept comes back


def test_file_round_trip(tmp_path: Path) -> None:
    """A connection kept in the encrypted file comes back whole."""
    assert in_file(tmp_path).save(work()) == "file"
    loaded = in_file(tmp_path).load("work")
    assert (loaded.connector, loaded.settings, loaded.secrets, loaded.kept_in) == (
        "perplexity",
        {"base_url": "https://a.test"},
        {"api_key": Secret(KEY)},
        "file",
    )


def test_keyring_round_trip(tmp_path: Path) -> None:
    """A connection kept in the keyring comes back, and the folder knows nothing of its secret."""
    keyring = MemoryKeyring()
    assert in_keyring(tmp_path, keyring).save(work()) == "keyring"
    ((service, username),) = keyring.kept
    assert service == "connector:perplexity"
    assert username.startswith("work:api_key:")
    assert key_of(in_keyring(tmp_path, keyring)) == KEY
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize(
    "secret",
    ["p", "two\nlines", "quote\"'\\", "日本語🔑", "x" * 10_000],
    ids=["short", "lines", "quotes", "unicode", "long"],
)
def test_secret_texts(tmp_path: Path, secret: str) -> None:
    """Any text comes back as it was."""
    in_file(tmp_path).save(work(key=secret))
    assert key_of(in_file(tmp_path)) == secret


def test_no_secrets_need_no_passphrase(tmp_path: Path) -> None:
    """A connection without secrets asks for nothing."""
    in_file(tmp_path, None).save(SavedConnection("open", "perplexity", {}, {}))
    assert in_file(tmp_path, None).load("open").secrets == {}


def test_real_cost_and_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files written by the first release, at scrypt's full cost, open for ever."""
    monkeypatch.setattr(sealing, "_SCRYPT_N", REAL_SCRYPT_N)
    assert REAL_SCRYPT_N == 2**15
    entry = {
        "connector": "perplexity",
        "settings": {"base_url": "https://api.test"},
        "secret_fields": ["api_key"],
        "kept_in": "file",
        "id": "000102030405060708090a0b0c0d0e0f",
    }
    sealed = {
        "salt": "101112131415161718191a1b1c1d1e1f",
        "nonce": "202122232425262728292a2b",
        "sealed": "76cbc93c050bec332670003556850c0e0f9692c34f9b6822eaa748636a709cec"
        "df3e628a65927663aa3f9ddaa47a25f817",
    }
    (tmp_path / "connections.json").write_text(json.dumps({"format": 1, "connections": {"work": entry}}))
    (tmp_path / "secrets.json").write_text(json.dumps({"format": 1, "secrets": {entry["id"]: sealed}}))
    assert key_of(in_file(tmp_path, "correct horse")) == "pplx-test-format-1"


def test_passphrase_code_points(tmp_path: Path) -> None:
    """A passphrase opens the file whichever way a system composes its accents."""
    in_file(tmp_path, "caf\u00e9").save(work())
    assert key_of(in_file(tmp_path, "cafe\u0301")) == KEY


# Names, replacing, removing


@pytest.mark.parametrize(
    "name",
    ["w", "my work", "Mon \u00e9quipe 日本 🔑", "\u0645\u06cc\u200c\u062e", "x" * 64, "a:b/c'd"],
    ids=["one", "space", "unicode", "joiner", "64", "marks"],
)
def test_good_names(tmp_path: Path, name: str) -> None:
    """Any printable text is a name."""
    in_file(tmp_path).save(work(name))
    assert key_of(in_file(tmp_path), name) == KEY


@pytest.mark.parametrize(
    "name",
    ["", " ", " x", "x ", "a\nb", "a\x1b[31m", "a\x00", "a\u202eb", "\ud800", "x" * 65],
    ids=["empty", "blank", "before", "after", "newline", "escape", "nul", "rtl", "surrogate", "65"],
)
def test_bad_names(tmp_path: Path, name: str) -> None:
    """A name that could not be shown or typed is refused, and shown escaped."""
    with pytest.raises(CredentialError, match="cannot be the name") as caught:
        in_file(tmp_path).save(work(name))
    assert caught.value.where == f"connection {name[:64]!r}"


def test_name_code_points(tmp_path: Path) -> None:
    """A name is found whichever way a system composes its accents."""
    in_file(tmp_path).save(work("caf\u00e9"))
    assert key_of(in_file(tmp_path), "cafe\u0301") == KEY


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (SavedConnection("w", "a:b", {}, {}), "'a:b' cannot be"),
        (SavedConnection("w", "p", {"a b": ""}, {}), "'a b' cannot be"),
        (SavedConnection("w", "p", {}, {"a:b": Secret("x")}), "'a:b' cannot be"),
        (SavedConnection("w", "p", {"port": 1}, {}), "'port' is not text"),  # type: ignore[dict-item]
        (SavedConnection("w", "p", {"key": "x"}, {"key": Secret("x")}), "'key' is a setting and a secret"),
        (SavedConnection("w", "p", {}, {"key": Secret("")}), "'key' is empty or is not text"),
        (SavedConnection("w", "p", {}, {"key": Secret("\udc80")}), "'key' is empty or is not text"),
    ],
    ids=["connector", "setting name", "secret name", "number", "both", "empty", "bytes"],
)
def test_bad_fields(tmp_path: Path, connection: SavedConnection, words: str) -> None:
    """What could not be kept and found again is refused before anything is written."""
    with pytest.raises(CredentialError, match=words):
        in_file(tmp_path).save(connection)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["work", "Work"])
def test_taken_name(tmp_path: Path, name: str) -> None:
    """A name that is taken, in any capitals, is refused and the first connection stays."""
    in_file(tmp_path).save(work())
    with pytest.raises(CredentialError, match=r"connection '[Ww]ork'"):
        in_file(tmp_path).save(work(name, OTHER_KEY))
    assert key_of(in_file(tmp_path)) == KEY


@pytest.mark.parametrize("kept_in", ["file", "keyring"])
def test_replace_leaves_nothing_old(tmp_path: Path, kept_in: str) -> None:
    """Replacing gives the new secret and forgets the old one."""
    keyring = MemoryKeyring()
    connections = in_file(tmp_path) if kept_in == "file" else in_keyring(tmp_path, keyring)
    connections.save(work())
    connections.save(work(key=OTHER_KEY), replace=True)
    assert key_of(connections) == OTHER_KEY
    assert list(keyring.kept.values()) == ([OTHER_KEY] if kept_in == "keyring" else [])
    assert kept_in == "keyring" or len(json.loads((tmp_path / "secrets.json").read_text())["secrets"]) == 1


def test_replace_moves_to_the_keyring(tmp_path: Path) -> None:
    """A connection from the file moves to the keyring when it is replaced where there is one."""
    in_file(tmp_path).save(work())
    assert in_keyring(tmp_path, MemoryKeyring()).save(work(), replace=True) == "keyring"
    assert json.loads((tmp_path / "secrets.json").read_text())["secrets"] == {}


def test_two_folders_share_a_keyring(tmp_path: Path) -> None:
    """The same name in two folders stands for two secrets."""
    keyring = MemoryKeyring()
    in_keyring(tmp_path / "a", keyring).save(work())
    in_keyring(tmp_path / "b", keyring).save(work(key=OTHER_KEY))
    assert key_of(in_keyring(tmp_path / "a", keyring)) == KEY


@pytest.mark.parametrize("kept_in", ["file", "keyring"])
def test_remove(tmp_path: Path, kept_in: str) -> None:
    """Removing deletes the secret and the name, and asks for no passphrase."""
    keyring = MemoryKeyring()
    (in_file(tmp_path) if kept_in == "file" else in_keyring(tmp_path, keyring)).save(work())
    (in_file(tmp_path, None) if kept_in == "file" else in_keyring(tmp_path, keyring)).remove("work")
    assert in_file(tmp_path).names() == []
    assert not keyring.kept
    assert b"sealed" not in everything_in(tmp_path)


@pytest.mark.parametrize("act", [SavedConnections.load, SavedConnections.remove], ids=["load", "remove"])
def test_unknown_name(tmp_path: Path, act: Callable[[SavedConnections, str], object]) -> None:
    """An unknown name is answered with the nearest one."""
    in_file(tmp_path).save(work())
    with pytest.raises(CredentialError, match=r"^connection 'wrok': .* Did you mean 'work'\?$"):
        act(in_file(tmp_path), "wrok")


def test_nothing_saved(tmp_path: Path) -> None:
    """Without any connection, loading says so and creates nothing."""
    with pytest.raises(CredentialError, match="save it first"):
        in_file(tmp_path / "new").load("work")
    assert not (tmp_path / "new").exists()


# Listing


def test_listing_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing shows names, settings and fields without keyring or passphrase."""
    in_keyring(tmp_path, MemoryKeyring()).save(work("b"))
    in_file(tmp_path).save(work("A"))
    monkeypatch.setattr(saved, "system_keyring", lambda: pytest.fail("looked for a keyring"))
    listed = SavedConnections(tmp_path, passphrase=lambda: pytest.fail("asked for a passphrase")).names()
    assert [(one.name, one.kept_in, one.secret_fields) for one in listed] == [
        ("A", "file", ("api_key",)),
        ("b", "keyring", ("api_key",)),
    ]


def test_listing_imports_nothing_slow(tmp_path: Path) -> None:
    """A call that needs no secret imports neither keyring nor cryptography."""
    code = (
        "import sys; from pathlib import Path; from connector.saved import SavedConnections as S;"
        "S(Path(sys.argv[1]), passphrase=lambda: None).names();"
        "assert not {'keyring', 'cryptography'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment())


# What is wrong is said


@pytest.mark.parametrize("passphrase", [None, ""], ids=["none", "empty"])
def test_no_passphrase(tmp_path: Path, passphrase: str | None) -> None:
    """Without a passphrase nothing is written, and the error says where one comes from."""
    with pytest.raises(CredentialError, match="Set CONNECTOR_PASSPHRASE"):
        in_file(tmp_path, passphrase).save(work())
    assert not list(tmp_path.iterdir())


@pytest.mark.hazard("D7")
def test_wrong_passphrase(tmp_path: Path) -> None:
    """A wrong passphrase gives an error that does not claim to know more than it does."""
    in_file(tmp_path).save(work())
    with pytest.raises(CredentialError, match="The passphrase is wrong, or the file was changed"):
        in_file(tmp_path, "wrong").load("work")


@pytest.mark.hazard("D7")
@pytest.mark.parametrize("file", ["secrets.json", "connections.json"])
@pytest.mark.parametrize("bit", [1, 32], ids=["lowest", "capitals"])
def test_flipped_bytes(tmp_path: Path, file: str, bit: int, figure: Callable[[str, str], None]) -> None:
    """Whichever byte of either file changes, no secret comes out."""
    in_file(tmp_path).save(work())
    whole = (tmp_path / file).read_bytes()
    for at in range(len(whole)):
        (tmp_path / file).write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
        with pytest.raises(CredentialError):
            in_file(tmp_path).load("work")
    figure("D7", "0 accepts: each byte of both files changed in two ways")


def test_swapped_secrets(tmp_path: Path) -> None:
    """The secret of one connection does not open as that of another."""
    in_file(tmp_path).save(work("a"))
    in_file(tmp_path).save(work("b", OTHER_KEY))
    file = tmp_path / "secrets.json"
    whole = json.loads(file.read_text())
    whole["secrets"] = dict(zip(whole["secrets"], reversed(whole["secrets"].values()), strict=True))
    file.write_text(json.dumps(whole))
    for name in ("a", "b"):
        with pytest.raises(CredentialError, match="the file was changed"):
            in_file(tmp_path).load(name)


def test_changed_address(tmp_path: Path) -> None:
    """A secret in the file opens only with the settings that it was saved with."""
    in_file(tmp_path).save(work())
    file = tmp_path / "connections.json"
    file.write_text(file.read_text().replace("https://a.test", "https://evil.test"))
    with pytest.raises(CredentialError, match="the file was changed"):
        in_file(tmp_path).load("work")


@pytest.mark.parametrize("kept_in", ["file", "keyring"])
def test_missing_secret(tmp_path: Path, kept_in: str) -> None:
    """A listed connection whose secret is gone says so, and can still be removed."""
    keyring = MemoryKeyring()
    connections = in_file(tmp_path) if kept_in == "file" else in_keyring(tmp_path, keyring)
    connections.save(work())
    keyring.kept.clear()
    (tmp_path / "secrets.json").unlink(missing_ok=True)
    with pytest.raises(CredentialError, match=f"no longer in the {kept_in}"):
        connections.load("work")
    connections.remove("work")
    assert connections.names() == []


def test_keyring_is_gone(tmp_path: Path) -> None:
    """What was saved in a keyring is looked for nowhere else, and may be replaced."""
    in_keyring(tmp_path, MemoryKeyring()).save(work())
    with pytest.raises(CredentialError, match="secrets are in the system's keyring, and none can be reached"):
        in_file(tmp_path).load("work")
    assert in_file(tmp_path).save(work(), replace=True) == "file"


@pytest.mark.parametrize("refused", ["get", "set", "delete"])
def test_keyring_refuses(tmp_path: Path, refused: str) -> None:
    """A locked keyring gives an error that says what to do, from whichever call it comes."""
    connections = in_keyring(tmp_path, RefusingKeyring(refused))

    def save_and_remove() -> None:
        connections.save(work())
        connections.remove("work")

    with pytest.raises(CredentialError, match=r"keyring refused \(KeyringLocked\)\. Unlock it"):
        save_and_remove()


@pytest.mark.hazard("D4")
def test_keyring_forgets(tmp_path: Path) -> None:
    """A keyring that accepts and forgets is found out while the secret is still at hand."""
    with pytest.raises(CredentialError, match="did not keep"):
        in_keyring(tmp_path, ForgetfulKeyring()).save(work())
    assert in_file(tmp_path).names() == []


LISTING = '{"format": 1, "connections": {"work": %s}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        ("\xff", "damaged"),
        ("{}", "damaged"),
        ('{"format": 0, "connections": {}}', "damaged"),
        ('{"format": 1, "connections": []}', "damaged"),
        ('{"format": 2}', r"newer version wrote it \(format 2; this one reads format 1\)"),
        (LISTING % "1", "connection 'work' cannot be understood"),
        (LISTING % '{"connector": "p"}', "connection 'work' cannot be understood"),
    ],
    ids=["empty", "cut", "list", "deep", "bytes", "no format", "zero", "no map", "newer", "no entry", "half"],
)
def test_damaged_listing(tmp_path: Path, text: str, words: str) -> None:
    """A file that is not ours, or newer, is named, left alone, and never overwritten."""
    file = tmp_path / "connections.json"
    file.write_bytes(text.encode("latin-1"))
    for act in (in_file(tmp_path).names, lambda: in_file(tmp_path).save(work())):
        with pytest.raises(CredentialError, match=words) as caught:
            act()
        assert caught.value.where == str(file)
        assert caught.value.hint
    assert file.read_bytes() == text.encode("latin-1")


def no_file(file: Path) -> None:
    file.unlink()
    file.mkdir()


def link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.hazard("D6")
@pytest.mark.parametrize(
    ("spoil", "words"), [(link, "symbolic link"), (no_file, "not a file"), (pipe, "not a file")]
)
@pytest.mark.parametrize("name", ["connections.json", "secrets.json"])
def test_strange_files(tmp_path: Path, name: str, spoil: Callable[[Path], None], words: str) -> None:
    """A link, folder or pipe in a file's place is refused without waiting for it."""
    in_file(tmp_path).save(work())
    spoil(tmp_path / name)
    with pytest.raises(CredentialError, match=words) as caught:
        in_file(tmp_path).load("work")
    assert caught.value.where == str(tmp_path / name)


def test_other_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another user put there is refused."""
    in_file(tmp_path).save(work())
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(CredentialError, match="belongs to another user"):
        in_file(tmp_path).names()


def test_folder_is_a_file(tmp_path: Path) -> None:
    """A file in the folder's place is reported by reading and by writing."""
    (tmp_path / "file").touch()
    with pytest.raises(CredentialError, match="cannot be read: Not a directory"):
        in_file(tmp_path / "file").names()


# Secrets are seen nowhere


@pytest.mark.hazard("D6")
@pytest.mark.parametrize("umask", [0o000, 0o777], ids=["000", "777"])
def test_modes(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, files and new folders are the owner's alone."""
    folder = tmp_path / "parent" / "connector"
    folder.parent.mkdir()
    if umask == 0o777:
        folder.mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        in_file(folder).save(work())
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("connections.json", "secrets.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_mode_is_tightened(tmp_path: Path) -> None:
    """A file that others could read becomes the owner's alone when it is read."""
    in_file(tmp_path).save(work())
    file = tmp_path / "connections.json"
    file.chmod(0o644)
    in_file(tmp_path).names()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_plaintext(tmp_path: Path) -> None:
    """Neither the secret, nor its first half, nor the passphrase is in any file."""
    in_file(tmp_path).save(work())
    written = everything_in(tmp_path)
    for text in (KEY, KEY[:16], PASSPHRASE):
        assert text.encode() not in written
        assert text.encode().hex().encode() not in written


def save_twice(folder: Path) -> None:
    in_file(folder).save(work())
    in_file(folder).save(work())


def wrong_passphrase(folder: Path) -> None:
    in_file(folder).save(work())
    in_file(folder, "wrong").load("work")


def locked_keyring(folder: Path) -> None:
    in_keyring(folder, RefusingKeyring("set")).save(work())


def deaf_keyring(folder: Path) -> None:
    in_keyring(folder, ForgetfulKeyring()).save(work())


def blocked_keyring(folder: Path) -> None:
    in_keyring(folder, RefusingKeyring("delete")).save(work())
    in_keyring(folder, RefusingKeyring("get")).load("work")


def folder_is_a_link(folder: Path) -> None:
    (folder / "connections.json").symlink_to("nowhere")
    in_file(folder).save(work())


@pytest.mark.hazard("D5")
@pytest.mark.parametrize(
    "fail",
    [save_twice, wrong_passphrase, locked_keyring, deaf_keyring, blocked_keyring, folder_is_a_link],
)
def test_errors_hold_no_secret(tmp_path: Path, fail: Callable[[Path], None]) -> None:
    """No error shows a secret, not even in a traceback with the local variables of every frame."""
    with pytest.raises(CredentialError) as caught:
        fail(tmp_path)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY not in shown + repr(caught.value) + str(caught.value)
    assert PASSPHRASE not in shown
    assert caught.value.__context__ is None


def test_repr_holds_no_secret(tmp_path: Path) -> None:
    """A connection can be printed."""
    in_file(tmp_path).save(work())
    assert KEY not in repr(work()) + repr(in_file(tmp_path).load("work")) + repr(in_file(tmp_path).names())


# Nothing interrupts a save halfway


@pytest.mark.hazard("D6")
def test_full_disk(tmp_path: Path) -> None:
    """A write that stops halfway leaves the old connection and no rest."""
    in_file(tmp_path).save(work())
    before = everything_in(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(CredentialError, match="cannot be written: File too large"):
            in_file(tmp_path).save(work(key=OTHER_KEY), replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert everything_in(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "connections.json",
        "connections.lock",
        "secrets.json",
    ]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """Ctrl-C just before or after the listing changes leaves one whole connection, old or new."""
    keyring = MemoryKeyring()
    in_keyring(tmp_path, keyring).save(work())
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> None:
        if after:
            replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_keyring(tmp_path, keyring).save(work(key=OTHER_KEY), replace=True)
    assert key_of(in_keyring(tmp_path, keyring)) == (OTHER_KEY if after else KEY)
    assert not list(tmp_path.glob("*.new"))
    assert after or list(keyring.kept.values()) == [KEY]


def test_leftover_of_a_killed_writer(tmp_path: Path) -> None:
    """A half-written file that a killed process left behind is no obstacle, and neither is its lock."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left = tmp_path / f"connections.json.{gone.pid}-{0:016x}.new"
    under_way = tmp_path / f"connections.json.{os.getpid()}-{0:016x}.new"
    for file in (left, under_way):
        file.write_text("{")
    (tmp_path / "connections.lock").touch()
    in_file(tmp_path).save(work())
    assert key_of(in_file(tmp_path)) == KEY
    assert (left.exists(), under_way.exists()) == (False, True)


def test_writers_at_once_do_not_disturb_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes while another is about to put its file in place: both end well, and the last one wins."""
    file = tmp_path / "one.yaml"
    put = Path.replace

    def later(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", put)
        private_file.replace(file, b"the other's")
        assert file.read_bytes() == b"the other's"
        return self.replace(target)

    monkeypatch.setattr(Path, "replace", later)
    private_file.replace(file, b"the first one's")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("one.yaml", b"the first one's")]


def test_lock_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that never ends is reported after a while."""
    monkeypatch.setattr(private_file, "_LOCK_SECONDS", 0.05)
    with (
        in_file(tmp_path)._files.lock(),
        pytest.raises(CredentialError, match="Another program has been saving"),
    ):
        in_file(tmp_path).save(work())


def test_replaced_while_loading(tmp_path: Path) -> None:
    """A connection that is replaced between two reads is loaded as it is afterwards."""
    memory = MemoryKeyring()

    class Busy(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            if not memory.kept.get(("replaced", "")):
                memory.kept["replaced", ""] = "once"
                in_keyring(tmp_path, memory).save(work(key=OTHER_KEY), replace=True)
            return memory.get_password(service, username)

    in_keyring(tmp_path, memory).save(work())
    assert key_of(in_keyring(tmp_path, Busy())) == OTHER_KEY


SAVER = """
import itertools, sys
from pathlib import Path
from connector import saved, sealed
from connector.secret import Secret
sealed._SCRYPT_N = 2
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
connections = saved.SavedConnections(folder, passphrase=lambda: Secret("p"), keyring=None)
print("ready", flush=True)
for number in range(count) if count else itertools.count():
    called = f"{name} {number}" if count else name
    secret = {"api_key": Secret(f"pplx-test-{number}")}
    new = saved.SavedConnection(called, "perplexity", {"number": f"{number}"}, secret)
    connections.save(new, replace=not count)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(saved.__file__).parents[1]), *sys.path])}


def start_saver(folder: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SAVER, str(folder), name, str(count)]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE)


def test_four_writers(tmp_path: Path) -> None:
    """Four processes that save at once lose nothing of one another."""
    savers = [start_saver(tmp_path, f"writer {number}", 5) for number in range(4)]
    for saver in savers:
        saver.communicate(timeout=60)
        assert saver.returncode == 0
    connections = in_file(tmp_path, "p")
    assert len(connections.names()) == 20
    for listed in connections.names():
        assert key_of(connections, listed.name) == f"pplx-test-{listed.settings['number']}"


@pytest.mark.hazard("D6")
@pytest.mark.slow
def test_kill_9(tmp_path: Path) -> None:
    """However a saving process is killed, settings and secret are whole and fit one another."""
    for _ in range(12):
        with start_saver(tmp_path, "work", 0) as saver:
            assert saver.stdout
            saver.stdout.readline()
            time.sleep(random.uniform(0.02, 0.2))
            saver.kill()
        loaded = in_file(tmp_path, "p").load("work")
        assert loaded.secrets["api_key"].reveal() == f"pplx-test-{loaded.settings['number']}"
    in_file(tmp_path, "p").save(work("last"))
    kept = sorted(path.name for path in tmp_path.iterdir() if path.name != "connections.lock")
    assert kept == ["connections.json", "secrets.json"]
    assert len(json.loads((tmp_path / "secrets.json").read_text())["secrets"]) == 2


# Where things are kept


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/connector"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/x/connector"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "x"}, "/h/.config/connector"),
        ("linux", {"HOME": "/h", "CONNECTOR_HOME": ""}, "/h/.config/connector"),
        ("darwin", {"HOME": "/h", "XDG_CONFIG_HOME": "/x"}, "/h/Library/Application Support/connector"),
        ("win32", {"APPDATA": "/u/Roaming"}, "/u/Roaming/connector"),
        ("win32", {"USERPROFILE": "/u"}, "/u/AppData/Roaming/connector"),
        ("win32", {"APPDATA": "/u", "CONNECTOR_HOME": "/c"}, "/c"),
        ("linux", {"HOME": "/h", "CONNECTOR_HOME": "~/c"}, "/h/c"),
    ],
)
def test_default_folder(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], expected: str
) -> None:
    """The folder is CONNECTOR_HOME, else what the platform's convention says."""
    monkeypatch.setattr(sys, "platform", platform)
    assert default_folder(environ) == Path(expected)


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder is told to name one."""

    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(CredentialError, match="Set CONNECTOR_HOME"):
        default_folder({})


def backend(kind: str, **attributes: object) -> object:
    module, _, name = kind.rpartition(".")
    return type(name, (), {"__module__": module, **attributes})()


def chain(*members: str) -> object:
    return backend(
        "keyring.backends.chainer.ChainerBackend", backends=[backend(member) for member in members]
    )


MACOS, PLAINTEXT = "keyring.backends.macOS.Keyring", "keyrings.alt.file.PlaintextKeyring"


@pytest.mark.hazard("D4")
@pytest.mark.parametrize(
    ("active", "found"),
    [
        *((backend(kind), kind) for kind in keyrings._REAL_KEYRINGS),
        (backend("keyring.backends.fail.Keyring"), None),
        (backend("keyring.backends.null.Keyring"), None),
        (backend(PLAINTEXT), None),
        (backend("keyrings.alt.file.EncryptedKeyring"), None),
        (backend("mine.Keyring"), None),
        (chain(), None),
        (chain("keyring.backends.null.Keyring", PLAINTEXT), None),
        (chain(PLAINTEXT, MACOS), MACOS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_system_keyring(
    monkeypatch: pytest.MonkeyPatch, active: object, found: str | None, figure: Callable[[str, str], None]
) -> None:
    """Only stores that the operating system protects count as a keyring, alone or in a chain."""
    monkeypatch.setattr(keyring_package, "get_keyring", lambda: active)
    keyring = system_keyring()
    assert (None if keyring is None else keyrings._kind(keyring)) == found
    figure("D4", "0 silent plaintext writes; fail, null, plaintext and unknown backends refused")


@pytest.mark.filterwarnings("ignore")  # what the system's own bindings warn about is not our concern
@pytest.mark.parametrize("kind", keyrings._REAL_KEYRINGS)
def test_real_keyrings_exist(kind: str) -> None:
    """Every keyring on the list is one that the installed keyring package has."""
    module, _, name = kind.rpartition(".")
    assert hasattr(__import__(module, fromlist=[name]), name)


def test_broken_keyring_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring that cannot even be found is no keyring."""

    def broken() -> object:
        raise ModuleNotFoundError

    monkeypatch.setattr(keyring_package, "get_keyring", broken)
    assert system_keyring() is None


def test_system_keyring_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about keyrings, the system's is used."""
    memory = MemoryKeyring()
    monkeypatch.setattr(saved, "system_keyring", lambda: memory)
    assert SavedConnections(tmp_path, passphrase=lambda: None).save(work()) == "keyring"
    assert list(memory.kept.values()) == [KEY]
