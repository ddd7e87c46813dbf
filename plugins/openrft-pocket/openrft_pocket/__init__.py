"""Pocket: tasks and small models on which the whole method runs on any laptop. The plugin `pocket`.

Provides the task family `pocket/...` and the checkpoints `pocket` and its kin. Imports no model code.
"""

from collections.abc import Mapping

from openrft import PolicyInfo, hookimpl
from openrft_pocket.family import PocketFamily
from openrft_pocket.shelf import shelf

__all__ = ["Pocket"]


class Pocket:
    """Provides pocket tasks and checkpoints."""

    @hookimpl
    def tasks(self) -> PocketFamily:
        return PocketFamily()

    @hookimpl
    def policies(self) -> Mapping[str, PolicyInfo]:
        return shelf()
