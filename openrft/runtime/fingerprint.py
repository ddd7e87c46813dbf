"""Which checkpoint is this? A digest of a folder's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from openrft.types import content_id

WHOLE = 64 << 20  # bytes of a file that are read, all of them or in PIECES spread evenly
PIECES = 64


def fingerprint_folder(folder: Path) -> str:
    """Name, size and content of a checkpoint folder's files.

    Of a file over 64 MB only pieces from its first byte to its last are read: enough to tell checkpoints apart in
    seconds. They are spread because training may leave whole stretches as they were, embeddings and attention say.
    """
    parts: list[tuple[str, int, str]] = []
    for file in sorted(folder.iterdir()):
        if file.suffix in {".json", ".safetensors", ".model", ".jinja"}:
            size = file.stat().st_size
            digest = hashlib.sha256()
            with file.open("rb") as data:
                for start, length in _pieces(size):
                    data.seek(start)
                    digest.update(data.read(length))
            parts.append((file.name, size, digest.hexdigest()))
    return content_id(parts)


def _pieces(size: int) -> list[tuple[int, int]]:
    """(start, length) of what is read of a file of this size."""
    if size <= WHOLE:
        return [(0, size)]
    length = WHOLE // PIECES
    return [(i * (size - length) // (PIECES - 1), length) for i in range(PIECES)]
