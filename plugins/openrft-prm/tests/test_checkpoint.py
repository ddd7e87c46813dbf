"""A wrong or broken checkpoint is refused with what was expected and what was found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats import detect_format
from openrft_prm.scorer import CheckpointScorer
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from openrft import CheckpointError

Make = Callable[[str], Path]


@pytest.fixture
def broken(checkpoint: Make, tmp_path: Path) -> Path:
    """A copy of the skywork checkpoint to break."""
    return Path(shutil.copytree(checkpoint("skywork"), tmp_path / "broken"))


@pytest.mark.parametrize("format", ["skywork", "qwen", "two-label"])
def test_the_head_shows_the_format(format: str, checkpoint: Make) -> None:
    assert detect_format(Checkpoint.open(str(checkpoint(format)))) == format


def test_formats_without_a_head_are_known_by_name_only(checkpoint: Make, tmp_path: Path) -> None:
    assert detect_format(Checkpoint.open(str(checkpoint("math-shepherd")))) == "math-shepherd"
    assert detect_format(Checkpoint.open(str(checkpoint("rlhflow")))) == "rlhflow"
    plain = Checkpoint.open(str(shutil.copytree(checkpoint("rlhflow"), tmp_path / "my-model")))
    with pytest.raises(CheckpointError, match=r"no head of a process reward model.*lm_head.*prm.format=rlhflow"):
        detect_format(plain)
    assert detect_format(plain, "rlhflow") == "rlhflow"


def test_another_format_than_the_weights_show_is_refused(checkpoint: Make) -> None:
    with pytest.raises(CheckpointError, match=r"not a qwen .*score.0.weight of shape \[32, 32\] expected, none found"):
        detect_format(Checkpoint.open(str(checkpoint("skywork"))), "qwen")


def test_an_outcome_model_is_no_process_model(broken: Path) -> None:
    weights = load_file(broken / "model.safetensors")
    weights["score.weight"] = weights.pop("v_head.summary.weight")
    del weights["v_head.summary.bias"]
    save_file(weights, broken / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"shape \[2, 32\] expected, \[1, 32\] found"):
        detect_format(Checkpoint.open(str(broken)))


def test_a_classifier_of_whole_texts_is_none_unless_it_is_said(checkpoint: Make, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint("two-label"), tmp_path / "classifier")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["LlamaForSequenceClassification"]}))
    with pytest.raises(CheckpointError, match="classifies whole texts"):
        detect_format(Checkpoint.open(str(folder)))
    assert detect_format(Checkpoint.open(str(folder)), "two-label") == "two-label"


def test_truncated_weights(broken: Path) -> None:
    file = broken / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match=rf"not a whole safetensors file \({len(data) // 2:,} bytes; .*header"):
        Checkpoint.open(str(broken))
    for rubbish in (b"", b"\x00" * 5, b"version https://git-lfs.github.com/spec/v1\n", data[:-1], data + b"\x00"):
        file.write_bytes(rubbish)
        with pytest.raises(CheckpointError, match=rf"not a whole safetensors file \({len(rubbish):,} bytes"):
            Checkpoint.open(str(broken))


def test_pickled_weights_are_never_opened(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pickled weights.*save_pretrained"):
        Checkpoint.open(str(broken))


def test_missing_parts(broken: Path, tmp_path: Path) -> None:
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"model.gone": "2.safetensors"}}))
    with pytest.raises(CheckpointError, match=r"lacks 1 tensors that its index names, model.gone"):
        Checkpoint.open(str(broken))
    (broken / "model.safetensors.index.json").unlink()
    (broken / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no \*.safetensors file"):
        Checkpoint.open(str(broken))
    (broken / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config.json cannot be read"):
        Checkpoint.open(str(broken))
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(CheckpointError, match="not a folder"):
        Checkpoint.open(str(file))


def test_a_trunk_that_lacks_weights_or_has_others(broken: Path) -> None:
    whole = load_file(broken / "model.safetensors")
    lacking = {name: tensor for name, tensor in whole.items() if "layers.1.mlp" not in name}
    save_file(lacking, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks 3 weights of its trunk, .*layers.1.mlp"):
        CheckpointScorer(str(broken), "auto", 4096)
    wide = whole | {"model.norm.weight": whole["model.norm.weight"].repeat(2)}
    save_file(wide, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        CheckpointError, match=r"1 weights of other shapes .*norm.weight .*\[32\] expected, \[64\] found"
    ):
        CheckpointScorer(str(broken), "auto", 4096)


def set_config(folder: Path, **values: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **values}))


def set_weights(folder: Path, **tensors: torch.Tensor) -> None:
    weights = load_file(folder / "model.safetensors") | tensors
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_config_that_cuts_layers_off_is_refused(broken: Path) -> None:
    # Some old checkpoints keep what is computed today: that is no layer.
    set_weights(broken, **{f"model.layers.{i}.self_attn.rotary_emb.inv_freq": torch.ones(4) for i in range(2)})
    CheckpointScorer(str(broken), "auto", 4096)
    set_config(broken, num_hidden_layers=1, layer_types=["full_attention"])
    with pytest.raises(CheckpointError, match=r"12 weights .* no place for, model.layers.1.* \(num_hidden_layers is 1"):
        CheckpointScorer(str(broken), "auto", 4096)


@pytest.mark.parametrize("format", ["skywork", "two-label"])
def test_without_tokenizer_files_there_is_none(
    format: str, fresh_checkpoint: Callable[[str, Path], Path], tmp_path: Path
) -> None:
    """transformers makes an empty one for Qwen2, which encodes every text as nothing."""
    folder = fresh_checkpoint(format, tmp_path / "mute")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    if format == "two-label":
        set_config(folder, model_type="qwen2")
    with pytest.raises(CheckpointError, match=r"no token for the end of a line, one expected .*tokenizer.json"):
        CheckpointScorer(str(folder), "auto", 4096)


def test_a_tokenizer_of_another_model(broken: Path) -> None:
    table = load_file(broken / "model.safetensors")["model.embed_tokens.weight"]
    tokenizer = AutoTokenizer.from_pretrained(broken)
    tokenizer.add_tokens(["<late>"])  # tolerated while no text has it: published tokenizers do know such tokens
    tokenizer.save_pretrained(broken)
    scorer = CheckpointScorer(str(broken), "auto", 4096)
    scorer.score([("Q", ("a",))])
    late = tokenizer.convert_tokens_to_ids("<late>")
    with pytest.raises(CheckpointError, match=rf"writes token {late}, and the model knows {len(table)}"):
        scorer.score([("Q", ("a <late>",))])
    set_weights(broken, **{"model.embed_tokens.weight": table[:50].clone()})
    set_config(broken, vocab_size=50)
    with pytest.raises(CheckpointError, match=rf"knows {tokenizer.vocab_size} tokens, the model 50"):
        CheckpointScorer(str(broken), "auto", 4096)


@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "v_head.summary.bias"])
def test_weights_that_are_no_numbers(name: str, broken: Path) -> None:
    set_weights(broken, **{name: load_file(broken / "model.safetensors")[name] * float("nan")})
    with pytest.raises(CheckpointError, match=r"a score that is not finite \(computed in torch.float32\).*Copy"):
        CheckpointScorer(str(broken), "auto", 4096).score([("Q", ("a",)), ("P", ("b", "b c"))])


def test_a_hub_id_that_was_fetched_before(checkpoint: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the hub's own library keeps it, without network."""
    kept, commit = tmp_path / "models--made--prm", "0" * 40
    shutil.copytree(checkpoint("qwen"), kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = Checkpoint.open("made/prm")
    assert detect_format(found) == "qwen"
    assert found.shapes == Checkpoint.open(str(checkpoint("qwen"))).shapes


def test_a_hub_id_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def offline(*_: object, **__: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(CheckpointError, match=r"not a local folder, and the hub did not give it \(OSError\)"):
        Checkpoint.open("someone/some-prm")
