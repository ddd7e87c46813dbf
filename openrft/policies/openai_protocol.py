"""What an OpenAI-compatible server says: replies read as completions, refusals and faults told in one line.

Knows the shapes of replies and errors. Sends nothing (openai.py does).
"""

from __future__ import annotations

import os
import re
from typing import Any

from openrft.errors import PolicyError
from openrft.types import Completion

LONGEST = 200  # characters of a server's own words; some answer with a whole page
NEW_BUDGET = "max_completion_tokens"  # what OpenAI's reasoning models insist on; other servers know the old name only
# What a server may refuse to be told, the least important first: where a refusal names several, one goes at a time.
OPTIONAL = ("seed", "top_p", "temperature", "n", "max_tokens", NEW_BUDGET)


class ServerFault(PolicyError):
    """One request failed for good. `permanent`: the same would happen to every other request."""

    permanent = False


class RequestRefused(ServerFault):
    """The server understood the request and will not serve it as it is (400, 413, 422).

    `parameter` is the optional parameter that the refusal is about, as far as the server says so.
    """

    parameter = ""


class ContextFull(RequestRefused):
    """Prompt and budget together, or the prompt alone, are more than the model's context."""


class BadReply(Exception):
    """A reply with status 200 that holds an error or no completion."""

    def __init__(self, words: str, body: object = None, status: int = 0) -> None:
        super().__init__(words)
        self.body, self.status_code = body, status


def read_reply(reply: Any, temperature: float) -> list[Completion]:
    """The reply's choices as completions. Raises BadReply where none of them is an answer, as with an error inside a
    reply with status 200."""
    choices: Any = getattr(reply, "choices", None)
    found = [_read_choice(choice, temperature) for choice in choices] if isinstance(choices, list) else []
    if any(completion.finish_reason != "error" for completion in found):
        return found
    fault: Any = getattr(reply, "error", None)
    if not fault and found:
        fault = getattr(choices[0], "error", None) or found[0].error
    code = str(fault.get("code")) if isinstance(fault, dict) else ""
    status = int(code) if re.fullmatch("[1-5][0-9][0-9]", code) else 0
    raise BadReply(_message_of(fault or "it answered without any choice"), fault, status)


def _read_choice(choice: Any, temperature: float) -> Completion:
    """One choice as a completion; finish_reason "error" where it holds no answer."""
    message: Any = getattr(choice, "message", None)
    reason = getattr(choice, "finish_reason", None)
    content = getattr(message, "content", None)
    if isinstance(content, list):
        content = "".join(map(_part_text, content))
    if not isinstance(content, str) and isinstance(getattr(message, "refusal", None), str):
        content = message.refusal  # the model declined, and that is its answer
    fault = getattr(choice, "error", None)
    if not fault and not isinstance(content, str) and (message is None or reason not in ("stop", "length")):
        fault = f"it answered without content (finish_reason {reason!r})"  # tool calls, a filter
    if fault:
        return Completion("", finish_reason="error", temperature=temperature, error=shorten(_message_of(fault)))
    # No content: cut off before the answer began, or all of it reasoning. An empty answer, no failure.
    return Completion(content or "", finish_reason="length" if reason == "length" else "stop", temperature=temperature)


def _part_text(part: Any) -> str:
    """The text of one part of a message; nothing for images, reasoning and the like."""
    if isinstance(part, str):
        return part
    kind, text = (part.get("type"), part.get("text")) if isinstance(part, dict) else (None, None)
    return text if isinstance(text, str) and kind in (None, "text", "output_text") else ""


def explain_error(fault: Exception, url: str, model: str, timeout: float) -> ServerFault:
    """The fault as one line that says what to do. Never shows the key."""
    import openai

    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return ServerFault(
            f"{url} did not answer within {timeout:g} seconds.", "Is the server overloaded? Ask for fewer tokens."
        )
    if isinstance(fault, openai.APIConnectionError):
        return _permanent(f"cannot reach the server at {url}.", "Start it, or check the address.")
    if isinstance(fault, openai.AuthenticationError | openai.PermissionDeniedError):
        return _permanent(f"the server at {url} refused the key.", "Set OPENAI_API_KEY to one that it knows.")
    if isinstance(fault, openai.NotFoundError):
        return _permanent(
            f"the server at {url} has no model {model!r}, or no chat completions there: {_one_line(fault)}",
            "Check the model's name; the address usually ends in /v1.",
        )
    if isinstance(fault, openai.APIStatusError) or (isinstance(fault, BadReply) and fault.status_code):
        return _explain_status(fault.status_code, fault, url)
    return ServerFault(
        f"the server at {url} gave no valid answer: {_one_line(fault)}", "Is it an OpenAI-compatible server?"
    )


def _permanent(message: str, advice: str) -> ServerFault:
    fault = ServerFault(message, advice)
    fault.permanent = True
    return fault


def _explain_status(status: int, fault: Exception, url: str) -> ServerFault:
    message = f"the server at {url} answered {status}: {_one_line(fault)}"
    if status not in (400, 413, 422):
        return ServerFault(message)
    body = getattr(fault, "body", None)
    words = f"{fault} {body}"
    # OpenAI, vLLM, SGLang and llama.cpp each say it in their own words; these are in all of them.
    if re.search(r"context[ _](length|window|size)|max_model_len", words, re.I):
        return ContextFull(message)
    refused = RequestRefused(message)
    named = body.get("param") if isinstance(body, dict) else None
    refused.parameter = named if named in OPTIONAL else next((p for p in OPTIONAL if _names(words, p)), "")
    if NEW_BUDGET in words and _names(words, "max_tokens"):
        refused.parameter = "max_tokens"  # the usual refusal: use the one instead of the other
    return refused


def _names(words: str, parameter: str) -> bool:
    # `n` alone is a word of its own in quotes only: a backslash before it is an end of line.
    return bool(re.search(rf"(?<![\w\\-]){parameter}(?![\w-])", words))


def _message_of(fault: object) -> str:
    message = fault.get("message") if isinstance(fault, dict) else None
    return str(message or fault)


def _one_line(fault: Exception) -> str:
    body = getattr(fault, "body", None)
    words = body.get("message") if isinstance(body, dict) else None
    return shorten(str(words or fault) or type(fault).__name__)


def shorten(words: str) -> str:
    """A server's words on one line, at most LONGEST characters, without the key should a server repeat it."""
    text = " ".join(words.split())
    if key := os.environ.get("OPENAI_API_KEY"):
        text = text.replace(key, "***")
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
