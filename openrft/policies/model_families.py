"""What differs between families of models: the class that loads them, and the layers that get an adapter."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from openrft.errors import CheckpointError, first_line
from openrft.policies.generation.own_cache import check_own_cache, needs_own_cache


def choose_model_class(path: str) -> Any:
    """The class of transformers that loads the model in `path` with a head over the vocabulary.

    A model that also reads images is loaded whole, so that it can be saved again, and is asked in text alone.
    """
    config = AutoConfig.from_pretrained(path)
    multimodal = config.get_text_config(decoder=True) is not config
    if not multimodal:  # asked first: the mapping's keys() import every family of transformers, which takes seconds
        return AutoModelForCausalLM
    known = type(config) in AutoModelForImageTextToText._model_mapping.keys()  # noqa: SIM118  # not a dict
    return AutoModelForImageTextToText if known else AutoModelForCausalLM


def check_sampling(model: Any, path: str) -> None:
    """Try a model that manages its cache itself. Raises CheckpointError if it cannot be sampled row by row."""
    if not needs_own_cache(model.config):
        return
    try:
        check_own_cache(model)
    except Exception as fault:  # any model may raise anything
        raise CheckpointError(
            f"{path!r}, a model of the kind {model.config.model_type}, cannot be sampled here: {first_line(fault)}.",
            "Serve it and give openai:URL#MODEL. Then it can be evaluated and teach, but not be trained.",
        ) from fault


# PEFT's names of the families whose fused kernels read a layer's weight past its adapter.
FUSED_FAMILIES = {"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"}


def find_layers_without_adapter(model: Any) -> list[str]:
    """The linear layers that get no adapter: those outside the text part, and those that a recurrent layer's fused
    kernel reads past their adapter (out_proj)."""
    if not needs_own_cache(model.config):
        return []
    inside, fused = set(model.get_decoder().modules()), model.config.model_type in FUSED_FAMILIES
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and (module not in inside or (fused and name.endswith("out_proj")))
        and module is not model.get_output_embeddings()  # which PEFT leaves out by itself
    ]
