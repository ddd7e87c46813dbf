"""The network: a stock Llama of about a million parameters, and where its checkpoints lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def fresh(tokenizer: Any, seed: int) -> Any:
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
        max_position_embeddings=4096,  # a long question of listed values with three demonstrations
        tie_word_embeddings=True,
        initializer_range=0.04,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def ship(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a checkpoint folder that AutoModelForCausalLM and AutoTokenizer load."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
