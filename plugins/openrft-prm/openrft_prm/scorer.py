"""A process reward model at work: the completions of a question read together, all their steps at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import torch

from openrft import CheckpointError
from openrft.forest import Forest, grow, read, readable
from openrft_prm.batches import BLOCK, blocks, by_width, in_order
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats import build, detect
from openrft_prm.groups import Group, Steps
from openrft_prm.layout import Layout, refuse_unknown
from openrft_prm.trunk import check, load

JUDGED = 64  # steps judged at once
NODES = 2048  # distinct tokens of a group that are read together; a group with more is read in parts
CACHE = 2048  # tokens a forward on a CPU at most: what one layer makes of them, the next finds in the cache


class CheckpointScorer:
    """A trunk without its vocabulary head, and the format's own head on the hidden states of the steps' ends."""

    def __init__(self, path: str, format: str, batch_tokens: int, device: str = "auto", dtype: str = "auto") -> None:
        checkpoint = Checkpoint.open(path)
        self.format_name = detect(checkpoint, format)
        self.counts: dict[str, int] = {}
        on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
        self._device = torch.device("cuda" if on_gpu else "cpu")
        self._batch_tokens = batch_tokens if on_gpu else min(batch_tokens, CACHE)
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
        by_group, at = list[list[int]](), 0
        for _, texts in groups:
            by_group.append(list(range(at, at + len(texts))))
            at += len(texts)
        told = [i for i, layout in enumerate(layouts) if layout.ends]
        found = self._together(layouts, by_group) if readable(self._trunk.config) else self._alone(layouts, told)
        unread = [len(a.ends) - len(b.ends) for a, b in zip(whole, layouts, strict=True)]
        self.counts = {"steps_beyond_context": sum(unread)} if any(unread) else {}
        each = iter([(*found.get(i, ()), *(0.0,) * missing) for i, missing in enumerate(unread)])
        return [[next(each) for _ in texts] for _, texts in groups]

    def _together(self, layouts: Sequence[Layout], groups: Sequence[Sequence[int]]) -> dict[int, Steps]:
        """The scores of each layout; those of a group are read as a tree, in which what they share stands once."""
        found: dict[int, Steps] = {}
        parts = [part for group in groups for part in _parts(layouts, [i for i in group if layouts[i].ends])]
        for run in in_order([size for _, size in parts], self._batch_tokens):
            trees = [parts[i][0] for i in run]
            forest = grow([[layouts[i].ids for i in tree] for tree in trees], BLOCK)
            members = [i for tree in trees for i in tree]
            ends = {i: [path[end] for end in layouts[i].ends] for i, path in zip(members, forest.paths, strict=True)}
            wanted, start = list[int](), 0
            for tree, size in (parts[i] for i in run):
                wanted += _in_blocks({node for i in tree for node in ends[i]}, range(start, start + size))
                start += size
            scores = dict(zip(wanted, self._judge(self._hidden(forest, wanted)), strict=True))
            found.update({i: tuple(scores[node] for node in ends[i]) for i in members})
        return found

    @torch.inference_mode()
    def _hidden(self, forest: Forest, wanted: Sequence[int]) -> torch.Tensor:
        return read(self._trunk, forest, wanted).float().cpu()

    @torch.inference_mode()
    def _alone(self, layouts: Sequence[Layout], chosen: Sequence[int]) -> dict[int, Steps]:
        """The scores of each of the chosen layouts, read by itself: for a trunk whose layers are not ours to call."""
        found: dict[int, Steps] = {}
        for width, batch in by_width([len(layouts[i].ids) for i in chosen], self._batch_tokens):
            rows = [layouts[chosen[place]] for place in batch]
            # No mask: the padding is on the right, and in a causal trunk nothing looks to the right.
            ids = torch.tensor([row.ids + [0] * (width - len(row.ids)) for row in rows], device=self._device)
            hidden = self._trunk(input_ids=ids, use_cache=False).last_hidden_state
            at = [(row, end) for row, layout in enumerate(rows) for end in layout.ends]
            lines, ends = torch.tensor(at, device=self._device).T
            scores = iter(self._judge(hidden[lines, ends].float().cpu()))
            found.update({chosen[i]: tuple(next(scores) for _ in layouts[chosen[i]].ends) for i in batch})
        return found

    def _judge(self, hidden: torch.Tensor) -> list[float]:
        """(steps, hidden) -> a score each, through heads of one fixed shape: how many rows a kernel gets decides in
        which order it adds, and a score must not depend on its neighbours (see `batches`)."""
        steps = len(hidden)
        parts = torch.nn.functional.pad(hidden, (0, 0, 0, -steps % JUDGED)).split(JUDGED)
        scores = [score for part in parts for score in self._format.scores(part).tolist()][:steps]
        if not all(map(math.isfinite, scores)):
            raise CheckpointError(
                f"{self._checkpoint.folder} gives a step a score that is not finite (computed in {self._trunk.dtype}).",
                "Copy or download the checkpoint again in case its weights are damaged, or --set prm.dtype=float32.",
            )
        return scores


def refuse_early(path: str, format: str) -> None:
    """Raise CheckpointError for what CheckpointScorer would refuse, as far as headers, tokenizer and the layout of one
    completion tell."""
    checkpoint = Checkpoint.open(path)
    name = detect(checkpoint, format)
    reader = build(name, check(checkpoint), checkpoint)
    refuse_unknown(reader.layouts([("1 + 1 = ?", "It is 2.\n\\boxed{A}")]), checkpoint)


def _parts(layouts: Sequence[Layout], group: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """The group's layouts (indexes) in parts whose trees have at most NODES nodes, unless one layout alone has more;
    with the size of each tree. How a group is parted depends on the group alone."""
    if not group:
        return
    order = sorted(group, key=lambda i: layouts[i].ids)
    nodes = blocks(len(grow([[layouts[i].ids for i in order]]).ids))
    if nodes <= NODES or len(order) == 1:
        yield order, nodes
        return
    half = len(order) // 2
    yield from _parts(layouts, order[:half])
    yield from _parts(layouts, order[half:])


def _in_blocks(nodes: set[int], tree: range) -> list[int]:
    """The nodes and as many others of their tree as make whole blocks, rising."""
    others = (node for node in tree if node not in nodes)
    return sorted([*nodes, *islice(others, -len(nodes) % BLOCK)])


def _cut(layout: Layout, context: int) -> Layout:
    """What of a layout fits into the model's context."""
    if len(layout.ids) <= context:
        return layout
    return Layout(layout.ids[:context], [end for end in layout.ends if end < context])
