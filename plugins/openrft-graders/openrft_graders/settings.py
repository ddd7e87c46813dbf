"""What a user sets beside a grader's JSON, and what all its graders share: opened policies and the sandbox."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field

import openrft
from openrft import UsageError
from openrft_graders.model_graders import SharedPolicy
from openrft_graders.sandbox.client import Limits, SandboxPool


@dataclass(frozen=True, slots=True)
class GraderSettings:
    """What a user sets beside the grader's own JSON. Errors name these as options of `plugin`."""

    plugin: str = "graders"
    judge: str | None = None  # the policy that is asked in place of every model
    embedder: str = "minilm"
    synonyms: bool = True
    isolated: bool = True
    seconds: float = 120.0
    memory: int = 2048  # MiB
    pass_threshold: float | None = None
    invalid_grade: float | None = None
    policies: dict[str, SharedPolicy] = field(default_factory=dict, compare=False)  # opened, by spec
    pools: list[SandboxPool] = field(default_factory=list, compare=False)


def open_pool(settings: GraderSettings) -> SandboxPool:
    """The sandbox that runs Python, one for all graders. Raises UsageError where the system cannot isolate it."""
    if not settings.pools:
        pool = SandboxPool(Limits(settings.seconds, settings.memory << 20, settings.isolated))
        try:
            pool.check()
        except UsageError as fault:
            fault.advice = fault.advice.replace("sandbox=", f"{settings.plugin}.sandbox=")
            raise
        settings.pools.append(pool)
    return settings.pools[0]


def share_policy(spec: str, settings: GraderSettings) -> SharedPolicy:
    """The policy of this name, one for all graders. Raises OpenRFTError for one that cannot exist."""
    if spec not in settings.policies:
        check_policy(spec)
        settings.policies[spec] = SharedPolicy(spec)
    return settings.policies[spec]


def check_policy(spec: str) -> None:
    """Refuse a policy that cannot be opened here, without loading its weights. Raises OpenRFTError."""
    if spec.startswith(("openai:", "baseline:")):
        openrft.open_policy(spec)
        return
    if spec.startswith("vllm:") and importlib.util.find_spec("vllm") is None:
        raise UsageError(
            f"{spec} needs vLLM, which is not installed.",
            "Install it (pip install vllm), name the checkpoint without vllm:, or ask a server of vLLM as"
            " openai:http://127.0.0.1:8000/v1#model.",
        )
    openrft.resolve_checkpoint(spec.removeprefix("vllm:"))
