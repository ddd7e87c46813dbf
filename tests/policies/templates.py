"""Chat templates that do what those of real model families do, in our own words, and tiny checkpoints with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = ["What is 2 + 3?", "Reason step by step.", "Two and three make five.", "\\boxed{B} user assistant system think"]

# The prompt opens the thought; thoughts of earlier turns are cut away; a thought has no place of its own.
R1 = """{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}
{%- elif m.role == 'user' %}<|User|>{{ m.content }}
{%- else %}{% set said = m.content %}{% if '</think>' in said %}{% set said = said.split('</think>')[-1] %}{% endif %}
<|Assistant|>{{ said }}{{ eos_token }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|Assistant|><think>
{% endif %}"""

_CHATML = """{% set asked = namespace(last=-1) %}
{%- for m in messages %}{% if m.role == 'user' %}{% set asked.last = loop.index0 %}{% endif %}{% endfor %}
{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}
{%- if m.role == 'assistant' %}
{%- set thought = m.reasoning_content or '' %}{% set said = m.content %}
{%- if '</think>' in said %}
{%- set thought = said.split('</think>')[0].split('<think>')[-1] %}{% set said = said.split('</think>')[-1] %}
{%- endif %}
{%- if loop.index0 > asked.last %}{{ '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}{% endif %}
{{- said.lstrip('\\n') }}
{%- else %}{{ m.content }}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}TAIL{% endif %}"""
# A switch; the model opens the thought itself. Switched off, the prompt holds an empty thought.
QWEN3 = _CHATML.replace(
    "TAIL",
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}",
)
QWEN3_THINKING = _CHATML.replace("TAIL", "{{ '<think>\\n' }}")  # always thinks, opened in the prompt; also QwQ

# Off unless switched on; its prompt then opens the thought, and else closes one.
DEEPSEEK_V31 = """{% if thinking is not defined %}{% set thinking = false %}{% endif %}{{ bos_token }}
{%- for m in messages %}{% if m.role == 'assistant' %}<|Assistant|></think>{{ m.content.split('</think>')[-1] }}
{{- eos_token }}{% elif m.role == 'user' %}<|User|>{{ m.content }}{% else %}{{ m.content }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|Assistant|>{{ '<think>' if thinking else '</think>' }}{% endif %}"""

# Special tokens as marks; a template that writes no thoughts at all.
MAGISTRAL = """{{ bos_token }}{% for m in messages %}
{%- if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }} Think inside [THINK] and [/THINK].[/SYSTEM_PROMPT]
{%- elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}
{%- endfor %}"""

# Channels; the effort cannot be "none".
GPT_OSS = """<|start|>system<|message|>Reasoning: {{ reasoning_effort or 'medium' }}<|end|>{% for m in messages %}
{%- if m.role == 'assistant' %}
{%- if '<|channel|>' in m.content %}{{ raise_exception('channels in a content') }}{% endif %}
{%- if m.thinking and loop.last %}<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}
<|start|>assistant<|channel|>final<|message|>{{ m.content }}{{ '<|return|>' if loop.last else '<|end|>' }}
{%- else %}<|start|>{{ 'developer' if m.role == 'system' else m.role }}<|message|>{{ m.content }}<|end|>{% endif %}
{%- endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"""

_STRICT = """{{ bos_token }}{% for m in messages %}
{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"""
GEMMA = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + _STRICT
    + """{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + m.content | trim }}
{{- '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""
)
MISTRAL = _STRICT + (
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
)
# The system turn is dropped without a word.
PHI3 = """{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<|user|>
{{ m.content }}<|end|>
<|assistant|>
{% elif m.role == 'assistant' %}{{ m.content }}<|end|>
{% endif %}{% endfor %}"""

SPECIAL = [
    *("<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|User|>", "<|Assistant|>", "[INST]", "[/INST]"),
    *("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]", "<|start|>", "<|end|>", "<|message|>"),
    *("<|channel|>", "<|return|>", "<start_of_turn>", "<end_of_turn>", "<|user|>", "<|assistant|>"),
]


# Each family with the end of its turns, and what it thinks by itself.
FAMILIES = {
    "R1": (R1, "</s>"),
    "QwQ": (QWEN3_THINKING, "<|im_end|>"),
    "Qwen3": (QWEN3, "</s>"),  # its turns end otherwise
    "Magistral": (MAGISTRAL, "</s>"),
    "gpt-oss": (GPT_OSS, "<|return|>"),
    "DeepSeek-V3.1": (DEEPSEEK_V31, "</s>"),
    "Gemma": (GEMMA, "<end_of_turn>"),
    "base": (None, "</s>"),
}


def write_checkpoint(
    folder: Path,
    template: str | None,
    eos: str = "</s>",
    ends: Sequence[str] = (),
    pad: bool = True,
    around: str = "$A",
    plain_tokens: Sequence[str] = ("<think>", "</think>"),
) -> Path:
    """A Llama of some thousand random weights and a byte-level BPE trained here.

    ends: the end tokens of the generation config. around: what the tokenizer puts around every text. plain_tokens:
    marks that are tokens of their own and not special.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    known = {token: bpe.token_to_id(token) for token in SPECIAL}
    used = [(token, known[token]) for token in ("<s>", "</s>")]
    bpe.post_processor = processors.TemplateProcessing(single=around, pair=f"{around} $B", special_tokens=used)
    bos = "<s>" if (template and "bos_token" in template) or "<s>" in around else None
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=bos, eos_token=eos, pad_token="<pad>" if pad else None
    )
    tokenizer.add_tokens(list(plain_tokens))
    tokenizer.chat_template = template
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=None,
        pad_token_id=None,
        eos_token_id=known[eos],
    )
    model: Any = LlamaForCausalLM(config)
    if ends:
        model.generation_config.eos_token_id = [known[token] for token in ends]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
