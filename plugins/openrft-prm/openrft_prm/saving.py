"""A training's result as a checkpoint in the format's own layout, and its state after each epoch, whole or absent."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from openrft import UsageError
from openrft_prm.checkpoint import Checkpoint


class Unfinished:
    """`OUT.part`, the folder of a training that goes on; `draft` is where its result is put together."""

    def __init__(self, out: Path, settings: Mapping[str, Any]) -> None:
        self.folder = out.with_name(out.name + ".part")
        self.draft = self.folder / "draft"
        self._state = self.folder / "state.safetensors"
        self._key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise UsageError(f"{self.folder} cannot be written ({fault.strerror}).", "Give another --out.") from fault
        shutil.rmtree(self.draft, ignore_errors=True)

    def save(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, epochs: int) -> None:
        """Keep the state after so many epochs, in place of an earlier one."""
        tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        for i, entry in optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{name}": tensor for name, tensor in entry.items()}
        # The weights of a tied matrix stand there once for each of its names.
        kept = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        draft = self._state.with_suffix(".tmp")
        save_file(kept, draft, metadata={"key": self._key, "epochs": str(epochs)})
        draft.replace(self._state)

    def restore(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Set model and optimiser to the kept state and say how many epochs it has seen; 0 without one.

        Raises UsageError if the state is of another training.
        """
        from safetensors import safe_open

        if not self._state.exists():
            return 0
        with safe_open(self._state, "pt") as file:
            metadata = file.metadata()
        if metadata["key"] != self._key:
            raise UsageError(
                f"{self.folder} holds a training run with other data or settings.", "Remove it, or give another --out."
            )
        tensors = load_file(self._state)
        model.load_state_dict({n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, index, part = name.split(".")
                state.setdefault(int(index), {})[part] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return int(metadata["epochs"])


def write(out: Path, trunk: Any, head: torch.nn.Linear, tokenizer: Any, format: str, base: Checkpoint) -> None:
    """The trunk under its family's own name (`model.` for most) and the head under the name its format expects, config
    and tokenizer beside them."""
    name = "score" if format == "two-label" else "v_head.summary"
    weights = {f"{trunk.base_model_prefix}.{key}": value for key, value in trunk.state_dict().items()}
    weights |= {f"{name}.weight": head.weight, f"{name}.bias": head.bias}
    if format == "skywork" and "lm_head.weight" in base.shapes:  # that layout is a whole causal model and its head
        weights["lm_head.weight"] = base.tensor("lm_head.weight")
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
