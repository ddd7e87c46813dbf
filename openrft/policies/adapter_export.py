"""One LoRA adapter from the adapters of successive stages, in PEFT's format.

Each stage trains an adapter on the weights that the stages before it left: W + s1 B1 A1 + s2 B2 A2 + ... That sum is
one adapter of rank r1 + r2 + ...: the A are stacked, and the B, each times its scale s = alpha / r, are concatenated.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrft.errors import UsageError
from openrft.policies.checkpoint_files import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from openrft.policies.export import Companions, save_tokenizer, write_companions, write_folder

A, B = ".lora_A.weight", ".lora_B.weight"


def export_adapter(adapters: Sequence[Path], base: str, policy: Any, folder: Path, companions: Companions) -> None:
    """Write one adapter for `base` (a folder or hub id) that has the effect of all `adapters`, in order.

    Raises UsageError for an arm that trained nothing, or a folder that holds anything.
    """
    if not adapters:
        raise UsageError("this arm trained no adapter.", "Leave out --adapter, or export an arm that trains.")
    from safetensors.torch import save_file

    weights, config = combine_adapters(adapters)
    with write_folder(folder) as aside:
        save_file(weights, aside / ADAPTER_WEIGHTS, metadata={"format": "pt"})
        row = {**config, "base_model_name_or_path": base, "inference_mode": True}
        (aside / ADAPTER_CONFIG).write_text(json.dumps(row, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        save_tokenizer(policy, aside, companions.description.instruction)
        write_companions(aside, companions)


def combine_adapters(adapters: Sequence[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of the one adapter, by name, and its configuration. A single adapter is kept as it is."""
    import torch
    from safetensors.torch import load_file

    configs = [json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8")) for folder in adapters]
    parts = [load_file(folder / ADAPTER_WEIGHTS) for folder in adapters]
    if len(adapters) == 1:
        return parts[0], configs[0]
    layers = sorted({name.removesuffix(A) for part in parts for name in part if name.endswith(A)})
    ranks = [config["r"] for config in configs]
    weights: dict[str, Any] = {}
    for layer in layers:
        stacked, side_by_side = [], []
        like = next(part for part in parts if layer + A in part)
        for part, config, rank in zip(parts, configs, ranks, strict=True):
            scale = config["lora_alpha"] / rank
            a, b = part.get(layer + A), part.get(layer + B)
            if a is None or b is None:  # a stage that did not adapt this layer
                a = torch.zeros(rank, like[layer + A].shape[1], dtype=like[layer + A].dtype)
                b = torch.zeros(like[layer + B].shape[0], rank, dtype=like[layer + B].dtype)
            stacked.append(a)
            side_by_side.append((scale * b.float()).to(b.dtype))
        weights[layer + A] = torch.cat(stacked, dim=0).contiguous()
        weights[layer + B] = torch.cat(side_by_side, dim=1).contiguous()
    targets = sorted({target for config in configs for target in config["target_modules"]})
    return weights, {**configs[0], "r": sum(ranks), "lora_alpha": sum(ranks), "target_modules": targets}
