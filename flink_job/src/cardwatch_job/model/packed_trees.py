"""Trees as text: their arrays behind one another, compressed, in base64."""

import base64
import binascii
import struct
import sys
import zlib
from array import array
from typing import Any, Final

from cardwatch_job.model.trees import BrokenTreesError, TreeArrays

_HEAD: Final = struct.Struct("<II")
_MAX_NODES: Final = 1_000_000
_NODE_BYTES: Final = 2 + 4 + 8 + 8


def pack_trees(arrays: TreeArrays) -> str:
    """Return the trees as text, little-endian whatever the machine."""
    parts = (arrays.roots, arrays.feature, arrays.left, arrays.threshold, arrays.value)
    head = _HEAD.pack(len(arrays.roots), len(arrays.feature))
    packed = zlib.compress(head + b"".join(_turned(part).tobytes() for part in parts), 9)
    return base64.b64encode(packed).decode()


def unpack_trees(text: str) -> TreeArrays:
    """Read what `pack_trees` wrote.

    Raises:
        BrokenTreesError: it is not that.
    """
    content = _decompressed(text)
    if len(content) < _HEAD.size:
        raise BrokenTreesError("the trees are cut off")
    trees, nodes = _HEAD.unpack_from(content)
    if len(content) != _HEAD.size + 4 * trees + _NODE_BYTES * nodes:
        raise BrokenTreesError("the trees are not as long as they say")
    at = _HEAD.size
    parts: list[array[Any]] = []
    for code, count in (("i", trees), ("h", nodes), ("i", nodes), ("d", nodes), ("d", nodes)):
        part: array[Any] = array(code)
        part.frombytes(content[at : at + count * part.itemsize])
        at += count * part.itemsize
        parts.append(_turned(part))
    roots, feature, left, threshold, value = parts
    return TreeArrays(roots=roots, feature=feature, left=left, threshold=threshold, value=value)


def _decompressed(text: str) -> bytes:
    longest = _HEAD.size + (_NODE_BYTES + 4) * _MAX_NODES
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), longest)
    except (binascii.Error, ValueError, zlib.error):
        raise BrokenTreesError("the trees cannot be unpacked") from None
    if not unpacker.eof or unpacker.unused_data:
        raise BrokenTreesError(f"the trees are cut off, or have more than {_MAX_NODES:,} nodes")
    return content


def _turned(part: "array[Any]") -> "array[Any]":
    """Return a part as it is, or, where the machine is big-endian, its bytes turned."""
    if sys.byteorder == "little":
        return part
    turned = part[:]
    turned.byteswap()
    return turned
