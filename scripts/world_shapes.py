"""Writes the map's shapes anew: `python -m scripts.world_shapes countries-110m.json`.

The file is of the package `world-atlas` (npm): Natural Earth's countries at 1:110 million, in the
public domain, as TopoJSON (https://github.com/topojson/topojson-specification). What is written is
much smaller: coasts and borders in tenths of a degree.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, Final

_TARGET: Final = (
    Path(__file__).parent.parent / "visualizer/src/cardwatch_visualizer/figures/world.json"
)
_STEPS: Final = 10

Line = list[tuple[int, int]]


def decoded(topology: dict[str, Any]) -> list[Line]:
    """Return a topology's arcs, in tenths of a degree, without points that follow themselves."""
    (scale_x, scale_y), (left, low) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    lines = []
    for arc in topology["arcs"]:
        xs = accumulate(point[0] for point in arc)
        ys = accumulate(point[1] for point in arc)
        line: Line = []
        for x, y in zip(xs, ys, strict=True):
            point = round((x * scale_x + left) * _STEPS), round((y * scale_y + low) * _STEPS)
            if not line or line[-1] != point:
                line.append(point)
        lines.append(line)
    return lines


def rings(geometry: dict[str, Any]) -> Iterator[Sequence[int]]:
    """Yield the rings of all polygons in a geometry, as numbers of arcs."""
    if geometry["type"] == "GeometryCollection":
        for each in geometry["geometries"]:
            yield from rings(each)
    elif geometry["type"] == "Polygon":
        yield from geometry["arcs"]
    elif geometry["type"] == "MultiPolygon":
        yield from chain.from_iterable(geometry["arcs"])


def ring_of(numbers: Sequence[int], arcs: Sequence[Line]) -> Line:
    """Return a ring; a negative number is an arc run backwards."""
    ring: Line = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring.extend(arc[1:] if ring and ring[-1] == arc[0] else arc)
    return ring


def unwrapped(ring: Line) -> Line:
    """Return a ring that goes on beyond 180° where it crosses the date line.

    Antarctica's is left as it is: it runs along the edge of the map.
    """
    if max(latitude for _, latitude in ring) < -60 * _STEPS:
        return ring
    whole, half = 360 * _STEPS, 180 * _STEPS
    found: Line = []
    turn = 0
    for longitude, latitude in ring:
        if found and abs(longitude + turn - found[-1][0]) > half:
            turn += whole if longitude + turn < found[-1][0] else -whole
        found.append((longitude + turn, latitude))
    middle = sum(longitude for longitude, _ in found) // len(found)
    back = whole if middle < -half else -whole if middle > half else 0
    return [(longitude + back, latitude) for longitude, latitude in found]


def shapes(topology: dict[str, Any]) -> dict[str, list[list[int]]]:
    """Return coasts, as closed rings, and the borders between countries."""
    arcs = decoded(topology)
    objects = topology["objects"]
    land = [unwrapped(ring_of(ring, arcs)) for ring in rings(objects["land"])]
    uses = Counter(
        number if number >= 0 else ~number
        for ring in rings(objects["countries"])
        for number in ring
    )
    borders = [arcs[number] for number, count in sorted(uses.items()) if count > 1]
    return {
        "land": [_flat(line) for line in land if len(line) > 3],
        "borders": [_flat(line) for line in borders if len(line) > 1],
    }


def _flat(line: Line) -> list[int]:
    return list(chain.from_iterable(line))


def main() -> None:
    """Write the shapes of the file that the command line names."""
    found = shapes(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    _TARGET.write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
