"""Token sequences that begin alike, read at once by a model of the Llama family: every shared prefix is read once.

For whoever scores completions: a policy (its log-probabilities, with gradient), its critic, a process reward model.
"""

from __future__ import annotations

from openrft.forest.family import readable
from openrft.forest.reading import read
from openrft.forest.tree import Forest, grow

__all__ = ["Forest", "grow", "read", "readable"]
