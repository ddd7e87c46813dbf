"""Which checkpoint is this? A digest of a folder's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from openrft.sample import content_id


def fingerprint(folder: Path) -> str:
    """Name, size and content of a checkpoint folder's files.

    Of a weight file over 64 MB only head and tail are read: enough to tell checkpoints apart in seconds.
    """
    parts: list[tuple[str, int, str]] = []
    for file in sorted(folder.iterdir()):
        if file.suffix in {".json", ".safetensors", ".model", ".jinja"}:
            size = file.stat().st_size
            with file.open("rb") as data:
                digest = hashlib.sha256(data.read(32 << 20))
                if size > 64 << 20:
                    data.seek(-(32 << 20), 2)
                digest.update(data.read())
            parts.append((file.name, size, digest.hexdigest()))
    return content_id(parts)
