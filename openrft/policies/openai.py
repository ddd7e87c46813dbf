"""An OpenAI-compatible server as a policy: chat completions over HTTP, many requests at a time.

It is written as `openai:http://127.0.0.1:8000/v1#model-name`. The key comes from OPENAI_API_KEY and is never shown. The
`openai` library (the extra `openrft[openai]`) does transport, retries and backoff. It is imported when a policy is
made.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from openrft.errors import PolicyError, UsageError
from openrft.grading.thinking import split_thought
from openrft.policies.base import Sampling
from openrft.policies.chat_template import SWITCHES, Thinking
from openrft.policies.openai_protocol import (
    NEW_BUDGET,
    OPTIONAL,
    SWITCH,
    BadReply,
    ContextFull,
    RequestRefused,
    ServerFault,
    explain_error,
    read_reply,
)
from openrft.runtime.logging import follow_verbosity
from openrft.runtime.progress import Progress
from openrft.runtime.seeds import derive_prompt_seeds
from openrft.types import Completion, Message, content_id

EXAMPLE = "openai:http://127.0.0.1:8000/v1#model-name"
PARALLEL = 16  # requests in flight; servers batch what arrives together
CONNECT = 10.0  # seconds to reach the server
TIMEOUT = 600.0  # seconds for one request with its retries; a long completion on a busy server takes minutes
RETRIES = 4  # of a request, after a lost connection, 408, 409, 429, 5xx or a bad reply, with exponential backoff
RETRY_DELAY = 0.5  # seconds before a bad reply is asked for again; twice as long each time
GIVE_UP = 16  # failed requests in a row after which the server counts as lost

logger = logging.getLogger(__name__)


class OpenAIPolicy:
    """See `openrft.policies.base.Policy` for the contract. Completions have no token ids and no log-probabilities.

    Must not be called from within a running event loop.
    """

    def __init__(
        self,
        spec: str,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        parallel: int = PARALLEL,
        thinking: Thinking = "auto",
    ) -> None:
        """`thinking` is handed to the server's chat template under the names that templates read."""
        self._switch = {name: values[thinking == "off"] for name, values in SWITCHES.items() if values == (True, False)}
        self._thinking = thinking
        self.url, self.model = parse_address(spec)
        self.id = f"openai:{self.url}#{self.model}"
        self._timeout, self._retries, self._parallel = timeout, retries, parallel
        self._refused: set[str] = set()  # parameters that the server has refused
        self._told = False  # whether it was said that the server does not follow the switch for thinking
        self.one_at_a_time = False  # whether the server has refused n > 1
        try:
            import openai  # noqa: F401  # fails here and not in the middle of a run
        except ImportError as fault:
            raise UsageError(
                f"the policy {self.id} needs the openai library.", "Install it: pip install 'openrft[openai]'."
            ) from fault
        follow_verbosity("openai._base_client", logging.INFO)  # it logs retries; its DEBUG shows whole requests

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """`sampling.n` completions for each prompt, in order. A request that fails for good loses its own completions
        (finish_reason "error"). Raises PolicyError where that happens to more than half of them or to many in a row.
        """
        if any(prompt[-1]["role"] == "assistant" for prompt in prompts):  # servers would silently begin a new turn
            raise UsageError(f"{self.id} cannot continue a begun answer.", "Give a checkpoint folder or hub id.")
        return asyncio.run(self._generate_all(prompts, sampling, progress))

    async def _generate_all(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None
    ) -> list[list[Completion]]:
        import openai

        tally = _Tally(len(prompts) * sampling.n, progress)
        slots = asyncio.Semaphore(self._parallel)
        keys = derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in prompts])
        client = openai.AsyncOpenAI(
            base_url=self.url,
            # Local servers take any key, but the library insists on one.
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            timeout=openai.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            max_retries=self._retries,
        )
        async with client:
            groups = [
                _Group(self, client, slots, tally, prompt, sampling, key)
                for prompt, key in zip(prompts, keys, strict=True)
            ]
            tasks = [asyncio.ensure_future(group.fill()) for group in groups]
            try:
                found = await asyncio.gather(*tasks)
            finally:
                # After a failure or Ctrl-C, requests in flight are cancelled.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        if tally.failed:
            logger.warning("%s", tally.describe())
        self._check_switch(found)
        return found

    def _check_switch(self, found: Sequence[Sequence[Completion]]) -> None:
        """Say it once if the server took the switch for thinking without a word and did not follow it."""
        given = [c for group in found for c in group if c.is_written and c.text.strip()]
        thought = sum(bool(split_thought(c.text).thought.strip()) for c in given)
        if (
            given
            and not self._told
            and ((self._thinking == "off" and thought) or (self._thinking == "on" and not thought))
        ):
            self._told = True
            logger.warning(
                "%s does not follow policy.thinking=%s: %d of %d answers show a thought.",
                *(self.id, self._thinking, thought, len(given)),
            )

    async def ask(self, client: Any, prompt: Sequence[Message], n: int, how: Sampling, seed: int) -> list[Completion]:
        """One request with an answer of between 1 and `n` completions. Raises ServerFault with one line.

        An optional parameter that the server refuses is left out, now and in later requests: the server then draws
        with its own. A budget that reaches beyond the context is refused too; asked again without one, servers give
        what room there is. A prompt that fills the context gets empty completions, as it does from a model here.
        """
        refused, limited = set(self._refused), True
        while True:
            values = {"n": n, "temperature": how.temperature, "top_p": how.top_p, "seed": seed, **_build_extras(how)}
            budget = next((name for name in ("max_tokens", NEW_BUDGET) if name not in refused), None)
            if budget and limited:
                values[budget] = how.max_tokens
            values = {name: value for name, value in values.items() if name not in refused}
            if self._thinking != "auto":
                values["extra_body"] = {SWITCH: self._switch}
            try:
                found = await self._send(client, prompt, how.temperature, values)
            except ContextFull:
                if budget not in values:
                    return [Completion("", finish_reason="context")] * n
                limited = False
            except RequestRefused as fault:
                name = budget if fault.parameter in ("max_tokens", NEW_BUDGET) and budget else fault.parameter
                if not name and "response_format" in values:  # servers without it refuse it in many words
                    name = "response_format"
                if name not in values or (name == "n" and n > 1):
                    raise
                refused.add(name)
            else:
                self._remember_refused(refused)
                return found[:n]

    async def _send(
        self, client: Any, prompt: Sequence[Message], temperature: float, values: dict[str, Any]
    ) -> list[Completion]:
        """Send one request. The library retries lost connections, 408, 409, 429 and 5xx. Bad replies are retried
        here."""
        import openai

        bad_reply: Exception | None = None
        try:
            async with asyncio.timeout(self._timeout):
                for attempt in itertools.count():
                    try:
                        reply = await client.chat.completions.create(model=self.model, messages=list(prompt), **values)
                        return read_reply(reply, temperature)
                    except (BadReply, ValueError, openai.APIResponseValidationError) as fault:
                        refusal = isinstance(fault, BadReply) and fault.status_code in (400, 401, 403, 404, 413, 422)
                        bad_reply = fault
                        if refusal or attempt == self._retries:
                            raise
                    await asyncio.sleep(RETRY_DELAY * 2**attempt)
        except Exception as fault:
            if bad_reply and isinstance(fault, TimeoutError):
                fault = bad_reply  # the server's message is more useful than the timeout
            raise explain_error(fault, self.url, self.model, self._timeout) from fault
        raise AssertionError("the loop above ends with a return or an error")

    def _remember_refused(self, refused: set[str]) -> None:
        """Stop sending parameters without which the server accepted a request. Each is logged once."""
        fresh = [name for name in OPTIONAL if name in refused - self._refused]
        self._refused |= refused
        if lost := [name for name in fresh if name not in ("n", "max_tokens")]:
            logger.warning("%s refuses %s: the server draws with its own.", self.id, ", ".join(lost))


class _Tally:
    """Counts the completions that arrived and failed, over all requests of one call."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._answered = self.failed = self._in_a_row = 0
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


class _Group:
    """Collects the completions of one prompt from a server that may return fewer than it is asked for."""

    def __init__(
        self,
        policy: OpenAIPolicy,
        client: Any,
        slots: asyncio.Semaphore,
        tally: _Tally,
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
        except RequestRefused:  # if n was not the reason, a request for one fails too
            found = await self._request(1)
            self._policy.one_at_a_time |= found[0].finish_reason != "error"
            return found

    async def _request(self, size: int, may_be_refused: bool = False) -> list[Completion]:
        # Each request has its own seed. With the same seed, asking again would return the same completions.
        seed = int(content_id(self._key, self._requests)[:7], 16)
        self._requests += 1
        async with self._slots:
            try:
                found = await self._policy.ask(self._client, self._prompt, size, self._sampling, seed)
            except ServerFault as fault:
                if may_be_refused and isinstance(fault, RequestRefused):
                    raise
                self._tally.add_failed(size, fault)
                failed = Completion("", finish_reason="error", temperature=self._sampling.temperature, error=str(fault))
                return [failed] * size
        self._tally.add_answered(len(found))
        return found


def _build_extras(how: Sampling) -> dict[str, Any]:
    """Parameters that only some requests have: the schema of the answer, and the reasoning effort."""
    extras: dict[str, Any] = {}
    if how.reasoning_effort is not None:
        extras["reasoning_effort"] = how.reasoning_effort
    if how.json_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": dict(how.json_schema)}
        extras["response_format"] = {"type": "json_schema", "json_schema": schema}
    return extras


def parse_address(spec: str) -> tuple[str, str]:
    """URL and model of a spec. Raises UsageError."""
    url, _, model = spec.removeprefix("openai:").partition("#")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and model and parts.port != 0
    except ValueError:  # invalid brackets or port
        good = False
    if not good or not spec.isprintable():
        raise UsageError(f"{spec!r} does not name a server and a model.", f"Write it like {EXAMPLE}.")
    if parts.username or parts.password:
        raise UsageError("a key in a server's address would end up in reports.", "Set OPENAI_API_KEY instead.")
    return url.rstrip("/"), model
