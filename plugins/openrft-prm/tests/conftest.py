"""Tiny random checkpoints, each written in the exact layout of a published format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
)
CORPUS = [
    "A cell has 3 atoms. What is its volume?\nA. 12\nB. 24",
    "The edge is 2, so the volume is 2 * 2 * 2 = 8.\nTimes 3 atoms gives 24.\n\\boxed{B} ки\n + - ки user assistant",
] * 20


def _byte_level(template: str | None, extra: list[str]) -> Any:
    """As Qwen's and Llama 3's: byte-level BPE without automatic special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<|end|>", "<|bos|>", *extra]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=360, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|end|>", bos_token="<|bos|>")
    tokenizer.chat_template = template
    return tokenizer


def _metaspace() -> Any:
    """As Mistral's: words start with a space mark, and a bos token comes first."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(unk_token="<unk>"))
    # Newlines stand alone there: they are byte tokens that nothing merges with.
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Metaspace(prepend_scheme="first")]
    )
    core.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"]))
    core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def _tokenizer(format: str) -> Any:
    if format == "math-shepherd":
        return _metaspace()
    if format == "qwen":
        return _byte_level(CHATML, ["<|im_start|>", "<|im_end|>", "<extra_0>"])
    if format == "rlhflow":
        return _byte_level(LLAMA3, ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])
    return _byte_level(None, [])


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """format -> a folder with a random checkpoint in its layout, made once a session."""
    made: dict[str, Path] = {}

    def make(format: str) -> Path:
        if format not in made:
            made[format] = write_checkpoint(format, tmp_path_factory.mktemp("prm") / format)
        return made[format]

    return make


def write_checkpoint(format: str, folder: Path) -> Path:
    import torch
    from safetensors.torch import save_file
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = _tokenizer(format)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.4,  # wide enough for scores that differ visibly
    }
    qwen = format in ("qwen", "skywork")
    model: Any = Qwen2ForCausalLM(Qwen2Config(**shape)) if qwen else LlamaForCausalLM(LlamaConfig(**shape))
    weights = {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}
    config = model.config.to_dict()
    if format == "skywork":
        weights |= {"v_head.summary.weight": torch.randn(1, 32), "v_head.summary.bias": torch.randn(1)}
    elif format == "qwen":
        del weights["lm_head.weight"]
        weights |= {"score.0.weight": torch.randn(32, 32), "score.0.bias": torch.randn(32)}
        weights |= {"score.2.weight": torch.randn(2, 32), "score.2.bias": torch.randn(2)}
        config["architectures"] = ["Qwen2ForProcessRewardModel"]
        config["auto_map"] = {"AutoModel": "modeling_qwen2_rm.Qwen2ForProcessRewardModel"}  # must never be imported
    elif format == "two-label":
        del weights["lm_head.weight"]
        weights |= {"score.weight": torch.randn(2, 32), "score.bias": torch.randn(2)}
        config["architectures"] = ["LlamaForTokenClassification"]
    folder.mkdir(parents=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer.save_pretrained(folder)
    if format == "qwen":
        (folder / "modeling_qwen2_rm.py").write_text("raise SystemExit('remote code was run')\n")
    return folder


@pytest.fixture(scope="session")
def fresh_checkpoint() -> Callable[[str, Path], Path]:
    """Write one for a test that breaks it."""
    return write_checkpoint


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small are slower on two threads, and far slower on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
