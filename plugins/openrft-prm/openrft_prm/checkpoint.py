"""A checkpoint folder by its config and the headers of its safetensors files, before any weight is loaded.

Knows what a whole checkpoint looks like and says what is missing from a broken one. Never reads pickled
weights and never runs code that lies beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrft import CheckpointError

if TYPE_CHECKING:
    import torch

_WANTED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")  # what a scorer needs from a hub repository


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a folder holds."""

    folder: Path
    config: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]  # of every tensor, by name
    files: dict[str, Path]  # the file each tensor lies in

    @staticmethod
    def open(name: str) -> Checkpoint:
        """Read a local folder or a hub id (fetched once). Raises CheckpointError that says what is wrong."""
        folder = Path(name).expanduser()
        if not folder.exists():
            folder = _fetch(name)
        if not folder.is_dir():
            raise CheckpointError(f"{name} is not a folder.", "Name the folder that holds config.json.")
        config = _json(folder / "config.json")
        shapes: dict[str, tuple[int, ...]] = {}
        files: dict[str, Path] = {}
        for file in _weight_files(folder):
            for tensor, shape in _header(file).items():
                shapes[tensor], files[tensor] = shape, file
        _check_index(folder, shapes)
        return Checkpoint(folder, config, shapes, files)

    def tensor(self, name: str) -> torch.Tensor:
        """One tensor as float32."""
        from safetensors import safe_open

        with safe_open(self.files[name], "pt") as weights:
            return weights.get_tensor(name).float()

    def rows(self, name: str, rows: Sequence[int]) -> torch.Tensor:
        """Some rows of a matrix as float32, without loading the others. (len(rows), columns)"""
        import torch
        from safetensors import safe_open

        with safe_open(self.files[name], "pt") as weights:
            matrix = weights.get_slice(name)
            return torch.cat([matrix[row : row + 1] for row in rows]).float()

    def fingerprint(self) -> str:
        """16 hex digits that change with the content: config, headers and 64 blocks spread over each file."""
        digest = hashlib.sha256(json.dumps(self.config, sort_keys=True).encode())
        for file in sorted(set(self.files.values())):
            size = file.stat().st_size
            with file.open("rb") as data:
                for i in range(64):
                    data.seek(size * i // 64)
                    digest.update(data.read(65536))
            digest.update(str(size).encode())
        return digest.hexdigest()[:16]


def _fetch(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except Exception as fault:
        raise CheckpointError(
            f"{name!r} is not a local folder, and the hub did not give it ({type(fault).__name__}).",
            "Give the path of a downloaded checkpoint, or try again online.",
        ) from fault


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise CheckpointError(f"{file} cannot be read ({fault}).", "Copy or download the checkpoint again.") from fault
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} is not a JSON object.", "Copy or download the checkpoint again.")
    return content


def _weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    pickled = sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
    if pickled:
        raise CheckpointError(
            f"{folder} holds only pickled weights ({pickled[0].name}), which can run code when opened.",
            "Convert them to safetensors where you trust them: model.save_pretrained(FOLDER).",
        )
    raise CheckpointError(f"{folder} holds no *.safetensors file.", "Copy or download the checkpoint again.")


def _header(file: Path) -> dict[str, tuple[int, ...]]:
    """Tensor shapes of one file. The format: 8 bytes length, JSON of that length, then the tensors' bytes."""
    size = file.stat().st_size
    with file.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        header = data.read(length) if length <= size else b""
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        shapes = {name: tuple(entry["shape"]) for name, entry in entries.items()}
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (ValueError, AttributeError, KeyError, TypeError) as fault:
        raise CheckpointError(
            f"{file} is not a safetensors file: its header cannot be read.", "Copy or download it again."
        ) from fault
    if size != 8 + length + end:
        raise CheckpointError(
            f"{file} is truncated: {8 + length + end:,} bytes expected, {size:,} found.",
            "Copy or download it again.",
        )
    return shapes


def _check_index(folder: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    index = folder / "model.safetensors.index.json"
    if not os.path.exists(index):
        return
    missing = sorted(set(_json(index).get("weight_map", {})) - set(shapes))
    if missing:
        raise CheckpointError(
            f"{folder} lacks {len(missing)} tensors that its index names, {missing[0]} among them.",
            "A shard is missing: copy or download the checkpoint again.",
        )
