"""What a policy must do: generate. What a policy that can be trained must do besides."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from openrft.runtime.progress import Progress
from openrft.types import Completion, Message


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn."""

    n: int = 1  # completions a prompt
    temperature: float = 0.6  # 0 = greedy; the paper evaluates at 0.6 (section 3)
    top_p: float = 1.0
    max_tokens: int = 2048
    seed: int = 0  # same seed, same prompts, same machine: same completions


class Policy(Protocol):
    """Something that answers chat prompts."""

    id: str  # changes when the answers may change (weights, adapter, server and model)

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """`sampling.n` completions for each prompt, in order. Raises PolicyError.

        A prompt that ends with an assistant's message asks to go on from there: the message is the beginning of the
        answer, and completions hold what comes after it. A policy that cannot do that raises UsageError.
        """
        ...


class Critic(Protocol):
    """What judges the states of a policy's completions, and is trained beside it."""

    def values(self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """V(s_t), the return still to come before each completion token: (B, T) and a mask (B, T).

        Gradient flows into the critic alone. Rows with the same prompt should follow each other.
        """
        ...

    def get_optimizer(self, lr: float) -> Any:
        """The AdamW over the critic: made at the first call, the same one afterwards."""
        ...


class TrainablePolicy(Policy, Protocol):
    """A policy whose weights are at hand: a transformers model with, at times, one LoRA adapter on top.

    `model` is a transformers PreTrainedModel or, while an adapter is attached, a peft PeftModel over it;
    `tokenizer` its PreTrainedTokenizer. A trainer may replace `model` with the PeftModel it made from it.
    """

    model: Any
    tokenizer: Any
    critic: Critic | None  # None until `attach_critic`; it goes when the adapter is merged or dropped

    @property
    def context(self) -> int:
        """The longest sequence, prompt and completion together, in tokens."""
        ...

    @property
    def exact_sampling_logprobs(self) -> bool:
        """Whether the log-probabilities kept from sampling are those of `completion_logprobs`, but for float32's
        rounding; where not, what is learnt from them must be asked for again."""
        ...

    @property
    def end_token(self) -> int:
        """The token a finished completion ends with."""
        ...

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is attached."""
        ...

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the rendered prompt, generation prompt included."""
        ...

    def attach_lora(self, rank: int, alpha: int, seed: int) -> None:
        """Put a fresh LoRA adapter (zero effect) on every linear layer; only it will be trained."""
        ...

    def disable_adapter(self) -> AbstractContextManager[None]:
        """Within this context the adapter is off: the policy as it was when the adapter was attached."""
        ...

    def merge_adapter(self) -> None:
        """Fold the adapter into the weights; the policy becomes its own new reference."""
        ...

    def drop_adapter(self) -> None:
        """Take the adapter off unmerged; nothing if there is none."""
        ...

    def get_optimizer(self, lr: float, weight_decay: float = 0.0) -> Any:
        """The AdamW over the adapter: made at the first call after `attach_lora`, the same one afterwards. The first
        call after `load_training` says its learning rate and weight decay, which are not kept."""
        ...

    def completion_logprobs(
        self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], temperature: float = 1.0
    ) -> tuple[Any, Any]:
        """Log-probabilities, with gradient, of completion tokens given their prompts: (B, T) and a mask (B, T).

        Rows that follow each other with the same prompt share its forward pass.
        """
        ...

    def attach_critic(self, rank: int, alpha: int, seed: int, separate: bool = False) -> None:
        """Put a fresh critic (V = 0) beside the adapter: a value head and an adapter of its own on the shared trunk, or
        a separate copy of the trunk, trained whole. Raises OpenRFTError for a policy without an adapter."""
        ...

    def save_adapter(self, folder: Path) -> None:
        """Write the adapter in PEFT's own format, without the critic."""
        ...

    def load_adapter(self, folder: Path) -> None:
        """Attach an adapter written by `save_adapter`, trainable."""
        ...

    def save_training_state(self, folder: Path) -> None:
        """Write adapter, critic and their optimizers, so that training goes on with the same bits."""
        ...

    def load_training_state(self, folder: Path) -> None:
        """Read what `save_training` wrote."""
        ...
