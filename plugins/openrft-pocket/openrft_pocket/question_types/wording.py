"""Templates of questions: `[this|that]` alternatives, `{slots}`, and random disturbance of the words.

Disturbance is for pre-training only. A model that has met stray and unknown words everywhere still answers when a
sentence is new to it.
"""

from __future__ import annotations

import re
from random import Random

_ALTERNATIVES = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_SYLLABLES = [c + v for c in "bcdfghklmnprstv" for v in "aeio"]


def fill_template(
    template: str,
    slots: dict[str, object],
    rng: Random,
    noise: float = 0.0,
    stray_words: tuple[str, ...] = (),
    separator_noise: float = 0.0,
) -> str:
    """The template with alternatives chosen and slots filled.

    `noise` is the chance that a word is dropped, replaced or preceded by a stray one. Only where it is above 0,
    `separator_noise` is the chance that the text after a number, unit or formula changes. Stray words come from
    `stray_words` or are invented.
    """
    text = _ALTERNATIVES.sub(lambda found: rng.choice(found[1].split("|")), template)
    if noise:
        tokens = text.split(" ")
        text = " ".join(
            _change_separator(token, rng, stray_words) if rng.random() < separator_noise else token for token in tokens
        )
        tokens = text.split(" ")
        text = " ".join(word for token in tokens for word in _disturb_word(token, rng, noise, stray_words))
        text = text or "?"
    return text.format(**slots)


def list_words(template: str) -> list[str]:
    """The plain words of a template: everything except slots, numbers and units."""
    return re.findall(r"\b[a-z]{3,}\b", re.sub(r"\{[^}]*\}", " ", template.lower()))


def invent_word(rng: Random) -> str:
    """A word without a meaning."""
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))


def _change_separator(token: str, rng: Random, stray_words: tuple[str, ...]) -> str:
    """Put a word or another mark after a number, unit or formula that ends in a mark: "{a}," may become "{a} and"."""
    if re.fullmatch(r"[A-Za-z]+[.,?:]?", token) or not token.endswith((".", ",", "?", ":")) or len(token) < 2:
        return token
    if token[-1] in ",:" and rng.random() < 0.5:
        return token[:-1] + rng.choice((" and", ";", "", " or", " /", " with"))
    return f"{token[:-1]} {rng.choice(stray_words) if rng.random() < 0.7 else invent_word(rng)}{token[-1]}"


def _disturb_word(token: str, rng: Random, noise: float, stray_words: tuple[str, ...]) -> list[str]:
    """Drop the word, replace it, or put a stray word before it, with chance `noise` altogether."""
    if not re.fullmatch(r"[A-Za-z]{2,}[.,?:]?", token) or rng.random() > noise:
        return [token]
    action = rng.random()
    stray = rng.choice(stray_words) if rng.random() < 0.7 else invent_word(rng)
    if action < 0.3:
        return []
    return [stray + (token[-1] if not token[-1].isalpha() else "")] if action < 0.7 else [stray, token]
