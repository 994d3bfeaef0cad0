"""The icon is the size that platforms ask for, and is what its script draws."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def chunks(png: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        found[kind] = found.get(kind, b"") + png[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def test_size() -> None:
    """The icon is a PNG of 256 by 256 pixels, 8 bits a channel, with transparency."""
    png = (ROOT / "icon.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">IIBB", chunks(png)[b"IHDR"][:10]) == (256, 256, 8, 6)


def test_script_draws_it(tmp_path: Path) -> None:
    """The script draws the committed pixels; zlib's versions may pack them differently."""
    subprocess.run([sys.executable, ROOT / "tools" / "draw_icon.py", tmp_path / "icon.png"], check=True)
    drawn, kept = (chunks((folder / "icon.png").read_bytes()) for folder in (tmp_path, ROOT))
    assert drawn[b"IHDR"] == kept[b"IHDR"]
    assert zlib.decompress(drawn[b"IDAT"]) == zlib.decompress(kept[b"IDAT"])
