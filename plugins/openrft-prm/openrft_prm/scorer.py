"""A process reward model at work: the completions of a question read together, all their steps at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import torch

from openrft import CheckpointError, ModelSettings
from openrft.prefix_tree import PrefixTree, build_prefix_tree, forward, supports
from openrft_prm.checkpoint import Checkpoint, check_trunk, load_trunk
from openrft_prm.formats import build_format, detect_format
from openrft_prm.groups import Group, StepScores
from openrft_prm.inputs import (
    BLOCK,
    ModelInput,
    batch_by_width,
    batch_in_order,
    check_token_ids,
    pad_inputs,
    round_up_to_block,
    truncate_input,
)

HEAD_ROWS = 64  # steps that go through the head at once
TREE_TOKENS = 2048  # distinct tokens of a group that are read together; a group with more is read in parts
CPU_BATCH_TOKENS = 2048  # a forward on a CPU at most: what one layer makes of them, the next finds in the cache


class CheckpointScorer:
    """A trunk without its vocabulary head, and the format's own head on the hidden states of the steps' ends."""

    def __init__(
        self,
        path: str,
        format: str,
        batch_tokens: int,
        settings: ModelSettings = ModelSettings(),  # noqa: B008  # frozen
    ) -> None:
        checkpoint = Checkpoint.open(path)
        self.format_name = detect_format(checkpoint, format)
        self.counts: dict[str, int] = {}
        tokenizer, self._trunk = load_trunk(checkpoint, settings)
        self._device = self._trunk.device
        on_cpu = self._device.type == "cpu"
        self._batch_tokens = min(batch_tokens, CPU_BATCH_TOKENS) if on_cpu else batch_tokens
        self._format = build_format(self.format_name, tokenizer, checkpoint)
        config = checkpoint.config
        self._context = int(config.get("max_position_embeddings") or config.get("n_positions") or 1 << 30)
        self._checkpoint = checkpoint

    def score(self, groups: Sequence[Group]) -> list[list[StepScores]]:
        """The step scores of each completion of each group, in order.

        On a CPU the bits of a score depend on its own group, not on what else is asked. A step that ends beyond the
        model's context scores 0 and is counted: a completion that rambles on must not end the run, and must earn
        nothing for what was never read.
        """
        whole = self._format.build_inputs([(problem, text) for problem, texts in groups for text in texts])
        inputs = [truncate_input(item, self._context) for item in whole]
        check_token_ids(inputs, self._checkpoint)
        if supports(self._trunk.config):
            numbers = iter(range(len(inputs)))
            found = self._score_as_trees(inputs, [[next(numbers) for _ in texts] for _, texts in groups])
        else:
            found = self._score_one_by_one(inputs, [i for i, item in enumerate(inputs) if item.step_ends])
        unread = [len(a.step_ends) - len(b.step_ends) for a, b in zip(whole, inputs, strict=True)]
        self.counts = {"steps_beyond_context": sum(unread)} if any(unread) else {}
        each = iter([(*found.get(i, ()), *(0.0,) * missing) for i, missing in enumerate(unread)])
        return [[next(each) for _ in texts] for _, texts in groups]

    def _score_as_trees(self, inputs: Sequence[ModelInput], groups: Sequence[Sequence[int]]) -> dict[int, StepScores]:
        """The scores of each input; a group is read as a tree in which what its inputs share stands once."""
        found: dict[int, StepScores] = {}
        parts = [part for group in groups for part in _split_group(inputs, [i for i in group if inputs[i].step_ends])]
        for batch in batch_in_order([size for _, size in parts], self._batch_tokens):
            trees = [parts[i][0] for i in batch]
            prefix_tree = build_prefix_tree([[inputs[i].ids for i in tree] for tree in trees], BLOCK)
            members = [i for tree in trees for i in tree]
            ends = {
                i: [path[end] for end in inputs[i].step_ends]
                for i, path in zip(members, prefix_tree.paths, strict=True)
            }
            wanted, start = list[int](), 0
            for tree, size in (parts[i] for i in batch):
                wanted += _pad_to_blocks({node for i in tree for node in ends[i]}, range(start, start + size))
                start += size
            scores = dict(zip(wanted, self._score_hidden(self._read_tree(prefix_tree, wanted)), strict=True))
            found.update({i: tuple(scores[node] for node in ends[i]) for i in members})
        return found

    @torch.inference_mode()
    def _read_tree(self, prefix_tree: PrefixTree, wanted: Sequence[int]) -> torch.Tensor:
        return forward(self._trunk, prefix_tree, wanted).float().cpu()

    @torch.inference_mode()
    def _score_one_by_one(self, inputs: Sequence[ModelInput], chosen: Sequence[int]) -> dict[int, StepScores]:
        """The scores of the chosen inputs, each read by itself: for a trunk whose layers are not ours to call."""
        found: dict[int, StepScores] = {}
        for width, batch in batch_by_width([len(inputs[i].ids) for i in chosen], self._batch_tokens):
            rows = [inputs[chosen[place]] for place in batch]
            ids, ends = (tensor.to(self._device) for tensor in pad_inputs(rows, width))
            # No mask: the padding is on the right, and in a causal trunk nothing looks to the right.
            hidden = self._trunk(input_ids=ids, use_cache=False).last_hidden_state
            scores = iter(self._score_hidden(hidden[ends[:, 0], ends[:, 1]].float().cpu()))
            found.update({chosen[i]: tuple(next(scores) for _ in inputs[chosen[i]].step_ends) for i in batch})
        return found

    def _score_hidden(self, hidden: torch.Tensor) -> list[float]:
        """(steps, hidden) -> a score each. The head gets HEAD_ROWS rows at a time: the number of rows decides in which
        order a kernel adds, and a score must not depend on its neighbours (see inputs.py)."""
        steps = len(hidden)
        parts = torch.nn.functional.pad(hidden, (0, 0, 0, -steps % HEAD_ROWS)).split(HEAD_ROWS)
        scores = [score for part in parts for score in self._format.score_hidden(part).tolist()][:steps]
        if not all(map(math.isfinite, scores)):
            raise CheckpointError(
                f"{self._checkpoint.folder} gives a step a score that is not finite (computed in {self._trunk.dtype}).",
                "Copy or download the checkpoint again in case its weights are damaged, or --set prm.dtype=float32.",
            )
        return scores


def check_checkpoint(path: str, format: str) -> None:
    """Raise CheckpointError for what CheckpointScorer would refuse, as far as headers, tokenizer and the input of one
    completion tell."""
    checkpoint = Checkpoint.open(path)
    name = detect_format(checkpoint, format)
    reader = build_format(name, check_trunk(checkpoint), checkpoint)
    check_token_ids(reader.build_inputs([("1 + 1 = ?", "It is 2.\n\\boxed{A}")]), checkpoint)


def _split_group(inputs: Sequence[ModelInput], group: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """The group's inputs (indexes) in parts, with the size of each part's tree: at most TREE_TOKENS nodes, unless one
    input alone has more. How a group is split depends on the group alone."""
    if not group:
        return
    order = sorted(group, key=lambda i: inputs[i].ids)
    nodes = round_up_to_block(len(build_prefix_tree([[inputs[i].ids for i in order]]).ids))
    if nodes <= TREE_TOKENS or len(order) == 1:
        yield order, nodes
        return
    half = len(order) // 2
    yield from _split_group(inputs, order[:half])
    yield from _split_group(inputs, order[half:])


def _pad_to_blocks(nodes: set[int], tree: range) -> list[int]:
    """The nodes and as many others of their tree as make whole blocks, rising."""
    others = (node for node in tree if node not in nodes)
    return sorted([*nodes, *islice(others, -len(nodes) % BLOCK)])
