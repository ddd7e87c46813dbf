"""How a GGUF file scales the positions of a long context. transformers reads the base of the rotary angles alone, so a
model would answer from wrong positions, and nothing would say so.

Files hold the scaling as metadata (linear, YaRN), or as a tensor of factors of the frequencies (Llama 3.1 and later).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openrft.errors import CheckpointError

if TYPE_CHECKING:
    from gguf import GGUFReader

FACTORS = "rope_freqs.weight"
UNREAD = ("rope_factors_long.weight", "rope_factors_short.weight")  # LongRoPE's
READ_BY_TRANSFORMERS = ("gpt-oss", "gptoss")
# Llama 3.1's, the same in all later ones; only the factor differs. Source: their published config.json.
LLAMA3 = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def read_scaling(reader: GGUFReader, config: Any) -> Mapping[str, Any]:
    """What to add to `config.rope_parameters`; empty for a model without scaling.

    Raises CheckpointError for a scaling that is not known here.
    """
    architecture = reader.fields["general.architecture"].contents()
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    if architecture in READ_BY_TRANSFORMERS:
        return {}
    if FACTORS in tensors:
        return _find_llama3(tensors[FACTORS].data, config)
    values = {name: _read(reader, f"{architecture}.rope.scaling.{name}") for name in ("type", "factor")}
    kind = values["type"]
    if kind in (None, "none") and not any(name in tensors for name in UNREAD):
        return {}
    if kind == "linear" and values["factor"]:
        return {"rope_type": "linear", "factor": float(values["factor"])}
    original = _read(reader, f"{architecture}.rope.scaling.original_context_length")
    if kind == "yarn" and values["factor"] and original:
        return {
            "rope_type": "yarn",
            "factor": float(values["factor"]),
            "original_max_position_embeddings": int(original),
        }
    raise _unknown(str(kind or "LongRoPE"))


def _read(reader: GGUFReader, key: str) -> Any:
    field = reader.fields.get(key)
    return None if field is None else field.contents()


def _find_llama3(factors: Any, config: Any) -> Mapping[str, Any]:
    """Llama 3's scaling, if it gives these factors (head size / 2,). Otherwise it is refused."""
    import copy

    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    given = torch.tensor(factors.copy(), dtype=torch.float32)
    if torch.allclose(given, torch.ones_like(given)):
        return {}
    scaling = {**LLAMA3, "factor": float(given.max())}
    scaled = copy.deepcopy(config)
    scaled.rope_parameters = {**config.rope_parameters, **scaling}
    found, _ = ROPE_INIT_FUNCTIONS["llama3"](scaled, torch.device("cpu"))
    steps = torch.arange(len(given), dtype=torch.float32) / len(given)
    expected = config.rope_parameters["rope_theta"] ** -steps / given
    if found.shape != expected.shape or not torch.allclose(found, expected, rtol=1e-3):
        raise _unknown(f"the factors of {FACTORS}")
    return scaling


def _unknown(kind: str) -> CheckpointError:
    return CheckpointError(
        f"its positions are scaled by {kind}, which is not read from GGUF.",
        "Give a checkpoint folder with safetensors weights.",
    )
