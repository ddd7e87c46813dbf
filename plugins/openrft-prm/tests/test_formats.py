"""Batched scores against the publishers' own formulas, written one completion at a time on the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from openrft_prm.formats import HEADS
from openrft_prm.groups import Pair, StepScores, flatten_scores, group_pairs
from openrft_prm.scorer import CheckpointScorer
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification, AutoTokenizer

from openrft import CheckpointError, split_steps
from openrft.prefix_tree import supports

PROBLEM = "A cell has 3 atoms. What is its volume?\nA. 12\nB. 24"
PAIRS = [
    (PROBLEM, "The edge is 2.\nThe volume is 8.\n\\boxed{B}"),
    (PROBLEM, "\\boxed{A}"),
    ("What is 2 + 2 - 1?", "2 + 2 is 4.\n\n  Then 4 - 1 = 3.\n   \n\\boxed{3}\n"),  # blank lines and blanks
    ("Wie groß ist a²?", "Ein Schritt mit Umlaut: größer. Руки вверх ки\n+\n-\n<|im_end|>".replace("<|im_end|>", "ok")),
    (PROBLEM, "The edge is 2.\n" * 12 + "\\boxed{B}"),
]
Reference = Callable[[Path, str, str], list[float]]


def scores_of(scorer: CheckpointScorer, pairs: list[Pair], together: bool = True) -> list[StepScores]:
    """In the order of the pairs; those of one question are read together, or each alone."""
    groups = group_pairs(pairs, together)
    found = flatten_scores(groups, scorer.score(groups))
    return [found[pair] for pair in pairs]


def logits_of(folder: Path, ids: list[int]) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def hidden_of(folder: Path, ids: list[int]) -> torch.Tensor:
    """hidden_states[-1], as the publishers' own classes read it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        return model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0]


def skywork(folder: Path, problem: str, completion: str) -> list[float]:
    tokenizer, head = AutoTokenizer.from_pretrained(folder), load_file(folder / "model.safetensors")
    ids, flags = tokenizer.encode(tokenizer.bos_token + problem + "\n"), []
    for piece in completion.split("\n"):
        ids += (tokenizer.encode(piece) if piece else []) + [tokenizer.encode("\n")[-1]]
        flags.append((len(ids) - 1, bool(piece.strip())))
    value = hidden_of(folder, ids) @ head["v_head.summary.weight"][0] + head["v_head.summary.bias"]
    return [torch.sigmoid(value[at]).item() for at, is_step in flags if is_step]


def qwen(folder: Path, problem: str, completion: str) -> list[float]:
    tokenizer, head = AutoTokenizer.from_pretrained(folder), load_file(folder / "model.safetensors")
    chat = [
        {"role": "system", "content": "Please reason step by step, and put your final answer within \\boxed{}."},
        {"role": "user", "content": problem},
        {"role": "assistant", "content": "<extra_0>".join(split_steps(completion)) + "<extra_0>"},
    ]
    ids = tokenizer.encode(tokenizer.apply_chat_template(chat, tokenize=False))
    hidden = hidden_of(folder, ids)
    inner = torch.relu(hidden @ head["score.0.weight"].T + head["score.0.bias"])
    probability = torch.softmax(inner @ head["score.2.weight"].T + head["score.2.bias"], -1)[:, 1]
    mark = tokenizer.encode("<extra_0>")[0]
    return [probability[i].item() for i, token in enumerate(ids) if token == mark]


def two_label(folder: Path, problem: str, completion: str) -> list[float]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32)
    ids = [tokenizer.bos_token_id, *tokenizer(problem, add_special_tokens=False)["input_ids"]]
    ends = []
    for step in split_steps(completion):
        ids += tokenizer(step, add_special_tokens=False)["input_ids"]
        ids += tokenizer.encode("\n", add_special_tokens=False)
        ends.append(len(ids) - 1)
    with torch.no_grad():
        probability = torch.softmax(model(torch.tensor([ids])).logits[0], -1)[:, 1]
    return [probability[end].item() for end in ends]


def math_shepherd(folder: Path, problem: str, completion: str) -> list[float]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    candidates = tokenizer.encode("+ -")[1:]
    tag = tokenizer.encode("ки")[-1]
    ids = tokenizer.encode(f"{problem} " + "\n".join(f"{step} ки" for step in split_steps(completion)))
    found = torch.softmax(logits_of(folder, ids)[:, candidates], -1)[:, 0]
    return [found[i].item() for i, token in enumerate(ids) if token == tag]


def rlhflow(folder: Path, problem: str, completion: str) -> list[float]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    candidates = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]
    chat: list[dict[str, str]] = []
    scores = []
    for i, step in enumerate(split_steps(completion)):
        chat.append({"role": "user", "content": step.strip() if i else problem + " " + step.strip()})
        chat.append({"role": "assistant", "content": "+"})
        ids = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False)
        scores.append(torch.softmax(logits_of(folder, ids)[-3, candidates], -1)[0].item())
    return scores


REFERENCES: dict[str, Reference] = {
    "skywork": skywork,
    "qwen": qwen,
    "two-label": two_label,
    "math-shepherd": math_shepherd,
    "rlhflow": rlhflow,
}


def test_every_format_has_a_reference() -> None:
    assert set(REFERENCES) == set(HEADS)


@pytest.mark.parametrize("format", REFERENCES)
def test_batched_scores_equal_the_publishers_formula(format: str, checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint(format)
    pairs = [p for p in PAIRS if format != "math-shepherd" or "ки" not in p[1]]  # see the next test
    scorer = CheckpointScorer(str(folder), "auto", batch_tokens=400)
    assert supports(scorer._trunk.config)  # prefixes are shared
    found = scores_of(scorer, pairs)
    for (problem, completion), scores in zip(pairs, found, strict=True):
        expected = REFERENCES[format](folder, problem, completion)
        assert len(expected) == len(split_steps(completion))
        assert scores == pytest.approx(expected, abs=1e-5)
        assert all(0 <= s <= 1 for s in scores)
    assert len({round(s, 4) for row in found for s in row}) > 5  # the formulas are told apart by visible spread


def test_a_step_that_holds_the_tag_itself_gets_one_score(checkpoint: Callable[[str], Path]) -> None:
    scorer = CheckpointScorer(str(checkpoint("math-shepherd")), "auto", 4096)
    assert [len(s) for s in scores_of(scorer, [("Q", "here ки is a tag\nnext ки ки")])] == [2]
    scorer = CheckpointScorer(str(checkpoint("qwen")), "auto", 4096)
    told, plain = scores_of(scorer, [("Q", "one<extra_0> two\nthree"), ("Q", "one two\nthree")])
    assert told == plain


def test_the_vocabulary_matrix_may_be_tied_if_the_config_says_so(tmp_path: Path, fresh_checkpoint: Any) -> None:
    from safetensors.torch import save_file

    folder = fresh_checkpoint("rlhflow", tmp_path / "rlhflow-tied")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lm_head.weight expected, none found \(tie_word_embeddings is false\)"):
        CheckpointScorer(str(folder), "auto", 4096)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"tie_word_embeddings": false', '"tie_word_embeddings": true'))
    pair = (PROBLEM, "The edge is 2.\n\\boxed{B}")
    (scores,) = scores_of(CheckpointScorer(str(folder), "auto", 4096), [pair])
    assert scores == pytest.approx(rlhflow(folder, *pair), abs=1e-5)
