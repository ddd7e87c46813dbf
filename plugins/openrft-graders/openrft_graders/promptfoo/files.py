"""Files of a configuration: YAML and JSON, and those that `file://` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from openrft_graders.faults import refuse


def find_file(reference: str, path: str, folder: Path) -> Path:
    """The file that `file://NAME` means, beside the configuration. Raises UsageError that begins with `path`."""
    file = folder / reference.removeprefix("file://")
    if not file.is_file():
        refuse(path, f"there is no file {file}.", "Name a file beside the configuration.")
    return file


def read_text(file: Path, path: str) -> str:
    """The text of a file. Raises UsageError that begins with `path`."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as fault:
        refuse(path, f"{file} cannot be read: {fault.strerror or fault}.")
    except UnicodeDecodeError:
        refuse(path, f"{file} is no text in UTF-8.")


def read_data(source: Path | str, path: str) -> Any:
    """The value of a YAML or JSON file, or of a text; a date stays the text that it is. Raises UsageError that begins
    with `path`."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
            sign: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    text = read_text(source, path) if isinstance(source, Path) else source
    try:
        return yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError) as fault:
        refuse(path, f"it is neither YAML nor JSON: {str(fault)[:200]}.")
