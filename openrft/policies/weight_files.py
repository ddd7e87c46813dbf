"""The safetensors files of a checkpoint folder: their headers, and whether they are whole. No weight is read.

Copies and downloads that were cut short are the usual fault of a checkpoint. The header of a file says how long the
file must be, and the index of a sharded checkpoint says which tensors lie in which file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from openrft.errors import CheckpointError

WEIGHTS, WEIGHT_INDEX = "model.safetensors", "model.safetensors.index.json"
COPY_AGAIN = "Copy or download the checkpoint again."
_LENGTH = 8  # bytes: the header's own length comes first
_POINTER = b"version https://git-lfs"


def check_weight_files(folder: Path) -> None:
    """Raises CheckpointError for a weight file that is cut short, and for an index whose shards are not all there.
    Weights in other files are not looked at."""
    if (file := folder / WEIGHTS).is_file():
        read_header(file)
    elif (index := folder / WEIGHT_INDEX).is_file():
        _check_shards(index)


def has_weights(folder: Path) -> bool:
    """Whether the folder has weights that transformers reads: one file, or an index."""
    return (folder / WEIGHTS).is_file() or (folder / WEIGHT_INDEX).is_file()


def read_header(file: Path) -> dict[str, Any]:
    """What is said of each tensor, by name. Raises CheckpointError for a file that is no whole safetensors file."""
    try:
        size = file.stat().st_size
        with file.open("rb") as data:
            begin = data.read(_LENGTH)
            length = int.from_bytes(begin, "little")
            text = data.read(length) if length <= size else b""
            pointer = begin + data.read(len(_POINTER)) if size < 1024 else b""
    except OSError as fault:
        raise CheckpointError(f"{file} cannot be read ({fault.strerror}).", COPY_AGAIN) from fault
    if pointer.startswith(_POINTER):
        raise CheckpointError(f"{file} is a pointer of Git LFS, not the weights.", "Run git lfs pull in its folder.")
    try:
        header = json.loads(text)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = _LENGTH + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        shapes = [math.prod(entry["shape"]) for entry in tensors.values()]
        good = all(isinstance(value, int) for value in (end, *shapes))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        good = False
    if not good:
        raise CheckpointError(f"{file} is not a whole safetensors file ({size:,} bytes).", COPY_AGAIN)
    if size < end:
        raise CheckpointError(f"{file} is cut short: it has {size:,} of {end:,} bytes.", COPY_AGAIN)
    return tensors


def count_stored_weights(folder: Path) -> int | None:
    """The numbers in the folder's safetensors files, from their headers; None if there are none that can be read."""
    try:
        headers = [read_header(file) for file in folder.glob("*.safetensors")]
    except CheckpointError:
        return None  # loading says what is wrong with it
    return sum(math.prod(entry["shape"]) for header in headers for entry in header.values()) or None


def _check_shards(index: Path) -> None:
    try:
        places = dict(json.loads(index.read_text("utf-8"))["weight_map"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise CheckpointError(f"{index} is not a whole index of weights.", COPY_AGAIN) from fault
    shards = sorted({str(name) for name in places.values()})
    if missing := [name for name in shards if not (index.parent / name).is_file()]:
        raise CheckpointError(
            f"{index.parent} lacks {len(missing)} of the {len(shards)} weight files that its index names,"
            f" {missing[0]} among them.",
            COPY_AGAIN,
        )
    stored = {(tensor, name) for name in shards for tensor in read_header(index.parent / name)}
    if lost := sorted(tensor for tensor, name in places.items() if (tensor, str(name)) not in stored):
        raise CheckpointError(
            f"{index.parent} lacks {len(lost)} tensors that its index names, {lost[0]} among them.", COPY_AGAIN
        )
