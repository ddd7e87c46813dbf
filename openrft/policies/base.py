"""The contracts of a policy, of a policy that can be trained, and of its critic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from openrft.runtime.progress import Progress
from openrft.types import Completion, Message

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor
    from torch.nn import Parameter
    from torch.optim import Optimizer
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn."""

    n: int = 1  # completions per prompt
    temperature: float = 0.6  # 0 = greedy; the paper evaluates at 0.6 (section 3)
    top_p: float = 1.0
    max_tokens: int = 2048
    seed: int = 0  # the same seed and prompts on the same machine give the same completions
    json_schema: Mapping[str, Any] | None = None  # a schema that a server is asked to keep to; others ignore it
    reasoning_effort: str | None = None  # what a server's reasoning model is asked for; others ignore it


class Policy(Protocol):
    """Something that answers chat prompts."""

    id: str  # changes whenever the answers may change (weights, adapter, server, model)

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """`sampling.n` completions for each prompt, in order. Raises PolicyError.

        If a prompt ends with an assistant message, that message is the beginning of the answer and completions continue
        it. A policy that cannot do that raises UsageError.
        """
        ...


class Critic(Protocol):
    """Estimates the value of each state in a policy's completions, and is trained with the policy."""

    def values(self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """V(s_t), the return still to come before each completion token: (B, T) and a mask (B, T).

        Gradients flow into the critic alone. Rows with the same prompt should be adjacent.
        """
        ...

    def get_optimizer(self, lr: float) -> Optimizer:
        """The AdamW of the critic. It is made at the first call and kept."""
        ...

    def parameters(self) -> Iterable[Parameter]:
        """The parameters that are trained."""
        ...


class TrainablePolicy(Policy, Protocol):
    """A policy with weights in this process: a transformers model with at most one LoRA adapter.

    `model` is a transformers PreTrainedModel, or a peft PeftModel over it while an adapter is attached. `tokenizer` is
    its PreTrainedTokenizer. A trainer may replace `model` with the PeftModel it made from it.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    critic: Critic | None  # None until `attach_critic`; removed when the adapter is merged or dropped
    recompute_activations: bool  # whether `completion_logprobs` keeps few activations, to save memory

    @property
    def context(self) -> int:
        """The longest sequence, prompt and completion together, in tokens."""
        ...

    @property
    def exact_sampling_logprobs(self) -> bool:
        """Whether the log-probabilities from sampling equal those of `completion_logprobs`, up to float32 rounding. If
        not, the old log-probabilities of an update must be computed again."""
        ...

    @property
    def end_token(self) -> int:
        """The token that a finished completion ends with."""
        ...

    @property
    def has_adapter(self) -> bool:
        """Whether an adapter is attached."""
        ...

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the rendered prompt, including the generation prompt."""
        ...

    def encode_target(self, text: str) -> list[int]:
        """Token ids, the end token included, with which this policy should answer `encode(messages)` to write `text`:
        a trace of its own or of another policy. Its thought, if it has one, is marked as this policy marks thoughts."""
        ...

    def decode_completion(self, messages: Sequence[Message], tokens: Sequence[int]) -> str:
        """The text of a completion: `tokens` without an end token. If the prompt has opened a thought, the text begins
        with its mark, although no token of the completion holds it. No newline is added."""
        ...

    def attach_lora(self, rank: int, alpha: int, seed: int) -> None:
        """Put a new LoRA adapter (with no effect yet) on every linear layer. Only the adapter is trained."""
        ...

    def disable_adapter(self) -> AbstractContextManager[None]:
        """In this context the adapter is off: the policy is as it was when the adapter was attached."""
        ...

    def merge_adapter(self) -> None:
        """Merge the adapter into the weights. The policy becomes its own new reference."""
        ...

    def drop_adapter(self) -> None:
        """Remove the adapter without merging it; does nothing if there is none."""
        ...

    def get_optimizer(self, lr: float, weight_decay: float = 0.0) -> Optimizer:
        """The AdamW of the adapter. It is made at the first call after `attach_lora` and kept. The first call after
        `load_training_state` sets its learning rate and weight decay, which are not saved."""
        ...

    def completion_logprobs(
        self,
        prompts: Sequence[Sequence[int]],
        completions: Sequence[Sequence[int]],
        temperature: float = 1.0,
        across_prompts: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities, with gradient, of completion tokens given their prompts: (B, T) and a mask (B, T).

        Adjacent rows with the same prompt share its forward pass. across_prompts: all rows share what their prompts
        begin with, where the model's own passes over trees fit. That saves time and rounds otherwise.
        """
        ...

    def completion_logits(
        self, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]]
    ) -> tuple[Tensor, Tensor]:
        """The logits, with gradient, before each completion token: (N, V) for all N tokens of the completions in order,
        and a mask (B, T) that is 1 at those tokens."""
        ...

    def attach_critic(self, rank: int, alpha: int, seed: int, separate: bool = False) -> None:
        """Add a new critic (V = 0): a value head and a second adapter on the shared trunk, or a separate copy of the
        trunk, all of which is trained. Raises OpenRFTError for a policy without an adapter."""
        ...

    def save_adapter(self, folder: Path) -> None:
        """Write the adapter in PEFT's own format, without the critic."""
        ...

    def load_adapter(self, folder: Path) -> None:
        """Attach an adapter written by `save_adapter`, trainable."""
        ...

    def save_training_state(self, folder: Path) -> None:
        """Write adapter, critic and their optimizers, so that training continues with the same bits."""
        ...

    def load_training_state(self, folder: Path) -> None:
        """Read what `save_training_state` wrote."""
        ...
