"""The network: a stock Llama of about a million parameters, with two induction heads written into it by hand.

The heads look at the previous token and find an earlier match of the current one. Together they copy: after "zinc 1.7",
"zinc" is followed by "1.7" again. Look-up and option matching grow from this, and on a CPU it is what training finds
last. All else starts random and small, so that the heads dominate. Training is free to change them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RANDOM_SCALE = 0.1  # factor on what the random heads and MLPs add at first
CONSTANT = 4.0  # size of the one embedding coordinate that all tokens share, in units of the others' spread
PEAK = 40.0  # attention logit between neighbours
IDENTITY_SCALE = 0.06  # how strongly the previous token's identity is added
SHARPNESS = 3.0  # of the match, on query and key each
# Of the rotary pairs the fast ones tell neighbours apart, and the slow ones hardly turn within a prompt.
FAST_PAIRS, FIRST_SLOW_PAIR = 6, 7


def create_model(tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """An untrained policy."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=32,  # the smallest that vLLM's CPU attention takes
        max_position_embeddings=4096,  # a long question about a table with three demonstrations
        tie_word_embeddings=True,
        initializer_range=0.04,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def save_checkpoint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a folder that AutoModelForCausalLM and AutoTokenizer load."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def install_induction_heads(model: PreTrainedModel, seed: int) -> None:
    """Head 0 of layer 0 reads the previous token. Head 0 of layer 1 attends to places that follow the current token."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    size, width = model.config.head_dim, model.config.hidden_size
    half = size // 2
    first, second = (layer.self_attn for layer in model.model.layers[:2])

    def draw_matrix(rows: int, columns: int) -> Any:
        return torch.randn(rows, columns, generator=generator)

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight *= RANDOM_SCALE
            layer.mlp.down_proj.weight *= RANDOM_SCALE
        embedding = model.model.embed_tokens.weight
        embedding[:, 0] = CONSTANT * embedding.std()
        # its size after the first norm
        constant = (embedding[:, 0].mean() / embedding.pow(2).mean(1).sqrt().mean()).item()

        # the angle by which each pair turns in one position
        angles = model.config.rope_parameters["rope_theta"] ** (-torch.arange(half) / half)
        previous = torch.zeros(half)
        previous[:FAST_PAIRS] = math.sqrt(PEAK * math.sqrt(size) / FAST_PAIRS) / constant
        _set_head(first.q_proj, size, 0, torch.cat([previous, torch.zeros(half)]))
        _set_head(first.k_proj, size, 0, torch.cat([previous * angles.cos(), previous * angles.sin()]))
        identity = draw_matrix(size, width) / math.sqrt(width)
        identity[:, 0] = 0
        direction = torch.linalg.qr(draw_matrix(width, size))[0]
        direction[0] = 0
        first.v_proj.weight[:size], first.o_proj.weight[:, :size] = identity, direction * IDENTITY_SCALE

        slow = torch.cat([torch.arange(FIRST_SLOW_PAIR, half), torch.arange(FIRST_SLOW_PAIR, half) + half])
        match = SHARPNESS * draw_matrix(len(slow), size) / math.sqrt(size)
        second.q_proj.weight[:size], second.k_proj.weight[:size] = 0, 0
        second.q_proj.weight[slow], second.k_proj.weight[slow] = match @ identity, match @ direction.T
        copy = draw_matrix(size, width) / math.sqrt(size)
        copy[:, 0] = 0
        second.v_proj.weight[:size], second.o_proj.weight[:, :size] = copy, copy.T


def _set_head(projection: Any, size: int, column: int, values: Any) -> None:
    """Head 0 reads one column of the input and nothing else."""
    projection.weight[:size] = 0
    projection.weight[:size, column] = values
