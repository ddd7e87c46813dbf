"""Judges with local weights: a rubric and a score, through this process's sampler, another one, and vLLM's engine.

The judge is a checkpoint that can judge one thing. Its weights are set by hand: it looks through all that it is shown
for the letter Z, and says yes if it finds one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from openrft_graders.case import Case, read_output
from openrft_graders.model_graders import SharedPolicy
from openrft_graders.read import parse_grader
from openrft_graders.rubric.format import parse_rubric
from openrft_graders.rubric.grader import RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.settings import GraderSettings

from openrft import Sampling
from openrft.policies.generation.decode import DecodedRow, DecodeLimits
from openrft.policies.hf import HFPolicy
from openrft.testing import write_tiny_checkpoint

CONTEXT = 4096
VERDICTS = ('{"1": true, "2": true}', '{"1": false, "2": false}')
SCORES = ('{"steps": [], "result": 5}', '{"steps": [], "result": 2}')
RUBRIC = parse_rubric("+2 has the letter\nhas it, too")
HEAD = 32  # the smallest head that vLLM's attention on a CPU accepts
no_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed here; `tox -e vllm` runs this")


def write_judge(folder: Path, yes: str, no: str) -> str:
    """A Llama whose next token is `yes` if a Z stands anywhere before, else `no`, and then the end.

    Each reply is one token. Dimension 0 of the hidden state is 1 for every text, 1 says that a token is a Z, 2 that it
    is a reply. The first layer's first head takes the mean of 1 over all tokens and writes it to dimension 3.
    """
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    path = str(write_tiny_checkpoint(folder))
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = LlamaForCausalLM(AutoConfig.from_pretrained(path, head_dim=HEAD))
    tokenizer.add_tokens([yes, no])
    model.resize_token_embeddings(len(tokenizer))
    model.config.max_position_embeddings = CONTEXT
    replies = [tokenizer.convert_tokens_to_ids(reply) for reply in (yes, no)]
    with torch.no_grad():
        embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
        for layer in model.model.layers:
            for weight in (layer.self_attn.q_proj, layer.self_attn.v_proj, layer.self_attn.o_proj, layer.mlp.down_proj):
                weight.weight.zero_()
        embedding.zero_()
        head.zero_()
        embedding[:, 0] = 1
        embedding[tokenizer.convert_tokens_to_ids("Z"), 1] = 1
        embedding[replies, 0], embedding[replies, 2] = 0, 1
        attention = model.model.layers[0].self_attn
        attention.v_proj.weight[0, 1], attention.o_proj.weight[3, 0] = 1, 1000
        head[replies[0], 3], head[replies[1], 0], head[tokenizer.eos_token_id, 2] = 2, 1, 100
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def sample_with_transformers(
    policy: HFPolicy,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    limits: DecodeLimits,
    tick: Callable[[int], None],
) -> list[list[DecodedRow]]:
    """A sampler as vLLM's is one: it gets token ids, and gives rows of token ids."""
    rows: list[list[DecodedRow]] = []
    for prompt in prompts:
        if len(prompt) >= limits.context:
            rows.append([])
            continue
        ids = torch.tensor([list(prompt)])
        longest = min(sampling.max_tokens, limits.context - len(prompt))
        how = {"max_new_tokens": longest, "do_sample": False, "eos_token_id": list(limits.stop)}
        new = policy.model.generate(ids, attention_mask=torch.ones_like(ids), **how)[0, len(prompt) :].tolist()
        rows.append([DecodedRow(new, [], new[-1] in limits.stop)] * sampling.n)
        tick(sampling.n)
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_judge(tmp_path_factory.mktemp("judge"), *VERDICTS)


def case(answer: str) -> Case:
    return Case({"question": "Which letter is the last?"}, read_output(answer))


@pytest.mark.parametrize("through", ["transformers", "another sampler", pytest.param("vllm", marks=no_vllm)])
def test_a_rubric_is_judged_by_a_checkpoint(folder: str, through: str) -> None:
    policy: Any = SharedPolicy(f"vllm:{folder}" if through == "vllm" else folder)
    if through == "another sampler":
        policy._policy = HFPolicy(folder, sample_with_transformers)
    grader = RubricGrader(RubricJudge(policy, Sampling(temperature=0.0, max_tokens=8)), RUBRIC)
    scores = grader.grade([case("It is Z."), case("It is Y."), case("z" * CONTEXT)])
    assert [score.value for score in scores] == [1.0, 0.0, None]
    assert {name: part.value for name, part in scores[0].parts.items()} == {
        "+2 has the letter": 1,
        "+1 has it, too": 1,
    }
    assert "longer than the judge's context" in scores[2].reason


def test_a_score_is_given_by_a_checkpoint(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Is the last letter in {{ sample.output_text }}?"}]
    sampling = {"max_completions_tokens": 8}
    value = {"type": "score_model", "input": turns, "model": "gpt-x", "range": [1, 5], "sampling_params": sampling}
    judge = write_judge(tmp_path / "judge", *SCORES)
    grader = parse_grader(json.loads(json.dumps(value)), settings=GraderSettings(judge=judge))
    assert [score.value for score in grader.grade([case("Z"), case("Y")])] == [5, 2]
