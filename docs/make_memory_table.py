"""Print the table of docs/your-model.md: the memory that models of the usual sizes need, forecast and not measured.

Run it from the repository's root: `python docs/make_memory_table.py`. It builds models without weights, by the shapes
of Qwen2.5, and asks the forecast of `openrft bench --dry-run`.
"""

from __future__ import annotations

import tempfile

from transformers import Qwen2Config

from openrft.config.settings import PolicySettings
from openrft.policies.memory_forecast import Workload, forecast_policy, read_model_size

# name: layers, width, width inside the layers, heads, heads of keys and values, whether the head is the embeddings
SHAPES = {
    "0.5B": (24, 896, 4864, 14, 2, True),
    "1.5B": (28, 1536, 8960, 12, 2, True),
    "3B": (36, 2048, 11008, 16, 2, True),
    "7B": (28, 3584, 18944, 28, 4, False),
    "14B": (48, 5120, 13824, 40, 8, False),
    "32B": (64, 5120, 27648, 40, 8, False),
}
VOCABULARY = {True: 151936, False: 152064}
PROMPT, COMPLETION = 512, 2048  # tokens


def forecast_row(name: str) -> str:
    """One row of the table, in GB: one prompt at a time, a group of 8 completions, one sequence in each update."""
    layers, width, inner, heads, own, tied = SHAPES[name]
    config = Qwen2Config(
        vocab_size=VOCABULARY[tied],
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=own,
        tie_word_embeddings=tied,
        architectures=["Qwen2ForCausalLM"],
    )
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        size = read_model_size(folder)
        work = Workload(PROMPT, COMPLETION, 1, 8, 4, micro_batch_tokens=PROMPT + COMPLETION)
        memory = forecast_policy(folder, PolicySettings(device="cpu", dtype="bfloat16"), work)
    four = size.count_weight_bytes(2, "4bit")
    work_bytes = max(memory.rollouts, memory.recomputed_update) + memory.adapter
    sizes = (memory.weights, four, work_bytes, memory.weights + work_bytes, four + work_bytes)
    return (
        " | ".join([f"| {name}", f"{memory.parameters / 1e9:.1f}", *(f"{value / 1e9:.1f}" for value in sizes)]) + " |"
    )


if __name__ == "__main__":
    for each in SHAPES:
        print(forecast_row(each))
