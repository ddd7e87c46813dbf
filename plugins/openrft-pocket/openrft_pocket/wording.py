"""How a question's stem gets its words: `[this|that]` alternatives, `{slots}`, and words that mean nothing.

Noise is for pre-training only: a reader that has met stray and unknown words everywhere does not fall silent at a
sentence it never saw.
"""

from __future__ import annotations

import re
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SYLLABLES = [c + v for c in "bcdfghklmnprstv" for v in "aeio"]


def phrase(
    template: str,
    slots: dict[str, object],
    rng: Random,
    noise: float = 0.0,
    bank: tuple[str, ...] = (),
    loose: float = 0.0,
) -> str:
    """The template with alternatives chosen and slots filled; each free word is disturbed with chance `noise`, and
    what stands between numbers with chance `loose`."""
    text = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)
    if noise:
        text = " ".join(_loosen(piece, rng, bank) if rng.random() < loose else piece for piece in text.split(" "))
        text = " ".join(word for piece in text.split(" ") for word in _disturb(piece, rng, noise, bank))
        text = text or "?"
    return text.format(**slots)


def words_of(template: str) -> list[str]:
    """The free words of a template: what is neither slot nor number nor unit."""
    return re.findall(r"\b[a-z]{3,}\b", re.sub(r"\{[^}]*\}", " ", template.lower()))


def nonsense(rng: Random) -> str:
    """A word that means nothing."""
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))


def _loosen(piece: str, rng: Random, bank: tuple[str, ...]) -> str:
    """A number, unit or formula before a mark gets a word behind it, or another mark; "{a}," may become "{a} and"."""
    if re.fullmatch(r"[A-Za-z]+[.,?:]?", piece) or not piece.endswith((".", ",", "?", ":")) or len(piece) < 2:
        return piece
    if piece[-1] in ",:" and rng.random() < 0.5:
        return piece[:-1] + rng.choice((" and", ";", "", " or", " /", " with"))
    return f"{piece[:-1]} {rng.choice(bank) if rng.random() < 0.7 else nonsense(rng)}{piece[-1]}"


def _disturb(piece: str, rng: Random, noise: float, bank: tuple[str, ...]) -> list[str]:
    if not re.fullmatch(r"[A-Za-z]{2,}[.,?:]?", piece) or rng.random() > noise:
        return [piece]
    act = rng.random()
    stray = rng.choice(bank) if rng.random() < 0.7 else nonsense(rng)
    if act < 0.3:
        return []
    return [stray + (piece[-1] if not piece[-1].isalpha() else "")] if act < 0.7 else [stray, piece]
