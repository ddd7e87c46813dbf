"""Tokenizer and trunk of a checkpoint: checked by the headers of its weights, and loaded.

Both go through transformers' own loader, which alone knows how names in files become names in a model.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from openrft import CheckpointError
from openrft_prm.checkpoint import Checkpoint

_ITS_OWN = "Take the config.json published with the weights."


# Weights of another shape are reported rather than raised, so that they are refused in our words.
_REPORTING = {"output_loading_info": True, "ignore_mismatched_sizes": True}


def load(checkpoint: Checkpoint, dtype: torch.dtype) -> tuple[Any, Any]:
    """Tokenizer and trunk of a checkpoint, float weights as `dtype`. Raises CheckpointError for an incomplete one."""
    tokenizer, _ = _described(checkpoint)
    with _loading(checkpoint):
        trunk, report = AutoModel.from_pretrained(
            checkpoint.folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, **_REPORTING
        )
    _refuse_unlike(checkpoint, trunk, report)
    return tokenizer, trunk


def check(checkpoint: Checkpoint) -> Any:
    """The tokenizer of a checkpoint that `load` takes; raises what `load` would, without reading any weight.

    The loader gets tensors of the headers' names and shapes that have no content (torch's meta device).
    """
    tokenizer, config = _described(checkpoint)
    if getattr(config, "quantization_config", None):
        return tokenizer  # packed weights have other shapes than the model's: only loading them tells
    with _loading(checkpoint):
        with torch.device("meta"):
            kind = type(AutoModel.from_config(config, trust_remote_code=False))
        weights = {name: torch.empty(shape, device="meta") for name, shape in checkpoint.shapes.items()}
        trunk, report = kind.from_pretrained(None, config=config, state_dict=weights, device_map="meta", **_REPORTING)
    _refuse_unlike(checkpoint, trunk, report)
    return tokenizer


def _described(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Tokenizer and config, which must fit each other."""
    with _loading(checkpoint):
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False)
        config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
    # Without its files some tokenizers are made all the same, with an empty vocabulary.
    if not tokenizer.encode("\n", add_special_tokens=False):
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} has no token for the end of a line, one expected"
            f" (it knows {len(tokenizer)} tokens).",
            "Copy the tokenizer published with the model, tokenizer.json above all, into the folder.",
        )
    known = getattr(config, "vocab_size", None)
    if known and tokenizer.vocab_size > known:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} knows {tokenizer.vocab_size} tokens, the model {known}.",
            "Take the tokenizer published with the model.",
        )
    return tokenizer, config


def _refuse_unlike(checkpoint: Checkpoint, trunk: Any, report: Mapping[str, Any]) -> None:
    """Refuse weights that are not those that the config describes."""
    missing = sorted(report["missing_keys"])
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} lacks {len(missing)} weights of its trunk, {missing[0]} among them.",
            "Copy or download the checkpoint again.",
        )
    others = sorted(report["mismatched_keys"])
    if others:
        name, found, wanted = others[0]
        raise CheckpointError(
            f"{checkpoint.folder} has {len(others)} weights of other shapes than its config says, {name} among them:"
            f" {list(wanted)} expected, {list(found)} found.",
            _ITS_OWN,
        )
    # The heads are left over, as they should be; a layer that is left over was cut off by the config.
    parts = {name.split(".")[0] for name in trunk.state_dict()}
    prefix = f"{trunk.base_model_prefix}."
    left = sorted(name for name in report["unexpected_keys"] if name.removeprefix(prefix).split(".")[0] in parts)
    if left:
        raise CheckpointError(
            f"{checkpoint.folder} has {len(left)} weights in its trunk that its config has no place for, {left[0]}"
            f" among them (num_hidden_layers is {getattr(trunk.config, 'num_hidden_layers', 'not said')}).",
            _ITS_OWN,
        )


@contextmanager
def _loading(checkpoint: Checkpoint) -> Iterator[None]:
    """Whatever the loader raises becomes one line."""
    try:
        with _quiet():
            yield
    except Exception as fault:
        reason = textwrap.shorten(str(fault), 240, placeholder=" ...") or type(fault).__name__
        raise CheckpointError(
            f"{checkpoint.folder} cannot be loaded: {reason}",
            "Give a whole transformers checkpoint: config, tokenizer and safetensors weights.",
        ) from fault


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers warns of every head that a trunk does not need; here that is intended."""
    level, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bar:
            transformers_logging.enable_progress_bar()
