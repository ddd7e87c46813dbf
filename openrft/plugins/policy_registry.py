"""Find and open the policy that a user names: an included checkpoint, a folder, a hub id, or a server.

pocket, pocket/teacher              a checkpoint that an installed plugin names
./my-checkpoint, org/model          a transformers checkpoint folder or hub id
vllm:pocket, vllm:./my-checkpoint   the same, with vLLM for the rollouts
openai:http://host:8000/v1#model    an OpenAI-compatible server
baseline:longest-option             a rule that answers without a model
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from openrft.errors import CheckpointError, UnknownName, UsageError
from openrft.plugins.manager import load_plugin_providers
from openrft.plugins.registry import list_plugins
from openrft.runtime.fingerprint import expand_path, fingerprint_path

if TYPE_CHECKING:
    from openrft.plugins.hookspecs import PolicyInfo
    from openrft.policies.base import Policy
    from openrft.tasks.task import Task

VLLM_PREFIX = "vllm:"
HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[\w.-]+", re.ASCII)


def find_named_checkpoint(name: str) -> PolicyInfo | None:
    """The checkpoint that an installed plugin provides under this name; None if no plugin has the name's first part."""
    name = name.removeprefix(VLLM_PREFIX)
    owner = name.split("/")[0]
    if owner not in list_plugins() or expand_path(name).exists():
        return None
    known = load_plugin_providers(owner).policies()
    if name not in known:
        raise UnknownName("checkpoint", name, known)
    return known[name]


def resolve_checkpoint(name: str) -> str:
    """The folder of a plugin's checkpoint. A folder or hub id is returned unchanged."""
    found = find_named_checkpoint(name)
    if found:
        return found.path
    path = expand_path(name)
    if name and path.exists():
        return str(path) if name.startswith("~") else name
    if not HUB_ID.fullmatch(name):
        raise CheckpointError(
            f"{name!r} is neither a folder, nor a hub id (org/model), nor a checkpoint of an installed plugin"
            f" ({', '.join(sorted(list_plugins()))}).",
            "Check the path.",
        )
    return name


def _strip_vllm(spec: str) -> str:
    name = spec.removeprefix(VLLM_PREFIX)
    if not name or ":" in name:
        raise UsageError(
            f"{spec!r} names no checkpoint.", "After vllm: comes a checkpoint folder, a hub id or an included model."
        )
    return name


def open_policy(spec: str, task: Task | None = None) -> Policy:
    """Load the policy that `spec` names. A baseline needs the task that it will answer.

    Raises CheckpointError, UnknownName, UsageError or PolicyError.
    """
    if spec.startswith("baseline:"):
        from openrft.baselines.policy import BaselinePolicy

        return BaselinePolicy(spec, task)
    if spec.startswith("openai:"):
        from openrft.policies.openai import OpenAIPolicy

        return OpenAIPolicy(spec)
    if spec.startswith(VLLM_PREFIX):
        from openrft.policies.vllm import open_vllm

        return open_vllm(resolve_checkpoint(_strip_vllm(spec)))
    from openrft.policies.hf import HFPolicy

    return HFPolicy(resolve_checkpoint(spec))


def fingerprint_policy(spec: str, task: Task | None = None) -> str:
    """A text that changes whenever the policy does, made without loading it: the content of a folder, the hub id or
    server, or the rule and the train split of a baseline."""
    if spec.startswith("baseline:"):
        from openrft.baselines.policy import identify_baseline

        return identify_baseline(spec, task)
    if spec.startswith("openai:"):
        from openrft.policies.openai import parse_address

        parse_address(spec)
        return spec
    if spec.startswith(VLLM_PREFIX):
        return VLLM_PREFIX + fingerprint_policy(_strip_vllm(spec))
    path = Path(resolve_checkpoint(spec))
    return fingerprint_path(path) if path.exists() else spec
