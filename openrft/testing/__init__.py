"""The kit for plugin authors: a toy task, a tiny real checkpoint, a scripted policy, and conformance checks.

    import pytest

    @pytest.mark.openrft_plugin("my-plugin", options={"my_option": "value"})
    def test_conformance(openrft_check):
        openrft_check()

`openrft plugins check my-plugin` makes the same checks. Each name is loaded on first use: pytest imports this package
wherever OpenRFT is installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openrft.testing.check import check_plugin as check_plugin
    from openrft.testing.families import check_family as check_family
    from openrft.testing.loaded import build_options as build_options
    from openrft.testing.loaded import use_plugins as use_plugins
    from openrft.testing.probing import probe_plugin as probe_plugin
    from openrft.testing.tiny_checkpoint import CHAT_TEMPLATE as CHAT_TEMPLATE
    from openrft.testing.tiny_checkpoint import write_tiny_checkpoint as write_tiny_checkpoint
    from openrft.testing.toys import ScriptedPolicy as ScriptedPolicy
    from openrft.testing.toys import toy_rollouts as toy_rollouts
    from openrft.testing.toys import toy_sample as toy_sample
    from openrft.testing.toys import toy_task as toy_task

_HOMES = {
    "check_plugin": "check",
    "check_family": "families",
    "build_options": "loaded",
    "use_plugins": "loaded",
    "probe_plugin": "probing",
    "CHAT_TEMPLATE": "tiny_checkpoint",
    "write_tiny_checkpoint": "tiny_checkpoint",
    "ScriptedPolicy": "toys",
    "toy_rollouts": "toys",
    "toy_sample": "toys",
    "toy_task": "toys",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'openrft.testing' has no attribute {name!r}")
    value = getattr(import_module(f"openrft.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
