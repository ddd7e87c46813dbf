"""A process reward model at work: the completions of a question read together, all their steps at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch

from openrft import CheckpointError
from openrft_prm.batches import batches
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats import build, detect
from openrft_prm.groups import Group, Steps
from openrft_prm.layout import Layout, refuse_unknown
from openrft_prm.tree import Tree, ancestry, packed, trees
from openrft_prm.trunk import check, load

BLOCK = 64  # steps judged at once
NODES = 2048  # tokens a tree: attention grows with their square, and beyond this costs more than sharing saves


class CheckpointScorer:
    """A trunk without its vocabulary head, and the format's own head on the hidden states of the steps' ends."""

    def __init__(self, path: str, format: str, batch_tokens: int, device: str = "auto", dtype: str = "auto") -> None:
        checkpoint = Checkpoint.open(path)
        self.format_name = detect(checkpoint, format)
        self.counts: dict[str, int] = {}
        self._batch_tokens = batch_tokens
        on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        self._device = torch.device("cuda" if on_gpu else "cpu")
        auto = torch.bfloat16 if on_gpu else torch.float32
        tokenizer, self._trunk = load(checkpoint, auto if dtype == "auto" else getattr(torch, dtype))
        self._trunk.to(self._device).eval()
        self._format = build(self.format_name, tokenizer, checkpoint)
        config = checkpoint.config
        self._context = int(config.get("max_position_embeddings") or config.get("n_positions") or 1 << 30)
        self._checkpoint = checkpoint

    def score(self, groups: Sequence[Group]) -> list[list[Steps]]:
        """For each (problem, completions) and each of the completions one score in [0, 1] a step, in order.

        On a CPU the bits of a score depend on its own group, not on what else is asked. A step that ends beyond the
        model's context scores 0 and is counted: one that rambles on must neither end the run nor earn anything for
        what was never read.
        """
        whole = self._format.layouts([(problem, text) for problem, texts in groups for text in texts])
        layouts = [_cut(layout, self._context) for layout in whole]
        refuse_unknown(layouts, self._checkpoint)
        forest, at = [], 0
        for _, texts in groups:
            forest += trees(layouts, range(at, at + len(texts)), self._nodes)
            at += len(texts)
        read = self._read(forest)
        unread = [len(a.ends) - len(b.ends) for a, b in zip(whole, layouts, strict=True)]
        self.counts = {"steps_beyond_context": sum(unread)} if any(unread) else {}
        each = iter([(*read[i], *(0.0,) * missing) for i, missing in enumerate(unread)])
        return [[next(each) for _ in texts] for _, texts in groups]

    def _read(self, forest: Sequence[Tree]) -> dict[int, Steps]:
        """The scores of each layout in the trees."""
        found: dict[int, Steps] = {}
        for branched in (True, False):
            chosen = [tree for tree in forest if (len(tree.members) > 1) is branched]
            for width, rows in batches([len(tree.ids) for tree in chosen], self._batch_tokens):
                flat = iter(self._judge(self._hidden([chosen[row] for row in rows], width)))
                for tree in (chosen[row] for row in rows):
                    for i, ends in zip(tree.members, tree.ends, strict=True):
                        found[i] = tuple(next(flat) for _ in ends)
        return found

    @torch.inference_mode()
    def _hidden(self, batch: Sequence[Tree], width: int) -> torch.Tensor:
        """Hidden states where steps end, tree after tree: (steps, hidden) float32. Either all trees have several
        members or none has."""
        at = [(row, end) for row, tree in enumerate(batch) for ends in tree.ends for end in ends]
        rows, ends = torch.tensor(at, dtype=torch.long, device=self._device).reshape(-1, 2).T
        ids, positions = (tensor.to(self._device) for tensor in packed(batch, width))
        more: dict[str, Any] = {}
        if len(batch[0].members) > 1:
            away = torch.finfo(self._trunk.dtype).min
            bias = torch.zeros((), dtype=self._trunk.dtype).where(ancestry(batch, width), away)
            more = {"attention_mask": bias.to(self._device), "position_ids": positions}
        # Else no mask: the padding is on the right, and in a causal trunk nothing looks to the right.
        hidden = self._trunk(input_ids=ids, use_cache=False, **more).last_hidden_state
        return hidden[rows, ends].float().cpu()

    def _judge(self, hidden: torch.Tensor) -> list[float]:
        """(steps, hidden) -> a score each, through heads of one fixed shape: how many rows a kernel gets decides in
        which order it adds, and a score must not depend on its neighbours (see `batches`)."""
        steps = len(hidden)
        blocks = torch.nn.functional.pad(hidden, (0, 0, 0, -steps % BLOCK)).split(BLOCK)
        scores = [score for block in blocks for score in self._format.scores(block).tolist()][:steps]
        if not all(map(math.isfinite, scores)):
            raise CheckpointError(
                f"{self._checkpoint.folder} gives a step a score that is no number (computed in {self._trunk.dtype}).",
                "Copy or download the checkpoint again: its weights hold such numbers, or --set prm.dtype=float32.",
            )
        return scores

    @functools.cached_property
    def _nodes(self) -> int:
        """Tokens a tree; 0, which is each completion alone, for a trunk that a mask does not bind (a recurrent one), or
        that has windows of its own, which the tree's mask would replace."""
        if _slides(self._trunk.config):
            return 0
        alike = [Layout([1, 2, 3, 4], [3]), Layout([1, 2, 5, 3], [3])]
        try:
            together = self._hidden([*trees(alike, (0, 1), NODES)], 16)
        except Exception:  # noqa: BLE001  # any architecture may stand here: what it cannot be asked, it need not be
            return 0
        alone = self._hidden([*trees(alike, (0, 1), 0)], 16)
        if not alone.isfinite().all():
            return 0  # nothing can be compared; `_judge` refuses what comes of it
        return NODES if torch.allclose(together, alone, rtol=0.05, atol=0.05 * float(alone.std())) else 0


def refuse_early(path: str, format: str) -> None:
    """Raise CheckpointError for what CheckpointScorer would refuse, as far as headers, tokenizer and the layout of one
    completion tell."""
    checkpoint = Checkpoint.open(path)
    name = detect(checkpoint, format)
    reader = build(name, check(checkpoint), checkpoint)
    refuse_unknown(reader.layouts([("1 + 1 = ?", "It is 2.\n\\boxed{A}")]), checkpoint)


def _slides(config: Any) -> bool:
    """Whether some layers see a window of the text only."""
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return any(kind != "full_attention" for kind in kinds)
    return bool(getattr(config, "sliding_window", None)) and getattr(config, "use_sliding_window", True)


def _cut(layout: Layout, context: int) -> Layout:
    """What of a layout fits into the model's context."""
    if len(layout.ids) <= context:
        return layout
    return Layout(layout.ids[:context], [end for end in layout.ends if end < context])
