"""Write a policy as a GGUF file for llama.cpp and Ollama, with a Modelfile beside it.

The names of the tensors are those of the package gguf. Only architectures are written whose tensors it names one to
one, and only tokenizers that llama.cpp splits text for in the same way: any other would answer from wrong tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openrft.errors import UsageError
from openrft.policies.description import PolicyDescription

ARCHITECTURES = {"llama": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}  # model_type: gguf's name
FILE, MODELFILE = "model.gguf", "Modelfile"

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {_WORDS + r"\p{N}" + _REST: "qwen2", _WORDS + r"\p{N}{1,3}" + _REST: "llama-bpe"}  # llama.cpp's names


def check_gguf_export(model: Any, tokenizer: Any) -> str:
    """The name of llama.cpp's pre-tokenizer. Raises UsageError for what cannot be written as GGUF."""
    kind = model.config.model_type
    if kind not in ARCHITECTURES:
        raise UsageError(
            f"--gguf: the architecture {kind} is not written.",
            f"It is for {', '.join(ARCHITECTURES)}; llama.cpp's convert_hf_to_gguf.py knows more.",
        )
    rope = (getattr(model.config, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope != "default":
        raise UsageError(f"--gguf: positions scaled by {rope} are not written.", "Use convert_hf_to_gguf.py.")
    if getattr(model.config, "use_sliding_window", False) or (kind == "llama" and model.config.attention_bias):
        raise UsageError(
            "--gguf: sliding windows and a llama's attention biases are not written.", "Use convert_hf_to_gguf.py."
        )
    name = find_pre_tokenizer(json.loads(tokenizer.backend_tokenizer.to_str()))
    if name is None:
        raise UsageError(
            "--gguf: llama.cpp has no pre-tokenizer that splits text as this model's tokenizer does.",
            "Export the checkpoint without --gguf.",
        )
    return name


def find_pre_tokenizer(tokenizer: dict[str, Any]) -> str | None:
    """llama.cpp's name for the pre-tokenizer of a tokenizer.json; None if it has none that does the same."""
    if tokenizer["model"]["type"] != "BPE" or tokenizer["model"].get("byte_fallback"):
        return None
    if (tokenizer["normalizer"] or {"type": "NFC"})["type"] != "NFC":
        return None
    first = tokenizer["pre_tokenizer"] or {}
    steps = first["pretokenizers"] if first.get("type") == "Sequence" else [first]
    kinds = [step.get("type") for step in steps]
    if kinds[-1] != "ByteLevel" or steps[-1]["add_prefix_space"]:
        return None
    if kinds == ["Split", "ByteLevel"] and not steps[1]["use_regex"] and steps[0]["behavior"] == "Isolated":
        return SPLITS.get(steps[0]["pattern"].get("Regex"))
    if not steps[-1]["use_regex"]:
        return None
    if kinds == ["ByteLevel"]:
        return "gpt-2"
    return "smollm" if kinds == ["Digits", "ByteLevel"] and steps[0]["individual_digits"] else None


def write_gguf(model: Any, tokenizer: Any, template: str, file: Path, precision: str) -> None:
    """Write model and tokenizer into one file; norms and biases stay float32. `template` is the chat template,
    `precision` f32, f16 or bf16.

    Raises UsageError for what cannot be written as GGUF.
    """
    import gguf

    pre, config = check_gguf_export(model, tokenizer), model.config
    kind = getattr(gguf.MODEL_ARCH, ARCHITECTURES[config.model_type])
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    heads, width = config.num_attention_heads, config.hidden_size
    size = getattr(config, "head_dim", None) or width // heads
    writer = gguf.GGUFWriter(str(file), gguf.MODEL_ARCH_NAMES[kind])
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(
        {
            "f32": gguf.LlamaFileType.ALL_F32,
            "f16": gguf.LlamaFileType.MOSTLY_F16,
            "bf16": gguf.LlamaFileType.MOSTLY_BF16,
        }[precision]
    )
    _add_tokenizer(writer, tokenizer, pre, config, template)
    tied = config.tie_word_embeddings
    for name, weights in model.state_dict().items():
        if name == "lm_head.weight" and tied:
            continue
        values = weights.detach().float().cpu()
        if config.model_type == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            # transformers rotates halves of a head, llama.cpp neighbours
            values = values.reshape(-1, 2, size // 2, width).transpose(1, 2).reshape(values.shape)
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise UsageError(f"--gguf: the package gguf has no name for the weights {name}.")
        stored = gguf.GGMLQuantizationType[precision.upper() if values.ndim > 1 else "F32"]
        writer.add_tensor(found, gguf.quantize(values.contiguous().numpy(), stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: Any, tokenizer: Any, pre: str, config: Any, template: str) -> None:
    from gguf import TokenType

    tokens = {number: token for token, number in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    kinds = []
    for number in range(config.vocab_size):  # rows of the embeddings beyond the tokenizer's are unused
        own = added.get(number)
        if number not in tokens:
            kinds.append(TokenType.UNUSED)
        elif own is None:
            kinds.append(TokenType.NORMAL)
        else:
            kinds.append(TokenType.CONTROL if own.special else TokenType.USER_DEFINED)
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([tokens.get(number, f"[PAD{number}]") for number in range(config.vocab_size)])
    writer.add_token_types(kinds)
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    for which in ("bos", "eos", "pad"):
        number = getattr(tokenizer, f"{which}_token_id")
        if number is not None:
            getattr(writer, f"add_{which}_token_id")(number)
    writer.add_add_bos_token(False)  # the chat template writes it
    writer.add_chat_template(template)


def build_modelfile(description: PolicyDescription) -> str:
    """Ollama's Modelfile: the file, the instruction, the temperature and the longest answer."""
    how = description.settings.get("evaluate", {})
    lines = [f"FROM ./{FILE}"]
    if description.instruction and '"""' not in description.instruction:  # the chat template has it in any case
        lines.append(f'SYSTEM """{description.instruction}"""')
    for name, key in (("temperature", "temperature"), ("top_p", "top_p"), ("num_predict", "max_tokens")):
        if key in how:
            lines.append(f"PARAMETER {name} {how[key]:g}")
    return "\n".join(lines) + "\n"
