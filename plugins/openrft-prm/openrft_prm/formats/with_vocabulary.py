"""Formats that answer through the vocabulary: a step's score is the probability of + against - where it is answered."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import AutoConfig, PreTrainedTokenizerBase

from openrft import CheckpointError, split_steps
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.groups import Pair
from openrft_prm.inputs import ModelInput, tokenize_marked

STEP_TAG = "ки"  # Math-Shepherd's, after each step
_SCALED_BY = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
_EMBEDDINGS = ("model.embed_tokens.weight", "transformer.wte.weight")


class MathShepherdFormat:
    """math-shepherd-mistral-7b-prm. Input: the problem, a space, and the steps, each followed by a space and STEP_TAG,
    one per line. Score: softmax over the logits of + and - at STEP_TAG."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        candidates = tokenizer.encode("+ -", add_special_tokens=False)
        if len(candidates) != 2:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.folder} writes '+ -' with {len(candidates)} tokens, 2 expected.",
                "Take the tokenizer published with the model.",
            )
        self._tag = tokenizer.encode(STEP_TAG)[-1]
        self._rows = _load_output_rows(checkpoint, *candidates)

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        texts, marks = [], []
        for problem, completion in pairs:
            text, places = problem + " ", []
            for i, step in enumerate(split_steps(completion)):
                text += f"{chr(10) if i else ''}{step} {STEP_TAG}"
                places.append(len(text) - 1)
            texts.append(text)
            marks.append(places)
        inputs = tokenize_marked(self._tokenizer, texts, marks, special=True)
        if any(item.ids[end] != self._tag for item in inputs for end in item.step_ends):
            raise CheckpointError(
                f"the tokenizer joins {STEP_TAG} to its neighbours.", "Take the tokenizer published with the model."
            )
        return inputs

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        return _compute_plus_probability(hidden, self._rows)


class RLHFlowFormat:
    """RLHFlow's Llama3.1-8B-PRM. Input: the chat "problem step" / + / step / + ...

    Score: softmax over the logits of + and - where each + is predicted. The publisher asks once a step; as every
    question begins with the one before, one forward does.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
        if not tokenizer.chat_template:
            raise CheckpointError(
                f"{checkpoint.folder} has no chat template, which the rlhflow format needs.",
                "Is it a math-shepherd model? Then --set prm.format=math-shepherd.",
            )
        self._tokenizer = tokenizer
        self._plus, minus = (tokenizer.encode(sign)[-1] for sign in "+-")
        self._rows = _load_output_rows(checkpoint, self._plus, minus)

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        chats = [self._build_turns(problem, split_steps(completion)) for problem, completion in pairs]
        texts = [str(self._tokenizer.apply_chat_template(chat, tokenize=False)) for chat in chats]
        marks = [self._find_answers(text, chat) for text, chat in zip(texts, chats, strict=True)]
        inputs = tokenize_marked(self._tokenizer, texts, marks, special=False)
        if any(item.ids[end] != self._plus for item in inputs for end in item.step_ends):
            raise CheckpointError("the tokenizer joins + to its neighbours.", "Take the tokenizer of the publisher.")
        return [ModelInput(item.ids, [end - 1 for end in item.step_ends]) for item in inputs]

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        return _compute_plus_probability(hidden, self._rows)

    @staticmethod
    def _build_turns(problem: str, steps: list[str]) -> list[dict[str, str]]:
        turns = []
        for i, step in enumerate(steps):
            question = step.strip() if i else f"{problem} {step.strip()}".strip()
            turns += [{"role": "user", "content": question}, {"role": "assistant", "content": "+"}]
        return turns

    @staticmethod
    def _find_answers(text: str, chat: list[dict[str, str]]) -> list[int]:
        """Where each assistant's + stands in the rendered text: the first one after its user turn."""
        places, at = [], 0
        for turn in chat[::2]:
            found = text.find(turn["content"], at)
            if found < 0:
                raise CheckpointError("the chat template changes a turn.", "Take the tokenizer of the publisher.")
            places.append(text.index("+", found + len(turn["content"])))
            at = places[-1] + 1
        return places


def _load_output_rows(checkpoint: Checkpoint, plus: int, minus: int) -> torch.Tensor:
    """The two rows of the output matrix, (2, hidden); the rest of the vocabulary is never computed."""
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
    return checkpoint.load_rows(name, [plus, minus])


def _compute_plus_probability(hidden: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """(steps, hidden) -> the probability of + against -, (steps,)."""
    return torch.softmax(torch.nn.functional.linear(hidden, rows), dim=-1)[:, 0]
