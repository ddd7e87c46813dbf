"""Checkpoint folders: their config and weight headers, their tokenizer and trunk, and writing a new one.

Knows what a whole checkpoint looks like and says what is missing from a broken one. Tokenizer and trunk go through
transformers' own loader, which alone knows how names in files become names in a model. Never reads pickled weights and
never runs code that lies beside them.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from openrft import (
    CheckpointError,
    ModelSettings,
    UsageError,
    choose_placement,
    make_load_options,
    pin_template_date,
    silence_transformers,
)

_FETCHED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")  # what a scorer needs from a hub repository
_COPY_AGAIN = "Copy or download the checkpoint again."
_ITS_OWN = "Take the config.json published with the weights."
# Weights of another shape are reported rather than raised, so that they are refused in our words.
_REPORTING = {"output_loading_info": True, "ignore_mismatched_sizes": True}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a folder holds."""

    folder: Path
    config: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]  # of every tensor, by name
    files: dict[str, Path]  # the file each tensor lies in

    @staticmethod
    def open(name: str) -> Checkpoint:
        """Read a local folder or a hub id (fetched once). Raises CheckpointError that says what is wrong."""
        folder = Path(name).expanduser()
        if not folder.exists():
            folder = _fetch_from_hub(name)
        if not folder.is_dir():
            raise CheckpointError(f"{name} is not a folder.", "Name the folder that holds config.json.")
        config = _read_json(folder / "config.json")
        shapes: dict[str, tuple[int, ...]] = {}
        files: dict[str, Path] = {}
        for file in _find_weight_files(folder):
            for tensor, shape in _read_shapes(file).items():
                shapes[tensor], files[tensor] = shape, file
        _check_index(folder, shapes)
        return Checkpoint(folder, config, shapes, files)

    def load_tensor(self, name: str) -> torch.Tensor:
        """One tensor as float32."""
        with safe_open(self.files[name], "pt") as weights:
            return weights.get_tensor(name).float()

    def load_rows(self, name: str, rows: Sequence[int]) -> torch.Tensor:
        """Some rows of a matrix as float32, without loading the others. (len(rows), columns)"""
        with safe_open(self.files[name], "pt") as weights:
            matrix = weights.get_slice(name)
            return torch.cat([matrix[row : row + 1] for row in rows]).float()


def load_trunk(checkpoint: Checkpoint, settings: ModelSettings) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and trunk of a checkpoint, on its device in eval mode.

    Raises CheckpointError for an incomplete one, and UsageError for a device or package that is not there and for
    weights that do not fit.
    """
    tokenizer, _ = _load_tokenizer_and_config(checkpoint)
    with _loader_errors(checkpoint):
        placement = choose_placement(str(checkpoint.folder), settings, "prm")
        trunk, report = AutoModel.from_pretrained(
            checkpoint.folder, trust_remote_code=False, **make_load_options(placement, settings), **_REPORTING
        )
    _check_weights(checkpoint, trunk, report)
    if settings.load != "4bit":  # those are put on their device as they are read
        torch.nn.Module.to(trunk, placement.device)  # the trunk's own `to` is typed wrongly
    return tokenizer, trunk.eval()


def check_trunk(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint that `load_trunk` takes. Raises what it would raise, without reading any weight.

    The loader gets tensors of the headers' names and shapes that have no content (torch's meta device).
    """
    tokenizer, config = _load_tokenizer_and_config(checkpoint)
    if getattr(config, "quantization_config", None):
        return tokenizer  # packed weights have other shapes than the model's: only loading them tells
    with _loader_errors(checkpoint):
        with torch.device("meta"):
            kind = type(AutoModel.from_config(config, trust_remote_code=False))
        weights = {name: torch.empty(shape, device="meta") for name, shape in checkpoint.shapes.items()}
        trunk, report = kind.from_pretrained(None, config=config, state_dict=weights, device_map="meta", **_REPORTING)
    _check_weights(checkpoint, trunk, report)
    return tokenizer


def write_checkpoint(
    out: Path,
    trunk: PreTrainedModel,
    head: torch.nn.Linear,
    tokenizer: PreTrainedTokenizerBase,
    format: str,
    base: Checkpoint,
) -> None:
    """The trunk under its family's own name (`model.` for most) and the head under the name its format expects, config
    and tokenizer beside them."""
    name = "score" if format == "two-label" else "v_head.summary"
    weights = {f"{trunk.base_model_prefix}.{key}": value for key, value in trunk.state_dict().items()}
    weights |= {f"{name}.weight": head.weight, f"{name}.bias": head.bias}
    if format == "skywork" and "lm_head.weight" in base.shapes:  # that layout is a whole causal model and its head
        weights["lm_head.weight"] = base.load_tensor("lm_head.weight")
    out.mkdir(parents=True)
    kept = {key: value.detach().cpu().contiguous().clone() for key, value in weights.items()}
    save_file(kept, out / "model.safetensors", metadata={"format": "pt"})
    config = trunk.config.to_dict()
    family = type(trunk).__name__.removesuffix("Model")
    causal = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(trunk.config.model_type, f"{family}ForCausalLM")
    config["architectures"] = [f"{family}ForTokenClassification" if format == "two-label" else causal]
    if format == "two-label":
        config |= {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}}
    (out / "config.json").write_text(json.dumps(config, indent=1, default=str), encoding="utf-8")
    tokenizer.save_pretrained(out)


def _fetch_from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_FETCHED)))
    except Exception as fault:
        raise CheckpointError(
            f"{name!r} is not a local folder, and the hub did not give it ({type(fault).__name__}).",
            "Give the path of a downloaded checkpoint, or try again online.",
        ) from fault


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise CheckpointError(f"{file} cannot be read ({fault}).", _COPY_AGAIN) from fault
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} is not a JSON object.", _COPY_AGAIN)
    return content


def _find_weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if files:
        return files
    pickled = sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
    if pickled:
        raise CheckpointError(
            f"{folder} holds only pickled weights ({pickled[0].name}), which can run code when opened.",
            "Convert them to safetensors where you trust them: model.save_pretrained(FOLDER).",
        )
    raise CheckpointError(f"{folder} holds no *.safetensors file.", _COPY_AGAIN)


def _read_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of one file, from its header."""
    try:
        with safe_open(file, "pt") as weights:
            return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as fault:
        raise CheckpointError(
            f"{file} is not a whole safetensors file ({file.stat().st_size:,} bytes; {fault}).", _COPY_AGAIN
        ) from fault


def _check_index(folder: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return
    missing = sorted(set(_read_json(index).get("weight_map", {})) - set(shapes))
    if missing:
        raise CheckpointError(
            f"{folder} lacks {len(missing)} tensors that its index names, {missing[0]} among them.",
            "A shard is missing: copy or download the checkpoint again.",
        )


def _load_tokenizer_and_config(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """Tokenizer and config, which must fit each other."""
    with _loader_errors(checkpoint):
        tokenizer = pin_template_date(AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False))
        config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
    # Without its files some tokenizers are made all the same, with an empty vocabulary.
    if not tokenizer.encode("\n", add_special_tokens=False):
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} has no token for the end of a line, one expected"
            f" (it knows {len(tokenizer)} tokens).",
            "Copy the tokenizer published with the model, tokenizer.json above all, into the folder.",
        )
    known = getattr(config, "vocab_size", None)
    if known and tokenizer.vocab_size > known:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.folder} knows {tokenizer.vocab_size} tokens, the model {known}.",
            "Take the tokenizer published with the model.",
        )
    return tokenizer, config


def _check_weights(checkpoint: Checkpoint, trunk: PreTrainedModel, report: Mapping[str, Any]) -> None:
    """Refuse weights that are not those that the config describes."""
    missing = sorted(report["missing_keys"])
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} lacks {len(missing)} weights of its trunk, {missing[0]} among them.",
            _COPY_AGAIN,
        )
    others = sorted(report["mismatched_keys"])
    if others:
        name, found, wanted = others[0]
        raise CheckpointError(
            f"{checkpoint.folder} has {len(others)} weights of other shapes than its config says, {name} among them:"
            f" {list(wanted)} expected, {list(found)} found.",
            _ITS_OWN,
        )
    # The heads are left over, as they should be; a layer that is left over was cut off by the config.
    parts = {name.split(".")[0] for name in trunk.state_dict()}
    prefix = f"{trunk.base_model_prefix}."
    left = sorted(name for name in report["unexpected_keys"] if name.removeprefix(prefix).split(".")[0] in parts)
    if left:
        raise CheckpointError(
            f"{checkpoint.folder} has {len(left)} weights in its trunk that its config has no place for, {left[0]}"
            f" among them (num_hidden_layers is {getattr(trunk.config, 'num_hidden_layers', 'missing')}).",
            _ITS_OWN,
        )


@contextmanager
def _loader_errors(checkpoint: Checkpoint) -> Iterator[None]:
    """Whatever the loader raises becomes one line."""
    try:
        with silence_transformers():
            yield
    except UsageError:
        raise
    except Exception as fault:
        reason = textwrap.shorten(str(fault), 240, placeholder=" ...") or type(fault).__name__
        raise CheckpointError(
            f"{checkpoint.folder} cannot be loaded: {reason}",
            "Give a whole transformers checkpoint: config, tokenizer and safetensors weights.",
        ) from fault
