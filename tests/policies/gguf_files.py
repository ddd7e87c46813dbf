"""Tiny GGUF files: a Llama of random weights, and the checkpoint folder that holds the same model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

LAYERS, HEADS, WIDTH, HIDDEN, CONTEXT = 2, 2, 32, 64, 256
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
MERGES = ["a t", "Ġ c", "Ġc at"]
TOKENS = ["<pad>", "<end>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "at", "Ġc", "Ġcat"]
NAMES = {  # of a layer's weights: in transformers and in the file
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
Quantization = gguf.GGMLQuantizationType


def tiny_llama(seed: int = 0, **scaling: Any) -> LlamaForCausalLM:
    """A model whose answers depend on its prompt: the weights are larger than at the start of a training. `scaling` is
    that of its positions."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=WIDTH,
        intermediate_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, **scaling},
        rms_norm_eps=1e-5,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config).eval()


def write_gguf(
    path: Path,
    model: LlamaForCausalLM,
    kind: Quantization = Quantization.F32,
    architecture: str = "llama",
    tokens: list[str] | None = TOKENS,
    pre: str = "default",
    more: Mapping[str, int] | None = None,
    keep: Callable[[str], bool] = lambda name: True,
    rope_factors: np.ndarray[Any, Any] | None = None,
    scaling: str | None = None,
) -> Path:
    """Write the model as llama.cpp's converter would. `keep` chooses the tensors, `more` are further integers,
    `scaling` is a kind with the factor 4 and 64 positions before it."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    for key, number in (more or {}).items():
        writer.add_uint32(key, number)
    if scaling is not None:
        writer.add_string(f"{architecture}.rope.scaling.type", scaling)
        writer.add_rope_scaling_factor(4.0)
        writer.add_rope_scaling_orig_ctx_len(64)
    if tokens is not None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(tokens)
        writer.add_token_types([3 if token in TOKENS[:2] else 1 for token in tokens])  # 3: a control token
        writer.add_token_merges(MERGES)
        writer.add_pad_token_id(0)
        writer.add_eos_token_id(1)
        writer.add_add_bos_token(False)
        writer.add_chat_template(TEMPLATE)
    for name, weights in _list_tensors(model).items():
        if keep(name):
            small = kind if weights.ndim > 1 else Quantization.F32
            writer.add_tensor(name, gguf.quantize(weights, small), raw_dtype=small)
    if rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", rope_factors.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _list_tensors(model: LlamaForCausalLM) -> dict[str, np.ndarray[Any, Any]]:
    state = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    found = {"token_embd.weight": state["model.embed_tokens.weight"], "output.weight": state["lm_head.weight"]}
    found["output_norm.weight"] = state["model.norm.weight"]
    for layer in range(LAYERS):
        for ours, theirs in NAMES.items():
            weights = state[f"model.layers.{layer}.{ours}.weight"]
            if theirs in ("attn_q", "attn_k"):  # llama.cpp rotates neighbours, transformers halves
                weights = weights.reshape(HEADS, 2, -1, WIDTH).swapaxes(1, 2).reshape(weights.shape)
            found[f"blk.{layer}.{theirs}.weight"] = np.ascontiguousarray(weights)
    return found
