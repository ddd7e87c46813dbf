"""The completions of many prompts from a server that may fail, refuse, or give fewer than it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from openrft.errors import BudgetSpent, PolicyError, ReplyMissing
from openrft.policies.base import Sampling
from openrft.policies.openai_protocol import RequestFiltered, RequestRefused, ServerFault
from openrft.runtime.paid.account import current_account
from openrft.runtime.progress import Progress
from openrft.types import Completion, Message, content_id

GIVE_UP = 16  # failed requests in a row after which the server counts as lost


class Missing(ServerFault):
    """In a replay: the reply was never kept."""

    concerns_request = True


@dataclass(slots=True)
class ServerRecord:
    """What is known of a model of a server over all calls of one policy."""

    model: str  # URL#MODEL
    answered: bool = False  # whether it gave any reply, now or when a kept one was paid for
    failed_in_a_row: int = 0  # requests

    def has_answered(self) -> bool:
        """Whether the model is known to answer: here, or in what the account keeps."""
        account = current_account()
        return self.answered or (account is not None and account.keeps_replies_of(self.model))


class Tally:
    """Counts the completions that arrived and failed, over all requests of one call, and says when to give up.

    A fault that would meet every request (no server, a wrong key, an unknown model) ends the call at once, unless the
    server has answered in this call. A fault of one request alone (a content filter, a reply that a replay lacks)
    never does, if the model is known to answer others: a call may well be about a single new answer. Of other faults
    one request is spared for the same reason. Beyond that a call ends where more than half of it is lost, and where
    many requests fail in a row, over all calls.
    """

    def __init__(self, total: int, progress: Progress | None, record: ServerRecord) -> None:
        self._total, self._progress, self._record = total, progress, record
        self._answered = self.failed = self._fresh = self._requests = 0
        self.spent: BudgetSpent | None = None  # after it no further call begins
        self._fault: ServerFault | None = None  # the first

    def add_answered(self, count: int, fresh: bool) -> None:
        """Count a request that returned `count` completions; `fresh`: from the server, and not from kept replies."""
        self._answered += count
        self._fresh += count * fresh
        self._record.answered, self._record.failed_in_a_row = True, 0
        self._show()

    def add_failed(self, count: int, fault: ServerFault) -> None:
        """Count a request for `count` completions that failed for good. Raises PolicyError after too many failures, or
        ReplyMissing in a replay."""
        self._fault = self._fault or fault
        self.failed += count
        self._requests += 1
        self._record.failed_in_a_row += 1
        if fault.permanent and not self._fresh:
            raise fault
        if self._record.failed_in_a_row >= GIVE_UP or (2 * self.failed > self._total and not self._is_spared(fault)):
            kind = ReplyMissing if isinstance(fault, Missing) else PolicyError
            raise kind(self.describe() if self._answered else self._fault.message, self._fault.advice)
        self._show()

    def _is_spared(self, fault: ServerFault) -> bool:
        """Whether the call continues although more than half of it is lost so far."""
        if isinstance(fault, RequestFiltered):
            return True  # the server has read the request, so it works
        alone = fault.concerns_request or self._record.failed_in_a_row == self._requests == 1
        return alone and self._record.has_answered()

    def describe(self) -> str:
        """How much failed, with the server's first message."""
        words = self._fault.message if self._fault else ""
        return f"{self.failed} of {self._total} answers could not be had from the server; the first: {words}"

    def _show(self) -> None:
        if self._progress:
            self._progress.update("generate", self._answered + self.failed, self._total)


class CompletionServer(Protocol):
    """What a group asks: the policy, which sends the request and reads the reply."""

    one_at_a_time: bool  # whether the server has refused n > 1

    async def ask(
        self, client: Any, prompt: Sequence[Message], n: int, how: Sampling, seed: int
    ) -> tuple[list[Completion], bool]:
        """One request with an answer of between 1 and `n` completions, and whether it was answered by the server, and
        not from kept replies."""
        ...


class PromptGroup:
    """Collects the completions of one prompt from a server that may return fewer than it is asked for."""

    def __init__(
        self,
        server: CompletionServer,
        client: Any,
        slots: asyncio.Semaphore,
        tally: Tally,
        prompt: Any,
        sampling: Sampling,
        key: str,
    ) -> None:
        self._server, self._client, self._slots, self._tally = server, client, slots, tally
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
        if self._server.one_at_a_time:
            self._requests += 1  # keeps the following seeds the same as for the prompt that found the refusal
            return await self._request(1)
        try:
            return await self._request(n, may_be_refused=True)
        except (RequestRefused, ReplyMissing):  # if n was not the reason, a request for one fails too
            found = await self._request(1)
            self._server.one_at_a_time |= found[0].finish_reason != "error"
            return found

    async def _request(self, size: int, may_be_refused: bool = False) -> list[Completion]:
        # Each request has its own seed. With the same seed, asking again would return the same completions.
        seed = int(content_id(self._key, self._requests)[:7], 16)
        self._requests += 1
        async with self._slots:
            if self._tally.spent:
                raise self._tally.spent
            try:
                found, fresh = await self._server.ask(self._client, self._prompt, size, self._sampling, seed)
            except BudgetSpent as fault:
                self._tally.spent = fault
                raise
            except ReplyMissing as fault:
                if may_be_refused:
                    raise
                return self._fail(size, Missing(fault.message, fault.advice))
            except ServerFault as fault:
                if may_be_refused and isinstance(fault, RequestRefused):
                    raise
                return self._fail(size, fault)
        self._tally.add_answered(len(found), fresh)
        return found

    def _fail(self, size: int, fault: ServerFault) -> list[Completion]:
        """Completions that say what a request for `size` of them failed with."""
        account = current_account()
        if account and isinstance(fault, Missing):
            account.missing += size
        self._tally.add_failed(size, fault)
        words = str(fault)
        return [Completion("", finish_reason="error", temperature=self._sampling.temperature, error=words)] * size
