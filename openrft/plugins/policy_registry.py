"""Find and open the policy that a user names: an included checkpoint, a folder, a hub id, or a server.

pocket, pocket/teacher              a checkpoint that an installed plugin names
./my-checkpoint, org/model          a transformers checkpoint folder or hub id
model.gguf                          a GGUF file, made into a checkpoint folder once
./my-adapter                        a folder with a LoRA adapter, merged into the base model that it names
vllm:pocket, vllm:./my-checkpoint   the same, with vLLM for the rollouts
openai:http://host:8000/v1#model    an OpenAI-compatible server
baseline:longest-option             a rule that answers without a model
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrft.config.settings import ModelSettings, PolicySettings
from openrft.errors import CheckpointError, OpenRFTError, UnknownName, UsageError, first_line
from openrft.plugins import registry
from openrft.plugins.manager import load_plugin_providers
from openrft.policies.checkpoint_files import check_checkpoint, read_adapter_base
from openrft.policies.description import PolicyDescription, read_demonstrations, read_description
from openrft.policies.fit import check_attention, check_fit_on_cpu, check_vllm
from openrft.policies.gguf_checkpoint import convert_gguf, fingerprint_gguf, is_gguf, kept_folder
from openrft.runtime.fingerprint import expand_path, fingerprint_path
from openrft.runtime.gpus import has_gpu_driver
from openrft.types import Demonstration, content_id

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
    if owner not in registry.list_plugins() or expand_path(name).exists():
        return None
    known = load_plugin_providers(owner).policies()
    if name not in known:
        raise UnknownName("checkpoint", name, known)
    return known[name]


def resolve_checkpoint(name: str) -> str:
    """The folder of a plugin's checkpoint. A folder or hub id is returned unchanged.

    Of a GGUF file a checkpoint is made when it is first asked for, and its folder is returned.
    """
    return _prepare(find_checkpoint(name))


def _prepare(found: str) -> str:
    return str(convert_gguf(Path(found))) if is_gguf(Path(found)) else found


def find_checkpoint(name: str) -> str:
    """Like `resolve_checkpoint`, but a GGUF file is returned as it is."""
    found = find_named_checkpoint(name)
    if found:
        if found.install and not Path(found.path).exists():
            raise CheckpointError(f"the weights of {name} are not installed.", found.install)
        return found.path
    path = expand_path(name)
    if name and path.exists():
        return str(path) if name.startswith("~") else name
    if not HUB_ID.fullmatch(name):
        raise CheckpointError(
            f"{name!r} is neither a folder, nor a hub id (org/model), nor a checkpoint of an installed plugin"
            f" ({', '.join(_list_checkpoint_owners())}).",
            "Check the path.",
        )
    return name


def _list_checkpoint_owners() -> list[str]:
    """The installed plugins that bring checkpoints. A broken one is left out."""
    found = []
    for name in registry.list_plugins():
        with contextlib.suppress(OpenRFTError):
            found += [name] if "policies" in registry.load_declaration(name).hooks else []
    return sorted(found)


def find_kept_checkpoint(name: str) -> str:
    """The folder or hub id of the weights that `name` refers to, without making or loading anything: an adapter's base
    model, and of a GGUF file the checkpoint that was made of it. Raises CheckpointError if none was made yet."""
    found, _ = resolve_adapter(name)
    if not is_gguf(Path(found)):
        return found
    folder = kept_folder(Path(found))
    if not folder.is_dir():
        raise CheckpointError(f"no checkpoint has been made of {found} yet.", "Its first use makes one.")
    return str(folder)


def describe_policy(spec: str) -> PolicyDescription | None:
    """What a policy that OpenRFT trained knows about itself; None for any other. Raises CheckpointError."""
    folder = find_policy_folder(spec)
    return read_description(folder) if folder.is_dir() else None


def find_policy_folder(spec: str) -> Path:
    """The folder of a policy's description: its folder, or that of its GGUF file."""
    path = expand_path(spec.removeprefix(VLLM_PREFIX))
    return path.parent if path.is_file() and is_gguf(path) else path


def read_policy_demonstrations(spec: str) -> list[Demonstration]:
    """The demonstrations that the policy was trained with; empty for a policy without any. Raises CheckpointError."""
    about = describe_policy(spec)
    return read_demonstrations(find_policy_folder(spec)) if about and about.demonstrations else []


def recommend_settings(spec: str) -> Mapping[str, Mapping[str, Any]]:
    """Settings that suit the policy, by stage or plugin: those that its plugin recommends, or with which it was
    evaluated after its training."""
    about = describe_policy(spec)
    if about is not None:
        return about.settings
    found = find_named_checkpoint(spec)
    return found.recommended if found else {}


def resolve_adapter(name: str) -> tuple[str, Path | None]:
    """Like `find_checkpoint`. For an adapter's folder: its base model, and the folder.

    Raises CheckpointError for an adapter whose base is not found.
    """
    path = find_checkpoint(name)
    base = read_adapter_base(Path(path))
    if base is None:
        return path, None
    advice = "Write the base model's path into base_model_name_or_path in its adapter_config.json."
    try:
        found = find_checkpoint(base)
    except OpenRFTError as fault:
        raise CheckpointError(
            f"the adapter {path} needs the base model {base!r}, which is not here.", advice
        ) from fault
    if read_adapter_base(Path(found)) is not None:
        raise CheckpointError(f"the base model of the adapter {path} is an adapter itself: {found}.", advice)
    return found, Path(path)


def _strip_vllm(spec: str) -> str:
    name = spec.removeprefix(VLLM_PREFIX)
    if not name or ":" in name:
        raise UsageError(
            f"{spec!r} names no checkpoint.", "After vllm: comes a checkpoint folder, a hub id or an included model."
        )
    return name


def open_policy(
    spec: str, task: Task | None = None, settings: PolicySettings | None = None, owner: str = "policy"
) -> Policy:
    """Load the policy that `spec` names. A baseline needs the task that it will answer. `settings` are a run's
    settings of its policy; without them the defaults are used. A plugin that loads a model of its own gives its name as
    `owner`, for messages.

    Raises CheckpointError, UnknownName, UsageError or PolicyError.
    """
    settings = settings or PolicySettings()
    if spec.startswith("baseline:"):
        from openrft.baselines.policy import BaselinePolicy

        return BaselinePolicy(spec, task)
    if spec.startswith("openai:"):
        from openrft.policies.openai import OpenAIPolicy

        check_thinking(spec, settings)
        return OpenAIPolicy(spec, thinking=settings.thinking)
    from openrft.policies.placement import use_deterministic_kernels

    if owner == "policy":  # for the whole process, so that the models of plugins have no say in it
        use_deterministic_kernels(settings.deterministic)
    if spec.startswith(VLLM_PREFIX):
        from openrft.policies.vllm import open_vllm

        check_files(spec)
        path, adapter = resolve_adapter(_strip_vllm(spec))
        return open_vllm(_prepare(path), adapter, settings)
    from openrft.policies.hf import HFPolicy

    check_files(spec)
    path, adapter = resolve_adapter(spec)
    return HFPolicy(_prepare(path), adapter=adapter, settings=settings, owner=owner)


@functools.cache
def check_thinking(spec: str, settings: PolicySettings) -> None:
    """Raises UsageError for a policy that cannot think as it is asked to, before anything runs. Reads no weights.

    A server cannot be asked before it is used.
    """
    if spec.startswith("baseline:") or (settings.thinking == "auto" and settings.thinking_budget is None):
        return
    if spec.startswith("openai:"):
        if settings.thinking_budget is not None:
            raise UsageError(
                f"policy.thinking_budget is set, and the tokens of {spec} are drawn by a server.",
                "Leave it out, or give a checkpoint folder or hub id.",
            )
        return
    from openrft.policies.checkpoint_files import load_tokenizer
    from openrft.policies.plain_prompt import open_prompts

    path, adapter = resolve_adapter(_strip_vllm(spec) if spec.startswith(VLLM_PREFIX) else spec)
    path = _prepare(path)
    try:
        tokenizer = load_tokenizer(path, adapter, settings.date)
    except Exception as fault:
        raise CheckpointError(f"cannot load the tokenizer of {path!r}: {first_line(fault)}") from fault
    open_prompts(tokenizer, path, (), settings)


def check_engine(spec: str) -> None:
    """Raises UsageError for `vllm:MODEL` where vLLM is not installed."""
    if spec.startswith(VLLM_PREFIX):
        check_vllm(spec.removeprefix(VLLM_PREFIX))


def check_files(spec: str) -> None:
    """Raises CheckpointError for a model whose folder is not whole, and UsageError or UnknownName for a name that means
    nothing. Reads no weights. What a hub id or a server lacks is seen when it is used."""
    if spec.startswith(("baseline:", "openai:")):
        return
    path, adapter = resolve_adapter(_strip_vllm(spec) if spec.startswith(VLLM_PREFIX) else spec)
    if Path(path).is_dir():
        check_checkpoint(Path(path), adapter)
    elif Path(path).exists() and not is_gguf(Path(path)):
        raise CheckpointError(f"{path} is neither a folder nor a GGUF file.", "Give the folder that holds config.json.")


def check_placement(spec: str, settings: ModelSettings, owner: str = "policy") -> None:
    """Raises UsageError for a device or a package that a model asks for and that is not here, and for weights that do
    not fit into this machine's memory, before anything runs. What a GPU has free is seen when the model is loaded.

    owner: whose settings they are, such as "policy" or "teacher", for messages.
    """
    if spec.startswith(("baseline:", "openai:")):
        return
    check_engine(spec)
    check_attention(settings, owner)
    if settings.load != "full" or settings.device not in ("auto", "cpu"):
        from openrft.policies.placement import check_settings

        check_settings(settings, owner)
    if settings.device == "cpu" or (settings.device == "auto" and not has_gpu_driver()):
        path, _ = resolve_adapter(spec.removeprefix(VLLM_PREFIX))
        check_fit_on_cpu(path, settings, owner)


def find_placement_faults(spec: str, settings: ModelSettings, owner: str) -> list[str]:
    """What `check_placement` refuses, as a plugin's hook `check_job` gives it; empty if nothing is wrong. A model that
    is not there is refused where it is named, and not here."""
    try:
        check_placement(spec, settings, owner)
    except UsageError as fault:
        return [str(fault)]
    except CheckpointError:
        return []
    return []


def needs_gpu(spec: str, settings: PolicySettings) -> bool:
    """Whether the policy would be put on a GPU where there is one. Reads no weights."""
    if spec.startswith(("baseline:", "openai:")) or settings.device == "cpu":
        return False
    if spec.startswith(VLLM_PREFIX) or settings.device != "auto":
        return True
    from openrft.policies.placement import SMALL_MODEL, count_parameters

    return count_parameters(_prepare(resolve_adapter(spec)[0])) >= SMALL_MODEL


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
    name, adapter = resolve_adapter(spec)
    base = _fingerprint_base(name)
    return base if adapter is None else content_id("adapter", base, fingerprint_path(adapter))


def _fingerprint_base(found: str) -> str:
    if is_gguf(Path(found)):
        return fingerprint_gguf(Path(found))
    return fingerprint_path(Path(found)) if Path(found).exists() else found
