"""The network and its training on a small scale: induction heads copy, and training stops and resumes."""

import json
from dataclasses import replace
from random import Random

from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.training.curriculum import Phase
from openrft_pocket.training.data_mix import DataMix, draw_row
from openrft_pocket.training.model import create_model, install_induction_heads
from openrft_pocket.training.pretraining import pretrain


def test_induction_heads_copy_before_any_training(tokenizer):
    import torch

    model = create_model(tokenizer, 0)
    install_induction_heads(model, 0)
    rng = Random(0)
    drawn = [rng.sample(range(6, len(tokenizer)), 12) for _ in range(16)]
    ids = torch.tensor([[1, *tokens, *tokens] for tokens in drawn])
    with torch.no_grad():
        best = model(input_ids=ids).logits[:, 13:-1].argmax(-1)
    assert (best == ids[:, 14:]).float().mean() > 0.3  # chance: 0.001


def test_training_stops_at_its_end_and_resumes_from_its_state(tokenizer, tmp_path):
    phase = Phase(
        lambda rng, step: draw_row(rng, DataMix(few_shot=0.0)), "test", batch_size=4, stop_step=6, eval_every=4
    )
    state, log = tmp_path / "state.pt", tmp_path / "log.jsonl"
    done = pretrain(create_model(tokenizer, 0), tokenizer, phase, state, log)
    assert 6 <= done <= 8  # the other worker may be in its last step
    longer = replace(phase, stop_step=done + 4, decay_steps=4)
    again = pretrain(create_model(tokenizer, 1), tokenizer, longer, state, log, workers=1)
    assert again == done + 4
    assert set(json.loads(log.read_text().splitlines()[0])["task_wordings"]) == set(QUESTION_TYPES)
