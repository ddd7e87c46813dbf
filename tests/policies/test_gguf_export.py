"""A policy written as GGUF and read back: the same weights, tokens and greedy answers."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from openrft import Sampling, UsageError, open_policy
from openrft.policies import gguf_export
from openrft.policies.description import PolicyDescription
from openrft.policies.export import Companions, export_gguf
from tests.policies.gguf_files import MERGES, TEMPLATE, TOKENS, tiny_llama

CHAT = [{"role": "user", "content": "Has the cat 12  lives?"}]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tiny_tokenizer(steps=None) -> PreTrainedTokenizerFast:
    vocabulary = {token: number for number, token in enumerate(TOKENS)}
    inner = Tokenizer(models.BPE(vocabulary, [tuple(pair.split(" ")) for pair in MERGES]))
    inner.pre_tokenizer = steps or pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<end>")
    made.chat_template = TEMPLATE
    return made


def split(pattern: str):
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), level])


def tiny_qwen3() -> Qwen3ForCausalLM:
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "head_dim": 128,
    }  # transformers reads no other of a qwen3 file
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    config = Qwen3Config(
        vocab_size=len(TOKENS), max_position_embeddings=256, initializer_range=0.3, eos_token_id=1, **sizes, **heads
    )
    return Qwen3ForCausalLM(config).eval()


@pytest.mark.parametrize("make", [tiny_llama, tiny_qwen3])
def test_what_is_read_back_is_the_same_model(tmp_path, make):
    model, tokenizer, file = make(), tiny_tokenizer(), tmp_path / "m.gguf"
    gguf_export.write_gguf(model, tokenizer, TEMPLATE, file, "f32")
    policy = open_policy(str(file))
    prompt = policy.encode(CHAT)
    assert prompt == tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        assert torch.equal(policy.model(torch.tensor([prompt])).logits, model(torch.tensor([prompt])).logits)
        greedy = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)[0, len(prompt) :]
    (completion,) = policy.generate([CHAT], Sampling(max_tokens=12, temperature=0.0))[0]
    assert list(completion.tokens) == greedy.tolist()


def test_only_a_pre_tokenizer_that_llama_cpp_has_is_written():
    model = tiny_llama()
    for pattern, name in gguf_export.SPLITS.items():
        assert gguf_export.check_gguf_export(model, tiny_tokenizer(split(pattern))) == name
    assert gguf_export.check_gguf_export(model, tiny_tokenizer()) == "gpt-2"
    with pytest.raises(UsageError, match="no pre-tokenizer that splits"):
        gguf_export.check_gguf_export(model, tiny_tokenizer(split(r"\d|\D+")))
    model.config.model_type = "gemma"
    with pytest.raises(UsageError, match="architecture gemma is not written"):
        gguf_export.check_gguf_export(model, tiny_tokenizer())


def companions() -> Companions:
    about = PolicyDescription(
        arm="rl",
        plugins=("rl",),
        seed=0,
        task="questions",
        base="tiny",
        base_id="0",
        instruction="Be brief.",
        settings={"evaluate": {"temperature": 0.6, "top_p": 1.0, "max_tokens": 80}},
        demonstrations={},
        train_samples=1,
        train_digest="0",
        test_items=1,
    )
    return Companions(about, "# card")


@pytest.mark.parametrize("precision", ["f32", "f16", "bf16"])
def test_a_policy_is_written_with_its_instruction_and_a_modelfile(tmp_path, precision):
    tiny_llama().save_pretrained(tmp_path / "tiny")
    tiny_tokenizer().save_pretrained(tmp_path / "tiny")
    policy = open_policy(str(tmp_path / "tiny"))
    export_gguf(policy, tmp_path / "out", precision, companions())
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *("model.gguf", "Modelfile", "openrft.json", "README.md")
    }
    lines = (tmp_path / "out" / "Modelfile").read_text().splitlines()
    assert lines == [
        "FROM ./model.gguf",
        'SYSTEM """Be brief."""',
        "PARAMETER temperature 0.6",
        "PARAMETER top_p 1",
        "PARAMETER num_predict 80",
    ]
    again = open_policy(str(tmp_path / "out" / "model.gguf"))
    assert again.encode(CHAT) == policy.encode([{"role": "system", "content": "Be brief."}, *CHAT])
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[precision]
    for name, weights in policy.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name].float(), weights.to(kind).float()), name


def test_the_tokenizer_of_pocket_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no pre-tokenizer that splits"):
        export_gguf(open_policy("pocket"), tmp_path / "out", "f32", companions())
    assert not (tmp_path / "out").exists()
