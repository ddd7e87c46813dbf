"""The formats that process reward models are published in, and how a checkpoint shows which one is its own.

A format writes a problem and its steps as model input and turns hidden states into scores. Two kinds exist: those with
a head of their own (with_head.py) and those that answer + or - through the vocabulary (with_vocabulary.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from openrft import CheckpointError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from openrft_prm.checkpoint import Checkpoint
    from openrft_prm.groups import Pair
    from openrft_prm.inputs import ModelInput

# The head tensors each format must have, with their shapes; h is the trunk's hidden size.
HEADS: dict[str, dict[str, tuple[int | str, ...]]] = {
    "skywork": {"v_head.summary.weight": (1, "h"), "v_head.summary.bias": (1,)},
    "qwen": {
        "score.0.weight": ("h", "h"),
        "score.0.bias": ("h",),
        "score.2.weight": (2, "h"),
        "score.2.bias": (2,),
    },
    "two-label": {"score.weight": (2, "h")},
    "math-shepherd": {},
    "rlhflow": {},
}


class Format(Protocol):
    """A way to ask a causal trunk about steps. Built as `Format(tokenizer, checkpoint)`."""

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        """One input for each pair, with one end a step (`openrft.split_steps`)."""
        ...

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        """(steps, hidden) float32, the hidden states after the final norm at the steps' ends -> (steps,) in [0, 1]."""
        ...


def detect_format(checkpoint: Checkpoint, wanted: str = "auto") -> str:
    """The checkpoint's format, or `wanted` once its head tensors are found. Raises CheckpointError."""
    name = _guess_format(checkpoint) if wanted == "auto" else wanted
    kinds = [str(kind) for kind in checkpoint.config.get("architectures") or ()]
    if wanted == "auto" and name == "two-label" and any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise CheckpointError(
            f"{checkpoint.folder} classifies whole texts ({kinds[0]}), and a process reward model judges steps.",
            "If it was trained on steps all the same, say --set prm.format=two-label.",
        )
    hidden = checkpoint.config.get("hidden_size") or checkpoint.config.get("n_embd")
    for tensor, shape in HEADS[name].items():
        expected = tuple(hidden if size == "h" else size for size in shape)
        found = checkpoint.shapes.get(tensor)
        if found != expected:
            raise CheckpointError(
                f"{checkpoint.folder} is not a {name} process reward model: {tensor} of shape {list(expected)}"
                f" expected, {list(found) if found else 'none'} found.",
                "Check prm.model and prm.format.",
            )
    return name


def build_format(name: str, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> Format:
    """The format of this name for this checkpoint."""
    from openrft_prm.formats.with_head import QwenFormat, SkyworkFormat, TwoLabelFormat
    from openrft_prm.formats.with_vocabulary import MathShepherdFormat, RLHFlowFormat

    kinds: dict[str, Callable[[Any, Checkpoint], Format]] = {
        "skywork": SkyworkFormat,
        "qwen": QwenFormat,
        "two-label": TwoLabelFormat,
        "math-shepherd": MathShepherdFormat,
        "rlhflow": RLHFlowFormat,
    }
    return kinds[name](tokenizer, checkpoint)


def _guess_format(checkpoint: Checkpoint) -> str:
    for name, heads in HEADS.items():
        if heads and next(iter(heads)) in checkpoint.shapes:
            return name
    # Math-Shepherd and RLHFlow answer + or - through the ordinary vocabulary: nothing in the weights tells them
    # from a language model that was never trained to judge, so only their published names are taken as a sign.
    known_as = f"{checkpoint.config.get('_name_or_path', '')} {checkpoint.folder}".lower()
    if "math-shepherd" in known_as:
        return "math-shepherd"
    if "rlhflow" in known_as or "-prm-deepseek-data" in known_as or "-prm-mistral-data" in known_as:
        return "rlhflow"
    others = [name for name in checkpoint.shapes if not name.startswith(("model.", "transformer."))][:4]
    raise CheckpointError(
        f"{checkpoint.folder} shows no head of a process reward model (v_head.summary, score.0 and score.2, or a"
        f" two-label score expected; outside the trunk it has {', '.join(others) or 'nothing'}).",
        "If it answers steps with + or -, say --set prm.format=rlhflow (chat turns) or math-shepherd.",
    )
