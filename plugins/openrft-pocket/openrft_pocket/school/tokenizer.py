"""Train the byte-level BPE tokenizer: single digits, chemical symbols apart, numbers never glued to a space."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.diffusion_barrier import HOSTS
from openrft_pocket.school.chat import BEGIN, END, INSTRUCTION, PAD, SPECIAL, TEMPLATE
from openrft_pocket.school.lessons import BANK, Diet, row
from openrft_pocket.school.sheets import SYMBOLS
from openrft_pocket.wording import phrase

VOCABULARY = 1024
ROWS = 6000  # of pre-training, in the corpus
PIECES = (
    r"\n| ?[A-Za-z]?[a-z]{2,}| ?[a-z](?![a-z])|[A-Z][a-z]?|\d|\\boxed\{|\}|[.,:](?: (?=[0-9A-Z]))?| | ?[^\sA-Za-z0-9]"
)


def corpus(seed: int) -> Iterator[str]:
    """Texts to learn pieces from: rows of pre-training, the tasks' own wordings, and single words and names."""
    rng = Random(f"tokenizer {seed}")
    for _ in range(ROWS):
        yield "".join(text for text, _ in row(rng, Diet(shots=0.0, listing=0.2, filler=1)))
    for kind in KINDS.values():  # the words of the tasks, so that prompts stay short
        for template in (*kind.wordings, *kind.rewordings) * 8:
            facts = kind.draw(rng)
            yield phrase(template, kind.slots(facts), rng)
    yield from (f" {word} " * 12 for word in BANK)
    yield from (f" {name} " * 400 for name in (*HOSTS, *SYMBOLS))  # one token each: such a name is bound sooner


def train(seed: int, folder: Path) -> None:
    """Write the tokenizer, chat template included, to `folder`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 1,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(seed), trainer)
    tokenizer.add_tokens([AddedToken(INSTRUCTION, normalized=False)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=PAD,
        extra_special_tokens=[t for t in SPECIAL if t not in (BEGIN, END, PAD)],
        model_max_length=4096, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
