"""The formats process reward models are published in, and how a checkpoint shows which is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openrft import CheckpointError

if TYPE_CHECKING:
    from openrft_prm.checkpoint import Checkpoint
    from openrft_prm.layout import Format

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


def detect(checkpoint: Checkpoint, wanted: str = "auto") -> str:
    """The checkpoint's format, or `wanted` once its head tensors are found. Raises CheckpointError."""
    name = _guess(checkpoint) if wanted == "auto" else wanted
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


def _guess(checkpoint: Checkpoint) -> str:
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


def build(name: str, tokenizer: Any, checkpoint: Checkpoint) -> Format:
    """The format of this name for this checkpoint."""
    if name == "skywork":
        from openrft_prm.formats.skywork import Skywork

        return Skywork(tokenizer, checkpoint)
    if name == "qwen":
        from openrft_prm.formats.qwen import Qwen

        return Qwen(tokenizer, checkpoint)
    if name == "two-label":
        from openrft_prm.formats.two_label import TwoLabel

        return TwoLabel(tokenizer, checkpoint)
    if name == "math-shepherd":
        from openrft_prm.formats.math_shepherd import MathShepherd

        return MathShepherd(tokenizer, checkpoint)
    from openrft_prm.formats.rlhflow import RLHFlow

    return RLHFlow(tokenizer, checkpoint)
