"""An LLM as judge, behind any OpenAI-compatible server: one request a completion, a number for every step."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from openrft import OpenRFTError, UsageError, steps_of
from openrft_prm.groups import Group, Steps

SYSTEM = (
    "You check the reasoning of others. For every numbered step give the probability, from 0 to 1, that it is correct"
    " and leads towards the right answer. Reply with a JSON list of as many numbers as there are steps, nothing else."
)
_LIST = re.compile(r"\[[^\[\]]*\]")
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


class Judge:
    """Scores steps by asking a chat model; `spec` is openai:http://host:port/v1#model."""

    def __init__(self, spec: str, parallel: int, tries: int = 4, timeout: float = 120.0, pause: float = 1.0) -> None:
        url, mark, self._model = spec.removeprefix("openai:").partition("#")
        if not mark or not self._model or not url.startswith(("http://", "https://")):
            raise UsageError(
                f"{spec!r} does not name a judge.", "Write openai:http://host:port/v1#model (key in OPENAI_API_KEY)."
            )
        self._url = url.rstrip("/") + "/chat/completions"
        self._parallel, self._tries, self._timeout, self._pause = parallel, tries, timeout, pause
        self.counts: dict[str, int] = {}
        self._over = threading.Event()

    def score(self, groups: Sequence[Group]) -> list[list[Steps]]:
        """One request a completion, one score a step. Raises OpenRFTError when the judge does not answer."""
        self.counts = {}
        self._over.clear()
        with ThreadPoolExecutor(self._parallel) as pool:
            try:
                said = [[pool.submit(self._unless_over, problem, text) for text in texts] for problem, texts in groups]
                return [[future.result() for future in row] for row in said]
            finally:
                self._over.set()

    def _unless_over(self, problem: str, completion: str) -> Steps:
        """After the first failure (or Ctrl-C) what is still queued is not asked: its scores are never looked at, since
        what failed stands before it."""
        if self._over.is_set():
            return ()
        try:
            return self._judge(problem, completion)
        except BaseException:  # Ctrl-C, too; it goes on upward
            self._over.set()
            raise

    def _judge(self, problem: str, completion: str) -> tuple[float, ...]:
        steps = steps_of(completion)
        if not steps:
            return ()
        numbered = "\n".join(f"[{i}] {step}" for i, step in enumerate(steps, 1))
        question = f"Problem:\n{problem}\n\n{len(steps)} steps:\n{numbered}"
        reason = ""
        for attempt in range(self._tries):
            # The first answer is greedy; a malformed one would come again, so later ones are drawn, each by its seed.
            said, reason = self._ask(question, temperature=0.0 if attempt == 0 else 0.7, seed=attempt)
            scores = None if said is None else read_scores(said, len(steps))
            if scores is not None:
                return scores
            if said is not None:
                reason = f"it answered {said[:80]!r} where {len(steps)} numbers from 0 to 1 were asked for"
            elif attempt + 1 < self._tries:
                time.sleep(self._pause * 2**attempt)
        raise OpenRFTError(
            f"the judge at {self._url} gave no scores in {self._tries} tries: {reason}.",
            "Check the server and the model's name, or choose a stronger judge.",
        )

    def _ask(self, question: str, temperature: float, seed: int) -> tuple[str | None, str]:
        """The answer's text, or None and why there is none (to be tried again). Raises OpenRFTError for good."""
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        body = {"model": self._model, "messages": messages, "temperature": temperature, "seed": seed}
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as reply:
                return _content(json.load(reply)), ""
        except urllib.error.HTTPError as fault:
            if fault.code in (408, 409, 429) or fault.code >= 500:
                return None, f"HTTP {fault.code}"
            raise OpenRFTError(
                f"the judge at {self._url} refused: HTTP {fault.code}.", "Check the URL, the model's name and the key."
            ) from fault
        except (OSError, http.client.HTTPException, ValueError) as fault:  # not reached, cut off, or no JSON
            return None, f"{type(fault).__name__}: {fault}"


def read_scores(said: str, count: int) -> tuple[float, ...] | None:
    """The last JSON list in the answer if it is `count` numbers in [0, 1]; else None."""
    lists = _LIST.findall(_THINKING.sub("", said))
    try:
        values = json.loads(lists[-1]) if lists else []
    except json.JSONDecodeError:
        return None
    good = all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1 for v in values)
    return tuple(map(float, values)) if good and len(values) == count else None


def _content(reply: Any) -> str:
    """The text of a chat completion; an empty text for a reply of another shape, which is then asked for again."""
    try:
        return str(reply["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        return ""
