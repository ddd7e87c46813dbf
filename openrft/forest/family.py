"""Which models the forward passes of our own fit: the Llama family, whose layers are called one by one."""

from __future__ import annotations

from typing import Any

FAMILY = {"llama", "mistral", "qwen2", "qwen3"}  # their layers differ in biases and norms only, which modules hold
ROTARY = {"default", "linear", "llama3", "yarn"}  # angles that do not depend on how long the sequence has become


def readable(config: Any) -> bool:
    """Whether a forward pass through the layers of a model with this config, one after the other, is the model's."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = getattr(config, "layer_types", None) or ()
    return (
        config.model_type in FAMILY
        and rope.get("rope_type", "default") in ROTARY
        and not getattr(config, "sliding_window", None)
        and all(kind == "full_attention" for kind in kinds)
    )
