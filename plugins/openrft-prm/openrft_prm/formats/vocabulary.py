"""Formats that answer through the vocabulary: the probability of + against -, from two rows of the output matrix."""

from __future__ import annotations

import torch
from transformers import AutoConfig

from openrft import CheckpointError
from openrft_prm.checkpoint import Checkpoint

_SCALED_BY = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
_EMBEDDINGS = ("model.embed_tokens.weight", "transformer.wte.weight")


class PlusMinus:
    """softmax over the logits of two tokens; the rest of the vocabulary is never computed."""

    def __init__(self, checkpoint: Checkpoint, plus: int, minus: int) -> None:
        scaled = [key for key in _SCALED_BY if checkpoint.config.get(key) not in (None, 1, 1.0)]
        if scaled:
            raise CheckpointError(
                f"{checkpoint.folder} changes its logits ({scaled[0]}), which this reader does not do.",
                "Choose a process reward model with plain logits.",
            )
        # Many configs leave out what their family takes for granted, so transformers says whether it is tied.
        tied = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False).tie_word_embeddings
        names = ("lm_head.weight", *(_EMBEDDINGS if tied else ()))
        name = next((n for n in names if n in checkpoint.shapes), None)
        if name is None:
            raise CheckpointError(
                f"{checkpoint.folder} has no output matrix: {' or '.join(names)} expected, none found"
                f" (tie_word_embeddings is {str(tied).lower()}).",
                "Choose a causal language model checkpoint, or copy it again.",
            )
        self._weight = checkpoint.rows(name, [plus, minus])

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        """(steps, hidden) -> the probability of +, (steps,)."""
        return torch.softmax(torch.nn.functional.linear(hidden, self._weight), dim=-1)[:, 0]
