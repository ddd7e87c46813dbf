"""An OpenAI-compatible server as a policy: chat completions over HTTP, many requests at a time.

Written as `openai:http://127.0.0.1:8000/v1#model-name`; the key comes from OPENAI_API_KEY and is never shown. The
`openai` library (the extra `openrft[openai]`) does transport, retries and backoff; making a policy imports it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from openrft.errors import PolicyError, UsageError
from openrft.policies.base import Sampling
from openrft.policies.generation.seeds import derive_prompt_seeds
from openrft.policies.openai_errors import ContextFull, RequestRefused, explain_error
from openrft.runtime.progress import Progress
from openrft.types import Completion, Message, content_id

EXAMPLE = "openai:http://127.0.0.1:8000/v1#model-name"
PARALLEL = 16  # requests in flight; servers batch what arrives together
CONNECT = 10.0  # seconds to reach the server
TIMEOUT = 600.0  # seconds for one request, its retries included: a long completion on a busy server takes minutes
NEW_BUDGET = "max_completion_tokens"  # what OpenAI's reasoning models insist on; other servers know the old name only
RETRIES = 4  # of a request, after a lost connection, 408, 409, 429 or 5xx, with exponential backoff


class OpenAIPolicy:
    """See `openrft.policies.base.Policy` for the contract. Completions carry neither token ids nor log-probabilities.

    Must not be called from within a running event loop.
    """

    def __init__(self, spec: str, timeout: float = TIMEOUT, retries: int = RETRIES, parallel: int = PARALLEL) -> None:
        self.url, self.model = parse_address(spec)
        self.id = f"openai:{self.url}#{self.model}"
        self._timeout, self._retries, self._parallel = timeout, retries, parallel
        self._budget = "max_tokens"
        try:
            import openai  # noqa: F401  # fails here, where the user chose the policy, and not in the middle of a run
        except ImportError as fault:
            raise UsageError(
                f"the policy {self.id} needs the openai library.", "Install it: pip install 'openrft[openai]'."
            ) from fault

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """`sampling.n` completions for each prompt, in order. Raises PolicyError once a request fails for good."""
        if any(prompt[-1]["role"] == "assistant" for prompt in prompts):  # servers would begin a new turn, unsaid
            raise UsageError(f"{self.id} cannot continue a begun answer.", "Give a checkpoint folder or hub id.")
        return asyncio.run(self._all(prompts, sampling, progress))

    async def _all(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None
    ) -> list[list[Completion]]:
        import openai

        total, finished = len(prompts) * sampling.n, 0
        slots = asyncio.Semaphore(self._parallel)
        keys = derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in prompts])
        client = openai.AsyncOpenAI(
            base_url=self.url,
            # Local servers take any key, but the library insists on one.
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            timeout=openai.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            max_retries=self._retries,
        )

        async def group(index: int) -> list[Completion]:
            nonlocal finished
            found = await _Group(self, client, slots, prompts[index], sampling, keys[index]).fill()
            finished += len(found)
            if progress:
                progress.update("generate", finished, total)
            return found

        async with client:
            tasks = [asyncio.ensure_future(group(i)) for i in range(len(prompts))]
            try:
                return await asyncio.gather(*tasks)
            finally:
                # After a failure, or Ctrl-C, nobody waits for what is still under way.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(
        self, client: Any, prompt: Sequence[Message], n: int, how: Sampling, seed: int, limited: bool = True
    ) -> list[Completion]:
        """One request; between 1 and `n` completions. Raises PolicyError with one line for whatever goes wrong.

        A budget that reaches beyond the context is refused by servers; asked again without one (`limited` False), they
        give what room there is. A prompt that fills the context gets empty completions, as it does from a model here.
        """
        budget = {self._budget: how.max_tokens} if limited else {}
        try:
            async with asyncio.timeout(self._timeout):
                answer = await client.chat.completions.create(
                    model=self.model,
                    messages=list(prompt),
                    n=n,
                    temperature=how.temperature,
                    top_p=how.top_p,
                    seed=seed,
                    **budget,
                )
        except Exception as fault:
            if limited and NEW_BUDGET in str(fault) and NEW_BUDGET not in budget:
                self._budget = NEW_BUDGET
                return await self.ask(client, prompt, n, how, seed)
            told = explain_error(fault, self.url, self.model, self._timeout)
            if not isinstance(told, ContextFull):
                raise told from fault
            if limited:
                return await self.ask(client, prompt, n, how, seed, limited=False)
            return [Completion("", finish_reason="context")] * n
        choices = getattr(answer, "choices", None)
        if not choices:
            raise PolicyError(f"{self.id} answered without any choice.", "Is it a chat completions server?")
        return [self._completion(choice, how) for choice in choices[:n]]

    def _completion(self, choice: Any, how: Sampling) -> Completion:
        text = getattr(getattr(choice, "message", None), "content", None)
        reason = getattr(choice, "finish_reason", None)
        finish: Literal["stop", "length"] = "length" if reason == "length" else "stop"
        if not isinstance(text, str) and finish == "stop":
            raise PolicyError(
                f"{self.id} answered without content (finish_reason {reason!r}).",
                "Tool calls and refusals are not completions; use a plain chat model.",
            )
        # Cut off before the answer began, as happens to reasoning models: an empty completion, no failure.
        return Completion(text or "", finish_reason=finish, temperature=how.temperature)


class _Group:
    """The completions of one prompt, gathered from a server that may give fewer than it is asked for."""

    def __init__(
        self, policy: OpenAIPolicy, client: Any, slots: asyncio.Semaphore, prompt: Any, sampling: Sampling, key: str
    ) -> None:
        self._policy, self._client, self._slots = policy, client, slots
        self._prompt, self._sampling, self._key = prompt, sampling, key
        self._requests = 0

    async def fill(self) -> list[Completion]:
        """`sampling.n` completions: one request for all; then, of the size the server gives, as many as are missing."""
        n = self._sampling.n
        try:
            found = await self._request(n)
        except RequestRefused:
            # Some servers refuse n > 1, always or at temperature 0; if that was not it, one alone fails as well.
            if n == 1:
                raise
            found = await self._request(1)
        while len(found) < n:
            size, missing = len(found), n - len(found)
            sizes = [min(size, missing - start) for start in range(0, missing, size)]
            for more in await asyncio.gather(*map(self._request, sizes)):
                found += more
        return found

    async def _request(self, n: int) -> list[Completion]:
        # A seed for each request: with one seed for all, asking again would bring the same completions again.
        seed = int(content_id(self._key, self._requests)[:7], 16)
        self._requests += 1
        async with self._slots:
            return await self._policy.ask(self._client, self._prompt, n, self._sampling, seed)


def parse_address(spec: str) -> tuple[str, str]:
    """URL and model of a spec. Raises UsageError."""
    url, _, model = spec.removeprefix("openai:").partition("#")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not model:
        raise UsageError(f"{spec!r} does not name a server and a model.", f"Write it like {EXAMPLE}.")
    if parts.username or parts.password:
        raise UsageError("a key in a server's address would end up in reports.", "Set OPENAI_API_KEY instead.")
    return url.rstrip("/"), model
