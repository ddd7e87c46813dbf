"""An OpenAI-compatible server as a policy: chat completions over HTTP, many requests at a time.

It is written as `openai:http://127.0.0.1:8000/v1#model-name`. The key comes from OPENAI_API_KEY and is never shown. The
`openai` library (the extra `openrft[openai]`) does transport. It is imported when a policy is made.

Within a job or a command, replies are kept by content in the store, and no call is paid for twice
(`openrft.runtime.paid`). What is asked again gets the same reply, unless Sampling.seed differs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from openrft.errors import BudgetSpent, UsageError
from openrft.grading.thinking import split_thought
from openrft.policies.base import Sampling
from openrft.policies.chat_template import SWITCHES, Thinking
from openrft.policies.openai_groups import PromptGroup, ServerRecord, Tally
from openrft.policies.openai_protocol import (
    NEW_BUDGET,
    OPTIONAL,
    SWITCH,
    BadReply,
    ContextFull,
    RequestRefused,
    explain_error,
    read_reply,
    read_usage,
)
from openrft.policies.openai_requests import NoPayer, Payer, RequestSender
from openrft.runtime.logging import follow_verbosity
from openrft.runtime.paid.account import IN_FLIGHT, Account, Call, Permit, current_account
from openrft.runtime.paid.ledger import KeptReply
from openrft.runtime.paid.usage import Usage
from openrft.runtime.progress import Progress
from openrft.runtime.ranks import compute_once
from openrft.runtime.seeds import derive_prompt_seeds
from openrft.types import Completion, Message

EXAMPLE = "openai:http://127.0.0.1:8000/v1#model-name"
CONNECT = 10.0  # seconds to reach the server
TIMEOUT = 600.0  # seconds for one attempt; a long completion on a busy server takes minutes
RETRIES = 8  # of a request whose fault may pass; at 3 faults in 10 attempts, one request in 50,000 fails for good
POLL = (0.02, 0.1)  # seconds between two looks whether a call may begin

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
        parallel: int | None = None,
        thinking: Thinking = "auto",
    ) -> None:
        """`thinking` is handed to the server's chat template under the names that templates read. `parallel`: requests
        in flight; None: as many as the account allows. Raises UsageError, also for a model without a price if the
        account has a budget."""
        self._switch = {name: values[thinking == "off"] for name, values in SWITCHES.items() if values == (True, False)}
        self._thinking = thinking
        self.url, self.model = parse_address(spec)
        self._address = f"{self.url}#{self.model}"  # what a model is called in accounts
        self.id = f"openai:{self._address}"
        self._sender = RequestSender(self.url, self.model, timeout, retries)
        self._record = ServerRecord(self._address)
        self._timeout, self._parallel = timeout, parallel
        self._refused: set[str] = set()  # parameters that the server has refused
        self._told = False  # whether it was said that the server does not follow the switch for thinking
        self.one_at_a_time = False  # whether the server has refused n > 1
        try:
            import openai  # noqa: F401  # fails here and not in the middle of a run
            import tenacity  # noqa: F401
        except ImportError as fault:
            raise UsageError(
                f"the policy {self.id} needs the library {fault.name or fault}.",
                "Install it: pip install 'openrft[openai]'.",
            ) from fault
        if account := current_account():
            account.check_model(self._address)
        follow_verbosity("openai._base_client", logging.INFO)  # it logs retries; its DEBUG shows whole requests

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """`sampling.n` completions for each prompt, in order. A request that fails for good loses its own completions
        (finish_reason "error"). Raises PolicyError where no request can succeed, and after too many failures (`Tally`).
        """
        if any(prompt[-1]["role"] == "assistant" for prompt in prompts):  # servers would silently begin a new turn
            raise UsageError(f"{self.id} cannot continue a begun answer.", "Give a checkpoint folder or hub id.")
        return compute_once(lambda: asyncio.run(self._generate_all(prompts, sampling, progress)))

    async def _generate_all(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None
    ) -> list[list[Completion]]:
        import openai

        tally = Tally(len(prompts) * sampling.n, progress, self._record)
        account = current_account()
        allowed = account.settings.share if account else self._parallel or IN_FLIGHT
        slots = asyncio.Semaphore(min(self._parallel or allowed, allowed))
        keys = derive_prompt_seeds(sampling.seed, [list(prompt) for prompt in prompts])
        client = openai.AsyncOpenAI(
            base_url=self.url,
            # Local servers take any key, but the library insists on one.
            api_key=os.environ.get("OPENAI_API_KEY") or "none",
            timeout=openai.Timeout(self._timeout, connect=min(CONNECT, self._timeout)),
            max_retries=0,  # openai_requests.py retries, and tells what each attempt cost
        )
        async with client:
            groups = [
                PromptGroup(self, client, slots, tally, prompt, sampling, key)
                for prompt, key in zip(prompts, keys, strict=True)
            ]
            tasks = [asyncio.ensure_future(group.fill()) for group in groups]
            try:
                found = await asyncio.gather(*tasks)
            except BudgetSpent:
                await asyncio.gather(*tasks, return_exceptions=True)  # what is on its way is paid for
                raise
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

    async def ask(
        self, client: Any, prompt: Sequence[Message], n: int, how: Sampling, seed: int
    ) -> tuple[list[Completion], bool]:
        """One request with an answer of between 1 and `n` completions, and True; or the reply that was kept of an equal
        one, and False.

        Raises ServerFault with one line, BudgetSpent, and in a replay ReplyMissing.
        """
        account = current_account()
        if account is None:
            return await self._ask_server(client, prompt, n, how, seed, None), True
        found = await self._begin(account, self._describe_call(prompt, n, how, seed))
        if isinstance(found, KeptReply):
            try:
                return _read_kept(found, how.temperature, n), False
            except BadReply as fault:  # kept by a version that read it otherwise
                raise explain_error(fault, self.url, self.model, self._timeout) from fault
        with found as permit:
            return await self._ask_server(client, prompt, n, how, seed, permit), True

    async def _begin(self, account: Account, call: Call) -> KeptReply | Permit:
        while (found := account.begin(call)) is None:
            await asyncio.sleep(random.uniform(*POLL))
        return found

    def _describe_call(self, prompt: Sequence[Message], n: int, how: Sampling, seed: int) -> Call:
        """What the reply depends on, whatever of it the server refuses; and the most that the reply can cost: a token
        for every byte of the request, and all tokens that may be generated."""
        request = {
            **{"server": self.url, "model": self.model, "messages": [dict(message) for message in prompt]},
            **{"n": n, "temperature": how.temperature, "top_p": how.top_p, "max_tokens": how.max_tokens, "seed": seed},
            **_build_extras(how),
            **({} if self._thinking == "auto" else {"thinking": self._thinking}),
        }
        size = len(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
        most = Usage(self._address, 1, size, 0, n * how.max_tokens)
        return Call(self.url, request, most)

    async def _ask_server(
        self, client: Any, prompt: Sequence[Message], n: int, how: Sampling, seed: int, permit: Permit | None
    ) -> list[Completion]:
        """Send a request, and keep its reply.

        An optional parameter that the server refuses is left out, now and in later requests: the server then draws
        with its own. A budget that reaches beyond the context is refused too; asked again without one, servers give
        what room there is. A prompt that fills the context gets empty completions, as it does from a model here.
        """
        payer: Payer = permit or NoPayer()
        refused, limited = set(self._refused), True
        while True:
            values = {"n": n, "temperature": how.temperature, "top_p": how.top_p, "seed": seed, **_build_extras(how)}
            budget = next((name for name in ("max_tokens", NEW_BUDGET) if name not in refused), None)
            if budget and limited:
                values[budget] = how.max_tokens
            elif not budget and permit and permit.has_budget:
                raise UsageError(
                    f"{self.id} takes no limit of tokens, so what a reply may cost is not known.", "Leave out --budget."
                )
            values = {name: value for name, value in values.items() if name not in refused}
            if self._thinking != "auto":
                values["extra_body"] = {SWITCH: self._switch}
            try:
                reply, found = await self._sender.send(client, prompt, how.temperature, values, payer)
            except ContextFull:
                if budget not in values:
                    if permit:
                        permit.keep({"context_full": True}, Usage(self._address, 1))
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
                if permit:
                    whole = reply.model_dump(mode="json", warnings=False, exclude_unset=True)
                    permit.keep(whole, read_usage(reply, self._address))
                return found[:n]

    def _remember_refused(self, refused: set[str]) -> None:
        """Stop sending parameters without which the server accepted a request. Each is logged once."""
        fresh = [name for name in OPTIONAL if name in refused - self._refused]
        self._refused |= refused
        if lost := [name for name in fresh if name not in ("n", "max_tokens")]:
            logger.warning("%s refuses %s: the server draws with its own.", self.id, ", ".join(lost))


def _build_extras(how: Sampling) -> dict[str, Any]:
    """Parameters that only some requests have: the schema of the answer, and the reasoning effort."""
    extras: dict[str, Any] = {}
    if how.reasoning_effort is not None:
        extras["reasoning_effort"] = how.reasoning_effort
    if how.json_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": dict(how.json_schema)}
        extras["response_format"] = {"type": "json_schema", "json_schema": schema}
    return extras


def _read_kept(found: KeptReply, temperature: float, n: int) -> list[Completion]:
    """The completions of a kept reply."""
    from openai.types.chat import ChatCompletion

    content = json.loads(found.reply)
    if content.get("context_full"):
        return [Completion("", finish_reason="context")] * n
    return read_reply(ChatCompletion.construct(**content), temperature)[:n]


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
