"""The critic of a transformers policy: V(s_t), the return that is still to come before each completion token.

By default it shares the policy's frozen trunk and has its own LoRA adapter and value head, so it needs little memory. A
separate critic is a copy of the trunk, all of which is trained.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import CausalLMOutputWithPast

from openrft.policies.logprobs import compute_values
from openrft.policies.optimizer_state import load_optimizer_state, save_optimizer_state

NAME = "critic"  # of its adapter


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """What is needed to build a critic before its weights are loaded."""

    rank: int  # of its adapter; ignored for a separate critic
    alpha: int
    seed: int
    separate: bool = False


class ValueModel(nn.Module):
    """Trunk and value head with the interface of a causal language model that has one logit. Code that runs a language
    model over completions can then run a critic too."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk, self.config = trunk, trunk.config
        self.device, self.dtype = trunk.device, trunk.dtype
        self.head = nn.Linear(trunk.config.hidden_size, 1, device=trunk.device, dtype=torch.float32)
        nn.init.zeros_(self.head.weight)  # V = 0 at the start, so the first advantages are plain returns
        nn.init.zeros_(self.head.bias)

    @property
    def model(self) -> Any:
        """The trunk, under the name that it has in a causal language model."""
        return self.trunk

    def lm_head(self, hidden: torch.Tensor) -> torch.Tensor:
        """Values (..., 1) of the last hidden states."""
        values: torch.Tensor = self.head(hidden.float())
        return values

    def forward(self, logits_to_keep: int = 0, **inputs: Any) -> CausalLMOutputWithPast:
        """`logits` (B, T, 1) are the values. `logits_to_keep` = n keeps those of the last n positions; 0 keeps all."""
        hidden = self.trunk(**inputs).last_hidden_state[:, -logits_to_keep:]
        return CausalLMOutputWithPast(logits=self.lm_head(hidden))


class Critic:
    """See `openrft.policies.base.Critic` for the contract of each method."""

    def __init__(self, model: Any, pad: int, shape: CriticConfig) -> None:
        """`model` is the policy's PeftModel, its own adapter named "default"."""
        self._policy, self._pad, self.shape = model, pad, shape
        if shape.separate:
            # Always in float32: small updates of full weights would be lost in bfloat16.
            trunk = copy.deepcopy(model).unload().base_model.requires_grad_(True).float()
        else:
            _add_adapter(model, shape)
            trunk = model.get_base_model().base_model
        self._model = ValueModel(trunk)
        self._optimizer: torch.optim.Optimizer | None = None

    def values(
        self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with self._awake():
            return compute_values(self._model, prompts, completions, self._pad)

    def get_optimizer(self, lr: float) -> torch.optim.Optimizer:
        if self._optimizer is None:
            self._optimizer = torch.optim.AdamW(self._trained_parameters().values(), lr=lr, weight_decay=0.0)
        return self._optimizer

    def save(self, folder: Path) -> None:
        """Write shape, weights and optimizer state to a new folder."""
        from safetensors.torch import save_file

        folder.mkdir()
        (folder / "shape.json").write_text(json.dumps(asdict(self.shape)), encoding="utf-8")
        save_file(
            {n: p.detach().contiguous() for n, p in self._trained_parameters().items()}, folder / "critic.safetensors"
        )
        save_optimizer_state(self._optimizer, folder / "optimizer.safetensors")

    @classmethod
    def load(cls, folder: Path, model: Any, pad: int) -> Critic:
        """The critic that `save` wrote, on the same policy."""
        from safetensors.torch import load_file

        critic = cls(model, pad, CriticConfig(**json.loads((folder / "shape.json").read_text("utf-8"))))
        saved = load_file(folder / "critic.safetensors")
        with torch.no_grad():
            for name, parameter in critic._trained_parameters().items():
                parameter.copy_(saved[name])
        load_optimizer_state(critic.get_optimizer(lr=0.0), folder / "optimizer.safetensors")
        return critic

    def leave(self) -> None:
        """Take the critic's adapter off the policy."""
        if not self.shape.separate:
            self._policy.delete_adapter(NAME)

    def parameters(self) -> Iterable[nn.Parameter]:
        """The parameters that are trained."""
        return self._trained_parameters().values()

    def _trained_parameters(self) -> dict[str, nn.Parameter]:
        every = dict(self._model.named_parameters())
        return every if self.shape.separate else {n: p for n, p in every.items() if _own(n) or n.startswith("head.")}

    @contextmanager
    def _awake(self) -> Iterator[None]:
        """In this context the trunk uses the critic's adapter instead of the policy's."""
        if self.shape.separate:
            yield
            return
        self._policy.set_adapter(NAME)
        try:
            yield
        finally:
            self._policy.set_adapter("default")
            # Activating one adapter freezes the other, and a frozen parameter would get no gradient later.
            for name, parameter in self._policy.named_parameters():
                if _own(name):
                    parameter.requires_grad_(True)


def _add_adapter(model: Any, shape: CriticConfig) -> None:
    from peft import LoraConfig

    torch.manual_seed(shape.seed)
    targets = model.peft_config["default"].target_modules  # the same layers as the policy's adapter
    model.add_adapter(NAME, LoraConfig(r=shape.rank, lora_alpha=shape.alpha, target_modules=sorted(targets)))
    model.set_adapter("default")


def _own(name: str) -> bool:
    return "lora_" in name and f".{NAME}." in name
