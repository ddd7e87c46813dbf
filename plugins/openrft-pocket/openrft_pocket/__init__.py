"""The plugin `pocket`: tasks and small models on which the whole method runs on any laptop.

Provides the task family `pocket/...` and the models `pocket` and `pocket/...`. Imports no model code.
"""

from collections.abc import Mapping

from openrft import Plugin, PolicyInfo, hookimpl
from openrft_pocket.models import list_policies
from openrft_pocket.tasks import PocketFamily

__all__ = ["Pocket"]


class Pocket(Plugin):
    """Provides pocket tasks and models."""

    @hookimpl
    def tasks(self) -> PocketFamily:
        return PocketFamily()

    @hookimpl
    def policies(self) -> Mapping[str, PolicyInfo]:
        return list_policies()
