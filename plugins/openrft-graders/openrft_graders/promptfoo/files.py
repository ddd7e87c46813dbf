"""Files of a configuration: YAML and JSON, and those that `file://` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openrft_graders.faults import refuse


def find_file(reference: str, path: str, folder: Path) -> Path:
    """The file that `file://NAME` means, beside the configuration. Raises UsageError that begins with `path`."""
    file = folder / reference.removeprefix("file://")
    if not file.is_file():
        refuse(path, f"there is no file {file}.", "Name a file beside the configuration.")
    return file


def read_data(source: Path | str, path: str) -> Any:
    """The value of a YAML or JSON file, or of a text. Raises UsageError that begins with `path`."""
    import yaml  # type: ignore[import-untyped]

    try:
        return yaml.safe_load(source.read_text("utf-8-sig") if isinstance(source, Path) else source)
    except OSError as fault:
        refuse(path, f"it cannot be read: {fault.strerror or fault}.")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as fault:
        refuse(path, f"it is neither YAML nor JSON: {str(fault)[:200]}.")
