"""How a checkpoint is run: what is read together, and what a score may depend on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from openrft_prm.formats import HEADS
from openrft_prm.groups import Pair, StepScores, flatten_scores, group_pairs
from openrft_prm.scorer import CheckpointScorer, _split_group

PROBLEM = "A cell has 3 atoms. What is its volume?\nA. 12\nB. 24"
PAIRS = [
    (PROBLEM, "The edge is 2.\nThe volume is 8.\n\\boxed{B}"),
    (PROBLEM, "\\boxed{A}"),
    ("What is 2 + 2 - 1?", "2 + 2 is 4.\n\n  Then 4 - 1 = 3.\n   \n\\boxed{3}\n"),  # blank lines and blanks
    (PROBLEM, "The edge is 2.\n" * 12 + "\\boxed{B}"),
]


def scores_of(scorer: CheckpointScorer, pairs: list[Pair], together: bool = True) -> list[StepScores]:
    """In the order of the pairs; those of one question are read together, or each alone."""
    groups = group_pairs(pairs, together)
    found = flatten_scores(groups, scorer.score(groups))
    return [found[pair] for pair in pairs]


@pytest.mark.parametrize("format", HEADS)
def test_the_bits_of_a_score_depend_on_its_own_group_alone(format: str, checkpoint: Callable[[str], Path]) -> None:
    """So a group that is remembered and one computed again after a restart are the same, whatever else is asked."""
    torch.set_num_threads(2 if format == "skywork" else 1)  # kernels may share out their rows otherwise on two
    scorer = CheckpointScorer(str(checkpoint(format)), "auto", batch_tokens=4096)
    pairs = [(f"Edge {q}?", f"The edge is {i}.\n" * (1 + i % (q + 2)) + f"{{{i}}}") for q in range(3) for i in range(4)]
    for groups in (group_pairs(pairs, together=True), group_pairs(pairs, together=False)):
        scorer._batch_tokens = 4096
        together = scorer.score(groups)
        assert [scorer.score([group])[0] for group in groups] == together
        scorer._batch_tokens = 100
        assert scorer.score(groups[::-1])[::-1] == together


@pytest.mark.parametrize("format", HEADS)
def test_completions_read_together_score_as_each_alone(format: str, checkpoint: Callable[[str], Path]) -> None:
    scorer = CheckpointScorer(str(checkpoint(format)), "auto", batch_tokens=4096)
    pairs = [(PROBLEM, "The edge is 2.\n" * (i % 4) + f"So {i}.\n\\boxed{{{'AB'[i % 2]}}}") for i in range(12)]
    for one, other in zip(scores_of(scorer, pairs), scores_of(scorer, pairs, together=False), strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_a_trunk_with_windows_of_its_own_reads_each_completion_alone(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoint("skywork"), tmp_path / "sliding")
    config = json.loads((folder / "config.json").read_text())
    window = {"sliding_window": 8, "use_sliding_window": True, "layer_types": ["full_attention", "sliding_attention"]}
    (folder / "config.json").write_text(json.dumps({**config, **window}))
    slides, plain = (CheckpointScorer(str(path), "auto", 4096) for path in (folder, checkpoint("skywork")))
    assert scores_of(slides, PAIRS) == scores_of(slides, PAIRS, together=False)
    assert scores_of(slides, PAIRS) != scores_of(plain, PAIRS, together=False)  # the windows are at work


def test_a_group_too_large_for_one_tree_is_read_in_parts(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = CheckpointScorer(str(checkpoint("qwen")), "auto", 4096)
    pairs = [(PROBLEM, "The edge is 2.\n" * (i % 4) + f"So {i}.\n\\boxed{{{'AB'[i % 2]}}}") for i in range(12)]
    whole = scores_of(scorer, pairs)
    monkeypatch.setattr("openrft_prm.scorer.TREE_TOKENS", 90)
    inputs = scorer._format.build_inputs(pairs)
    parts = [part for part, _ in _split_group(inputs, range(len(pairs)))]
    assert len(parts) > 1
    assert sorted(i for part in parts for i in part) == list(range(len(pairs)))
    for one, other in zip(scores_of(scorer, pairs), whole, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_steps_beyond_the_context_score_zero_and_are_counted(checkpoint: Callable[[str], Path]) -> None:
    scorer = CheckpointScorer(str(checkpoint("skywork")), "auto", 4096)
    (scores, short) = scores_of(scorer, [(PROBLEM, "The edge is 2.\n" * 400), (PROBLEM, "The edge is 2.\n")])
    read = sum(s > 0 for s in scores)
    assert 0 < read < 400
    assert scores[read:] == (0.0,) * (400 - read)
    assert scores[:1] == pytest.approx(short)
    assert scorer.counts == {"steps_beyond_context": 400 - read}
