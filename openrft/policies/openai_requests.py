"""One request to an OpenAI-compatible server, sent again while its fault may pass.

Faults that may pass are lost connections, timeouts, 408, 409, 425, 429, 5xx, and replies with status 200 that are no
answer: cut off, not JSON, an error, or no choice. Any other status fails at once. Between attempts is a random wait up
to a limit that doubles (full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), or
what the server asks for (Retry-After). Every attempt that a server may have charged for is told to the permit.
"""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from openrft.policies.openai_protocol import BadReply, explain_error, read_reply, read_usage
from openrft.runtime.paid.usage import Usage
from openrft.types import Completion, Message

if TYPE_CHECKING:
    from tenacity import RetryCallState

RETRY_DELAY = 0.5  # seconds: the most before the second attempt; twice as long before each further one
LONGEST_DELAY = 30.0  # seconds
LONGEST_TOLD = 300.0  # seconds that a server may ask to wait; one that asks for more has failed
PATIENCE = 1200.0  # seconds after the first attempt in which another is begun
GREETINGS = 4  # attempts to reach a server that has never answered
_PASSING = (408, 409, 425, 429)


class Payer(Protocol):
    """Is told what attempts cost. `openrft.runtime.paid.account.Permit` is one."""

    def pay_for_nothing(self, usage: Usage) -> None: ...

    def lose(self) -> None: ...

    def renew(self) -> None: ...


class NoPayer:
    """For calls that belong to no account."""

    def pay_for_nothing(self, usage: Usage) -> None:
        """Nothing."""

    def lose(self) -> None:
        """Nothing."""

    def renew(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class RequestSender:
    """Sends requests to one model of one server."""

    url: str
    model: str
    timeout: float  # seconds for one attempt
    retries: int
    reached: bool = False  # whether the server has ever answered anything

    async def send(
        self, client: Any, prompt: Sequence[Message], temperature: float, values: Mapping[str, Any], payer: Payer
    ) -> tuple[Any, list[Completion]]:
        """The reply and its completions. Raises ServerFault with one line, and BudgetSpent if what was lost leaves no
        room for another attempt."""
        import tenacity

        def stop(state: RetryCallState) -> bool:
            fault = state.outcome.exception() if state.outcome else None
            absent = not self.reached and _is_unsent(fault) and state.attempt_number >= GREETINGS
            late = (state.seconds_since_start or 0.0) >= PATIENCE
            return absent or late or state.attempt_number > self.retries

        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(may_pass), stop=stop, wait=choose_delay, reraise=True
        )
        first = True
        try:
            async for attempt in attempts:
                with attempt:
                    if not first:
                        payer.renew()
                    first = False
                    return await self._try_once(client, prompt, temperature, values, payer)
        except Exception as fault:  # the library's errors, and what it leaves of httpx's
            if isinstance(fault, _library_faults()):
                raise explain_error(fault, self.url, self.model, self.timeout) from fault
            raise
        raise AssertionError("the loop above ends with a return or an error")

    async def _try_once(
        self, client: Any, prompt: Sequence[Message], temperature: float, values: Mapping[str, Any], payer: Payer
    ) -> tuple[Any, list[Completion]]:
        import openai

        try:
            async with asyncio.timeout(self.timeout):
                reply = await client.chat.completions.create(model=self.model, messages=list(prompt), **values)
        except openai.APIStatusError:
            self.reached = True
            raise
        except (asyncio.CancelledError, Exception) as fault:  # on its way, or cut off
            if not _is_unsent(fault):
                payer.lose()
            raise
        self.reached = True
        usage = read_usage(reply, f"{self.url}#{self.model}")
        try:
            return reply, read_reply(reply, temperature)
        except BadReply as fault:
            if usage:
                payer.pay_for_nothing(usage)
            elif not fault.body:  # neither an answer nor an error: whatever was generated is lost
                payer.lose()
            raise


def may_pass(fault: BaseException) -> bool:
    """Whether the same request may succeed later."""
    import openai

    if isinstance(fault, BadReply | openai.APIStatusError):
        code = fault.body.get("code") if isinstance(fault.body, Mapping) else None
        if code == "insufficient_quota" or (read_retry_after(fault) or 0.0) > LONGEST_TOLD:
            return False
        status = fault.status_code
        return not status or status in _PASSING or not 400 <= status < 500
    return isinstance(fault, _library_faults())


def choose_delay(state: RetryCallState) -> float:
    """Seconds until the next attempt."""
    limit = min(LONGEST_DELAY, RETRY_DELAY * 2 ** (state.attempt_number - 1))
    told = read_retry_after(state.outcome.exception() if state.outcome else None)
    # A little later than told, so that those who wait for the same moment do not all come back at once.
    return random.uniform(0, limit) if told is None else told + random.uniform(0, min(limit, RETRY_DELAY))


def read_retry_after(fault: BaseException | None) -> float | None:
    """Seconds until the server wants to be asked again: a number or a date; None if it does not say."""
    headers = getattr(getattr(fault, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            return max(float(text) * unit, 0.0)
        except ValueError:
            pass
        try:
            date = email.utils.parsedate_to_datetime(text)
        except ValueError:
            continue
        now = datetime.datetime.now(date.tzinfo)
        return max((date - now).total_seconds(), 0.0)
    return None


def _is_unsent(fault: BaseException | None) -> bool:
    """Whether the server was never reached, so that it cannot have answered."""
    # By name: the library uses httpx or httpx2, and importing the other while threads send breaks it.
    return type(getattr(fault, "__cause__", None)).__name__ in ("ConnectError", "ConnectTimeout", "PoolTimeout")


def _library_faults() -> tuple[type[Exception], ...]:
    """What a request may raise: the library's errors, our own reading's, timeouts, and JSON that is none."""
    import openai

    return (BadReply, openai.APIError, TimeoutError, ValueError)
