"""Draws icon.png: a lens whose handle ends in a node - search, connected.

Run `python tools/draw_icon.py [FILE]` after changing a number here. Standard library only, and only
exactly rounded arithmetic, so that every machine draws the same pixels.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from math import sqrt
from pathlib import Path

SIZE = 256
SAMPLES = 8  # per side of a pixel that an edge crosses

Shape = Callable[[float, float], float]  # x, y -> distance to the outline in pixels, negative inside
Colour = tuple[int, int, int]

INDIGO_TOP: Colour = (84, 76, 232)
INDIGO_BOTTOM: Colour = (49, 42, 148)
WHITE: Colour = (255, 255, 255)
AMBER: Colour = (255, 184, 56)


def disc(cx: float, cy: float, radius: float) -> Shape:
    return lambda x, y: sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy)) - radius


def ring(cx: float, cy: float, radius: float, width: float) -> Shape:
    middle = disc(cx, cy, radius)
    return lambda x, y: abs(middle(x, y)) - width / 2


def line(ax: float, ay: float, bx: float, by: float, width: float) -> Shape:
    """A line with round ends."""
    dx, dy = bx - ax, by - ay

    def distance(x: float, y: float) -> float:
        along = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
        ex, ey = x - ax - along * dx, y - ay - along * dy
        return sqrt(ex * ex + ey * ey) - width / 2

    return distance


def tile(margin: float, corner: float) -> Shape:
    """A rounded square in the middle of the picture."""
    half = SIZE / 2 - margin - corner

    def distance(x: float, y: float) -> float:
        dx, dy = abs(x - SIZE / 2) - half, abs(y - SIZE / 2) - half
        outside = sqrt(max(dx, 0.0) * max(dx, 0.0) + max(dy, 0.0) * max(dy, 0.0))
        return outside + min(max(dx, dy), 0.0) - corner

    return distance


# From back to front. A layer's two colours are those of the picture's top and bottom edge.
LAYERS: list[tuple[Shape, Colour, Colour]] = [
    (tile(8, 56), INDIGO_TOP, INDIGO_BOTTOM),
    (line(100, 100, 186, 186, 24), WHITE, WHITE),
    (disc(100, 100, 50), INDIGO_TOP, INDIGO_BOTTOM),
    (ring(100, 100, 48, 24), WHITE, WHITE),
    (disc(100, 100, 17), AMBER, AMBER),
    (disc(186, 186, 30), AMBER, AMBER),
]


def coverage(shape: Shape, x: int, y: int) -> float:
    """How much of a pixel lies inside a shape, 0 to 1."""
    distance = shape(x + 0.5, y + 0.5)
    if abs(distance) > 1:  # no edge crosses this pixel
        return 1.0 if distance < 0 else 0.0
    steps = [(step + 0.5) / SAMPLES for step in range(SAMPLES)]
    return sum(shape(x + dx, y + dy) < 0 for dy in steps for dx in steps) / (SAMPLES * SAMPLES)


def pixel(x: int, y: int) -> bytes:
    """One pixel as red, green, blue and opacity."""
    colour, opacity = [0.0, 0.0, 0.0], 0.0
    fall = y / (SIZE - 1)
    for shape, top, bottom in LAYERS:
        if part := coverage(shape, x, y):
            total = part + opacity * (1 - part)
            for channel in range(3):
                here = top[channel] + (bottom[channel] - top[channel]) * fall
                colour[channel] += (here - colour[channel]) * part / total
            opacity = total
    return bytes(int(value + 0.5) for value in (*colour, opacity * 255))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png() -> bytes:
    """The picture as a PNG file, each row stored unfiltered."""
    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(SIZE)) for y in range(SIZE))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)  # 8 bits a channel, RGBA, not interlaced
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "icon.png"
    Path(sys.argv[1] if len(sys.argv) > 1 else default).write_bytes(png())
