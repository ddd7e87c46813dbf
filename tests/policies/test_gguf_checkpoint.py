"""GGUF files as policies: the same model as the checkpoint they were made from, made once, and refused in one line."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from transformers import AutoConfig, AutoTokenizer

from openrft import CheckpointError, Sampling, StoreError, fingerprint_policy, open_policy, resolve_checkpoint
from openrft.cli.evaluate import command as evaluate
from openrft.policies import gguf_checkpoint
from tests.policies.gguf_files import TOKENS, Quantization, tiny_llama, write_gguf

CHAT = [{"role": "user", "content": "Has the cat 12  lives?"}]
GREEDY = Sampling(max_tokens=12, temperature=0.0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "openrft" / "gguf"


@pytest.fixture(scope="module")
def model():
    return tiny_llama()


@pytest.fixture
def file(tmp_path, model) -> Path:
    return write_gguf(tmp_path / "tiny.gguf", model)


def answer_greedily(model, prompt: list[int]) -> list[int]:
    with torch.no_grad():
        out = model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
    return out[0, len(prompt) :].tolist()


def test_it_answers_as_the_model_it_was_written_from(file, model):
    policy = open_policy(str(file))
    prompt = policy.encode(CHAT)
    assert policy.tokenizer.decode(prompt) == "<user>Has the cat 12  lives?<end><assistant>"
    assert TOKENS.index("Ġcat") in prompt
    assert TOKENS.index("<end>") in prompt
    (completion,) = policy.generate([CHAT], GREEDY)[0]
    assert list(completion.tokens) == answer_greedily(model, prompt)
    for name, weights in model.state_dict().items():
        assert torch.equal(policy.model.state_dict()[name], weights), name


def test_it_can_be_trained_and_its_adapter_names_it_as_base(file, tmp_path):
    policy = open_policy(str(file))
    policy.attach_lora(rank=2, alpha=4, seed=0)
    with torch.no_grad():
        for name, weights in policy.model.named_parameters():
            if "lora_B" in name:
                weights.normal_(std=0.3)
    policy.save_adapter(tmp_path / "adapter")
    config = tmp_path / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": str(file)}))
    policy.merge_adapter()
    opened = open_policy(str(tmp_path / "adapter"))
    prompts, tokens = [policy.encode(CHAT)], [[5, 6, 7]]
    with torch.no_grad():
        assert torch.equal(
            opened.completion_logprobs(prompts, tokens)[0], policy.completion_logprobs(prompts, tokens)[0]
        )


def test_the_checkpoint_is_an_ordinary_one_made_once(file, cache, caplog, tmp_path):
    folder = Path(resolve_checkpoint(str(file)))
    assert folder.parent == cache
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {
        path.name for path in folder.iterdir()
    }
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    assert sum("making a checkpoint of" in record.message for record in caplog.records) == 1
    moved = shutil.copyfile(file, tmp_path / "moved")  # known by its content, whatever it is called
    assert resolve_checkpoint(str(moved)) == str(folder)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (Quantization.F32, torch.float32),
        (Quantization.F16, torch.float16),
        (Quantization.BF16, torch.bfloat16),
        (Quantization.Q8_0, torch.bfloat16),
        (Quantization.Q4_1, torch.bfloat16),
    ],
)
def test_weights_are_kept_in_a_precision_that_loses_nothing_that_matters(kind, kept, model, tmp_path):
    file = write_gguf(tmp_path / "tiny.gguf", model, kind)
    assert AutoConfig.from_pretrained(resolve_checkpoint(str(file))).dtype == kept
    weights = open_policy(str(file)).model.model.embed_tokens.weight
    size = model.model.embed_tokens.weight.abs().max()
    error = (weights - model.model.embed_tokens.weight).abs().max() / size
    assert error <= {"Q4_1": 0.1, "Q8_0": 0.01}.get(kind.name, 0.004)


def test_its_fingerprint_follows_its_content_and_makes_nothing(file, cache, model, tmp_path):
    before = fingerprint_policy(str(file))
    assert not list(cache.glob("*"))
    other = write_gguf(tmp_path / "other.gguf", tiny_llama(seed=1))
    assert fingerprint_policy(str(other)) != before
    open_policy(str(file))
    assert fingerprint_policy(str(file)) == before
    assert fingerprint_policy(f"vllm:{file}") == f"vllm:{before}"


def test_a_damaged_checkpoint_is_made_again(file, caplog):
    folder = Path(resolve_checkpoint(str(file)))
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-8] + bytes(8))
    assert resolve_checkpoint(str(file)) == str(folder)
    assert weights.read_bytes() == whole
    (folder / "config.json").unlink()
    resolve_checkpoint(str(file))
    assert (folder / "config.json").is_file()
    assert sum("making a checkpoint of" in record.message for record in caplog.records) == 3


def test_two_at_once_make_one(file, caplog):
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(resolve_checkpoint(str(file)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


def test_configs_that_lie_beside_the_file_are_not_read(file, tmp_path):
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "adapter_config.json"):
        (tmp_path / name).write_text('{"eos_token_id": 77, "eos_token": "7", "vocab_size": 9}')
    policy = open_policy(str(file))
    assert policy.end_token == TOKENS.index("<end>")
    assert policy.model.config.vocab_size == len(TOKENS)


def test_digits_stand_alone_where_the_file_says_so(model, tmp_path):
    plain = AutoTokenizer.from_pretrained(resolve_checkpoint(str(write_gguf(tmp_path / "a.gguf", model))))
    apart = write_gguf(tmp_path / "b.gguf", model, pre="smollm")
    tokenizer = AutoTokenizer.from_pretrained(resolve_checkpoint(str(apart)))
    split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    assert [text for text, _ in split("a  12")] == ["a", "ĠĠ", "1", "2"]
    assert [text for text, _ in plain.backend_tokenizer.pre_tokenizer.pre_tokenize_str("a  12")] == ["a", "Ġ", "Ġ12"]


LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


@pytest.mark.parametrize(
    ("scaling", "written"),
    [
        (LLAMA3, {}),
        ({"rope_type": "linear", "factor": 4.0}, {"scaling": "linear"}),
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}, {"scaling": "yarn"}),
    ],
)
def test_scaled_positions_are_read(scaling, written, tmp_path):
    scaled, plain = tiny_llama(**scaling), tiny_llama()
    if not written:  # as factors of the frequencies
        written = {"rope_factors": (plain.model.rotary_emb.inv_freq / scaled.model.rotary_emb.inv_freq).numpy()}
    policy = open_policy(str(write_gguf(tmp_path / "tiny.gguf", scaled, **written)))
    prompt = policy.encode([{"role": "user", "content": "Has the cat 12 lives? " * 8}])
    with torch.no_grad():
        expected, other, found = (model(torch.tensor([prompt])).logits for model in (scaled, plain, policy.model))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)
    assert not torch.allclose(found, other, atol=0.1)


def test_positions_scaled_in_another_way_are_refused(model, tmp_path):
    other = write_gguf(tmp_path / "other.gguf", model, rope_factors=np.linspace(1, 3, 8))
    with pytest.raises(CheckpointError, match=r"other.gguf: its positions are scaled by the factors of rope_freqs"):
        open_policy(str(other))
    longrope = write_gguf(tmp_path / "long.gguf", model, scaling="longrope")
    with pytest.raises(CheckpointError, match=r"long.gguf: its positions are scaled by longrope, which is not read"):
        open_policy(str(longrope))


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "rwkv7"}, r"architecture rwkv7, which transformers does not read.*It reads .*llama.*qwen2"),
        (
            {"architecture": "t5"},
            "architecture t5, which transformers does not read from GGUF. It reads (?!.*(t5|tokenizer))",
        ),
        ({"tokens": None}, "holds no tokenizer"),
        ({"tokens": TOKENS[:-1]}, "tokenizer has 260 tokens, and its embeddings have 261 rows"),
        ({"tokens": [*TOKENS, "more"]}, "tokenizer has 262 tokens, and its embeddings have 261 rows"),
        ({"more": {"split.count": 3}}, "one of 3 parts of a model.*llama-gguf-split --merge"),
        ({"keep": lambda name: name != "token_embd.weight"}, "no token embeddings"),
    ],
)
def test_a_file_that_cannot_become_a_policy_is_refused_before_any_time_is_spent(change, message, model, tmp_path):
    file = write_gguf(tmp_path / "tiny.gguf", model, **change)
    with pytest.raises(CheckpointError, match=f"tiny.gguf.*{message}") as fault:
        fingerprint_policy(str(file))
    assert "\n" not in str(fault.value)


def test_missing_weights_are_not_drawn_at_random(model, tmp_path, cache):
    file = write_gguf(tmp_path / "tiny.gguf", model, keep=lambda name: name != "blk.1.attn_q.weight")
    with pytest.raises(CheckpointError, match=r"lacks weights of its architecture: model.layers.1.self_attn.q_proj"):
        open_policy(str(file))
    assert not [path for path in cache.iterdir() if path.is_dir()]


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(share, file):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(
        CheckpointError, match=r"tiny.gguf is damaged or cut short after [\d,]+ bytes: .*again\.$"
    ) as fault:
        fingerprint_policy(str(file))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04 a zip file", b"\xff" * 100])
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tiny.gguf is not a GGUF file: it begins with b"):
        open_policy(str(tmp_path / "tiny.gguf"))


def test_a_cache_that_cannot_be_written_is_named_with_what_to_set(file, cache):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file, where the cache's folder should be")
    with pytest.raises(StoreError, match=r"openrft.* cannot be written.*set XDG_CACHE_HOME"):
        open_policy(str(file))


def test_without_the_package_the_advice_is_to_install_it(file, monkeypatch):
    monkeypatch.setattr(gguf_checkpoint, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match=r"needs the package gguf. Run pip install 'openrft\[gguf\]'"):
        open_policy(str(file))


def test_the_command_line_answers_with_it_and_refuses_it_in_one_line(file, tmp_path):
    asked = ["--task", "pocket/L1/valence", "--test", "2", "--set", "evaluate.max_tokens=4", "--out", str(tmp_path)]
    done = CliRunner().invoke(evaluate, ["--policy", str(file), *asked, "--json"])
    assert done.exit_code == 0, done.output
    file.write_bytes(file.read_bytes()[:50_000])
    refused = CliRunner().invoke(evaluate, ["--policy", str(file), *asked])
    assert isinstance(refused.exception, CheckpointError)
    assert refused.exception.exit_code == 2
