"""Train the byte-level BPE tokenizer: single digits, chemical symbols apart, and numbers never joined to a space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.question_types.diffusion_barrier import HOSTS
from openrft_pocket.question_types.wording import fill_template
from openrft_pocket.training.data_mix import ALL_WORDS, DataMix, draw_row
from openrft_pocket.training.encoding import BEGIN, CHAT_TEMPLATE, END, INSTRUCTION, PAD, SPECIAL_TOKENS
from openrft_pocket.training.tables import SYMBOLS

VOCABULARY_SIZE = 1024
CORPUS_ROWS = 6000  # of pre-training
PATTERN = (
    r"\n| ?[A-Za-z]?[a-z]{2,}| ?[a-z](?![a-z])|[A-Z][a-z]?|\d|\\boxed\{|\}|[.,:](?: (?=[0-9A-Z]))?| | ?[^\sA-Za-z0-9]"
)


def generate_corpus(seed: int) -> Iterator[str]:
    """The texts to train on: rows of pre-training, the tasks' own wordings, and single words and names."""
    rng = Random(f"tokenizer {seed}")
    for _ in range(CORPUS_ROWS):
        yield "".join(text for text, _ in draw_row(rng, DataMix(few_shot=0.0, tables=0.2, filler=1)))
    for question_type in QUESTION_TYPES.values():  # the words of the tasks, so that prompts stay short
        for template in (*question_type.wordings, *question_type.rewordings) * 8:
            facts = question_type.draw_facts(rng)
            yield fill_template(template, question_type.get_slots(facts), rng)
    yield from (f" {word} " * 12 for word in ALL_WORDS)
    yield from (f" {name} " * 400 for name in (*HOSTS, *SYMBOLS))  # one token each: the model binds such a name sooner


def train_tokenizer(seed: int, folder: Path) -> None:
    """Write the tokenizer with its chat template to `folder`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - 1,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(generate_corpus(seed), trainer)
    tokenizer.add_tokens([AddedToken(INSTRUCTION, normalized=False)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=PAD,
        extra_special_tokens=[t for t in SPECIAL_TOKENS if t not in (BEGIN, END, PAD)],
        model_max_length=4096, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
