"""The completions of many prompts from a server that may fail, refuse, or give fewer than it is asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from openrft.errors import BudgetSpent, PolicyError, ReplyMissing
from openrft.policies.base import Sampling
from openrft.policies.openai_protocol import RequestRefused, ServerFault
from openrft.runtime.progress import Progress
from openrft.types import Completion, content_id

if TYPE_CHECKING:
    from openrft.policies.openai import OpenAIPolicy

GIVE_UP = 16  # failed requests in a row after which the server counts as lost


class Tally:
    """Counts the completions that arrived and failed, over all requests of one call."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._answered = self.failed = self._in_a_row = 0
        self.spent: BudgetSpent | None = None  # after it no further call begins
        self._fault: ServerFault | None = None  # the first

    def add_answered(self, count: int) -> None:
        """Count a request that returned `count` completions."""
        self._answered += count
        self._in_a_row = 0
        self._show()

    def add_failed(self, count: int, fault: ServerFault) -> None:
        """Count a request for `count` completions that failed for good. Raises PolicyError after too many failures."""
        self._fault = self._fault or fault
        self.failed += count
        self._in_a_row += 1
        if not self._answered and (fault.permanent or 2 * self.failed > self._total or self._in_a_row >= GIVE_UP):
            raise PolicyError(self._fault.message, self._fault.advice)
        if 2 * self.failed > self._total or self._in_a_row >= GIVE_UP:
            raise PolicyError(self.describe(), self._fault.advice)
        self._show()

    def describe(self) -> str:
        """How much failed, with the server's first message."""
        words = self._fault.message if self._fault else ""
        return f"{self.failed} of {self._total} answers could not be had from the server; the first: {words}"

    def _show(self) -> None:
        if self._progress:
            self._progress.update("generate", self._answered + self.failed, self._total)


class PromptGroup:
    """Collects the completions of one prompt from a server that may return fewer than it is asked for."""

    def __init__(
        self,
        policy: OpenAIPolicy,
        client: Any,
        slots: asyncio.Semaphore,
        tally: Tally,
        prompt: Any,
        sampling: Sampling,
        key: str,
    ) -> None:
        self._policy, self._client, self._slots, self._tally = policy, client, slots, tally
        self._prompt, self._sampling, self._key = prompt, sampling, key
        self._requests = 0

    async def fill(self) -> list[Completion]:
        """`sampling.n` completions: one request for all, then requests of the size the server returns for the rest."""
        n = self._sampling.n
        found = await self._request_first(n) if n > 1 else await self._request(1)
        while len(found) < n:
            size, missing = len(found), n - len(found)
            sizes = [min(size, missing - start) for start in range(0, missing, size)]
            for more in await asyncio.gather(*map(self._request, sizes)):
                found += more
        return found

    async def _request_first(self, n: int) -> list[Completion]:
        """Ask for all at once, or for one if the server refuses n > 1. Some do, always or at temperature 0."""
        if self._policy.one_at_a_time:
            self._requests += 1  # keeps the following seeds the same as for the prompt that found the refusal
            return await self._request(1)
        try:
            return await self._request(n, may_be_refused=True)
        except (RequestRefused, ReplyMissing):  # if n was not the reason, a request for one fails too
            found = await self._request(1)
            self._policy.one_at_a_time |= found[0].finish_reason != "error"
            return found

    async def _request(self, size: int, may_be_refused: bool = False) -> list[Completion]:
        # Each request has its own seed. With the same seed, asking again would return the same completions.
        seed = int(content_id(self._key, self._requests)[:7], 16)
        self._requests += 1
        async with self._slots:
            if self._tally.spent:
                raise self._tally.spent
            try:
                found = await self._policy.ask(self._client, self._prompt, size, self._sampling, seed)
            except BudgetSpent as fault:
                self._tally.spent = fault
                raise
            except ServerFault as fault:
                if may_be_refused and isinstance(fault, RequestRefused):
                    raise
                self._tally.add_failed(size, fault)
                failed = Completion("", finish_reason="error", temperature=self._sampling.temperature, error=str(fault))
                return [failed] * size
        self._tally.add_answered(len(found))
        return found
