"""Replies of an OpenAI-compatible server: read them as completions, and explain refusals and faults in one line.

This file knows the shapes of replies and errors. openai.py sends the requests.
"""

from __future__ import annotations

import os
import re
from typing import Any

from openrft.errors import PolicyError
from openrft.grading.thinking import THINK
from openrft.runtime.paid.usage import Usage
from openrft.types import Completion

LONGEST = 200  # characters of a server's message that are shown; some servers answer with a whole page
MOST_TOKENS = 2**53  # that a server may count; more is no count
SWITCH = "chat_template_kwargs"  # vLLM, SGLang and llama.cpp hand it to the chat template; OpenAI refuses it
NEW_BUDGET = "max_completion_tokens"  # required by OpenAI's reasoning models; other servers know only the old name
# Parameters that a server may refuse, the least important first. If a refusal names several, one is removed at a time.
OPTIONAL = ("reasoning_effort", "response_format", "seed", "top_p", "temperature", "n", "max_tokens", NEW_BUDGET)


# What providers call a refusal for what a text says: OpenAI and Azure, OpenRouter, Alibaba, DeepSeek, Zhipu.
_FILTER = re.compile(
    r"content[ _-]?(filter|policy|management|moderation|exists risk)|responsible ?ai|data_inspection_failed"
    r"|moderation_blocked|invalid_prompt|flagged|usage polic|inappropriate content|sensitive (content|words)",
    re.IGNORECASE,
)
# Where servers write what is wrong: OpenAI and most others, FastAPI (a text, or a list of objects), Flask and gateways.
_WORDS = ("error", "message", "detail", "msg")
_NO_MODEL = re.compile(
    r"model_not_found|model_not_exist|invalid_model|(invalid|unknown) model\b(?! output)"
    r"|\bmodel\b[^.]{0,80}?(does not exist|not exist|not found|is not a valid model)",
    re.IGNORECASE,
)


class ServerFault(PolicyError):
    """One request failed for good. `permanent`: the same would happen to every other request. `concerns_request`: it
    is about this request, and says nothing about others."""

    concerns_request = False


class RequestFiltered(ServerFault):
    """The server does not answer this request because of what it says, or what the answer would say."""

    concerns_request = True


class RequestRefused(ServerFault):
    """The server understood the request and refused it (400, 413, 422).

    `parameter` is the optional parameter that the refusal is about, if the server names it.
    """

    concerns_request = True
    parameter = ""


class ContextFull(RequestRefused):
    """Prompt and budget together, or the prompt alone, exceed the model's context."""


class BadReply(Exception):
    """A reply with status 200 that holds an error or no completion."""

    def __init__(self, words: str, body: object = None, status: int = 0) -> None:
        super().__init__(words)
        self.body, self.status_code = body, status


def read_reply(reply: Any, temperature: float) -> list[Completion]:
    """The reply's choices as completions. Raises BadReply if none of them is an answer, for example if a reply with
    status 200 contains an error."""
    choices: Any = getattr(reply, "choices", None)
    found = [_read_choice(choice, temperature) for choice in choices] if isinstance(choices, list) else []
    if any(completion.finish_reason != "error" for completion in found):
        return found
    if found and all(getattr(choice, "finish_reason", None) == "content_filter" for choice in choices):
        return found  # it was paid for, and the same question would be filtered again
    fault: Any = _find_fault(reply)
    if not fault and found:
        fault = getattr(choices[0], "error", None) or found[0].error
    code = str(fault.get("code")) if isinstance(fault, dict) else ""
    status = int(code) if re.fullmatch("[1-5][0-9][0-9]", code) else 0
    words = find_words(fault) or (str(fault) if fault else "it answered without any choice")
    raise BadReply(words, fault, status)


def _find_fault(reply: Any) -> Any:
    """What a reply with status 200 says in place of an answer: an error, or a text that is no JSON; None if nothing."""
    if isinstance(reply, str):
        return reply
    return next((said for name in _WORDS if (said := getattr(reply, name, None))), None)


def find_words(body: Any, depth: int = 4) -> str:
    """The server's own words in the body of an error, however it writes them; "" if there are none."""
    if isinstance(body, str):
        return body
    if isinstance(body, list) and depth:  # FastAPI: one for each fault
        return "; ".join(filter(None, (find_words(part, depth - 1) for part in body[:3])))
    if not isinstance(body, dict) or not depth:
        return ""
    return next((words for name in _WORDS if (words := find_words(body.get(name), depth - 1))), "")


def read_usage(reply: Any, model: str) -> Usage | None:
    """The tokens that the server counted; None if it did not. `model` is URL#MODEL."""
    counted: Any = getattr(reply, "usage", None)
    given, written = (_read_count(counted, name) for name in ("prompt_tokens", "completion_tokens"))
    if given is None or written is None:
        return None
    kept = _read_count(getattr(counted, "prompt_tokens_details", None), "cached_tokens")
    kept = _read_count(counted, "prompt_cache_hit_tokens") if kept is None else kept  # DeepSeek's name
    return Usage(model, 1, given, min(kept or 0, given), written)


def _read_count(place: Any, name: str) -> int | None:
    value = place.get(name) if isinstance(place, dict) else getattr(place, name, None)
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if good else None


def _read_choice(choice: Any, temperature: float) -> Completion:
    """One choice as a completion, with finish_reason "error" if it holds no answer."""
    message: Any = getattr(choice, "message", None)
    reason = getattr(choice, "finish_reason", None)
    given = getattr(message, "content", None)
    thought = _read_thought(message, given)
    content = _read_text(given)
    if content is None and isinstance(getattr(message, "refusal", None), str):
        content = _make_writable(message.refusal)  # the model's refusal is its answer
    fault = getattr(choice, "error", None)
    if not fault and content is None and given is not None and not thought:
        fault = f"it answered with content that is no text: {str(given)[:60]}"
    if not fault and content is None and not (hasattr(message, "content") and reason in ("length", "stop")):
        fault = f"it answered without content (finish_reason {reason!r})"  # tool calls, a filter, no message
    if fault:
        words = find_words(fault) or str(fault)
        return Completion("", finish_reason="error", temperature=temperature, error=shorten(words))
    # No content: nothing written, only reasoning, or cut off before the answer. This is an empty answer, no failure.
    cut = reason == "length"
    text = mark_thought(thought, content or "", cut) if thought else content or ""
    return Completion(text, finish_reason="length" if cut else "stop", temperature=temperature)


def mark_thought(thought: str, content: str, cut: bool) -> str:
    """A thought that a server gave apart, in marks before the answer. It stays open if it was cut off."""
    opening, closing = THINK
    begun = f"{opening}\n{thought.strip()}"
    return begun if cut and not content.strip() else f"{begun}\n{closing}\n\n{content.lstrip()}"


def _read_thought(message: Any, content: Any) -> str:
    """The thought, wherever the server puts it; "" if it gives none, or none as text."""
    for name in ("reasoning_content", "reasoning"):  # DeepSeek, vLLM, SGLang and llama.cpp; OpenRouter and newer vLLM
        if isinstance(given := getattr(message, name, None), str) and given.strip():
            return _make_writable(given)
    return "".join(_part_thought(part) for part in content) if isinstance(content, list) else ""


def _read_text(content: Any) -> str | None:
    """The text of a message; None for content that is none. A list is its parts, of which one must be a text."""
    if isinstance(content, list):
        texts = [text for part in content if (text := _part_text(part)) is not None]
        content = "".join(texts) if texts or not content else None
    return _make_writable(content) if isinstance(content, str) else None


def _make_writable(text: str) -> str:
    """The text without half surrogates, which JSON can hold and files cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _part_thought(part: Any) -> str:
    """The thought in one part of a message (Mistral): a text, or again a list of parts."""
    kind = part.get("type") if isinstance(part, dict) else None
    given = part.get(kind) if kind in ("thinking", "reasoning") else None
    return _read_text(given) or ""


def _part_text(part: Any) -> str | None:
    """The text of one part of a message; None for images, reasoning and other parts."""
    if isinstance(part, str):
        return part
    kind, text = (part.get("type"), part.get("text")) if isinstance(part, dict) else (None, None)
    return text if isinstance(text, str) and kind in (None, "text", "output_text") else None


def explain_error(fault: Exception, url: str, model: str, timeout: float) -> ServerFault:
    """The fault as one line with advice. It never shows the key."""
    import openai

    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return ServerFault(
            f"{url} did not answer within {timeout:g} seconds.", "Is the server overloaded? Ask for fewer tokens."
        )
    if isinstance(fault, openai.APIConnectionError):
        return _permanent(f"cannot reach the server at {url}.", "Start it, or check the address.")
    if isinstance(fault, openai.APIStatusError) and _is_filtered(fault.status_code, f"{fault} {fault.body}"):
        return RequestFiltered(f"the server at {url} answers no such content: {_one_line(fault)}")
    if isinstance(fault, openai.AuthenticationError | openai.PermissionDeniedError):
        return _permanent(f"the server at {url} refused the key.", "Set OPENAI_API_KEY to one that it knows.")
    status = fault.status_code if isinstance(fault, openai.APIStatusError | BadReply) else 0
    unknown = status in (400, 422) and _NO_MODEL.search(f"{fault} {getattr(fault, 'body', None)}")
    if isinstance(fault, openai.NotFoundError) or unknown:
        return _permanent(
            f"the server at {url} has no model {model!r}, or no chat completions there: {_one_line(fault)}",
            "Check the model's name; the address usually ends in /v1.",
        )
    if status:
        return _explain_status(status, fault, url)
    return ServerFault(
        f"the server at {url} gave no valid answer: {_one_line(fault)}", "Is it an OpenAI-compatible server?"
    )


def _is_filtered(status: int, words: str) -> bool:
    """Whether this prompt is refused for what it says, and not the account."""
    about_prompt = status not in (401, 403) or (
        status == 403 and re.search(r"\b(input|prompt)\b", words, re.IGNORECASE)
    )
    return bool(about_prompt and _FILTER.search(words))


def _permanent(message: str, advice: str) -> ServerFault:
    fault = ServerFault(message, advice)
    fault.permanent = True
    return fault


def _explain_status(status: int, fault: Exception, url: str) -> ServerFault:
    message = f"the server at {url} answered {status}: {_one_line(fault)}"
    body = getattr(fault, "body", None)
    words = f"{fault} {body}"
    if status == 402 or "insufficient_quota" in words:
        return _permanent(message, "The account behind the key has no credit left.")
    if status not in (400, 413, 422):
        return ServerFault(message)
    # OpenAI, vLLM, SGLang and llama.cpp word this differently; these words are in all of their messages.
    if re.search(r"context[ _](length|window|size)|max_model_len", words, re.I):
        return ContextFull(message)
    if _names(words, SWITCH):
        return _permanent(message, "It takes no switch for thinking: leave it at policy.thinking=auto.")
    refused = RequestRefused(message)
    named = body.get("param") if isinstance(body, dict) else None
    refused.parameter = named if named in OPTIONAL else next((p for p in OPTIONAL if _names(words, p)), "")
    if NEW_BUDGET in words and _names(words, "max_tokens"):
        refused.parameter = "max_tokens"  # the usual refusal: use the one instead of the other
    return refused


def _names(words: str, parameter: str) -> bool:
    # A bare `n` after a backslash is a line end and not the parameter.
    return bool(re.search(rf"(?<![\w\\-]){parameter}(?![\w-])", words))


def _one_line(fault: Exception) -> str:
    return shorten(find_words(getattr(fault, "body", None)) or str(fault) or type(fault).__name__)


def shorten(words: str) -> str:
    """A server's message on one line, at most LONGEST characters, without the key if the server repeats it."""
    text = _make_writable(" ".join(words.split()))
    if key := os.environ.get("OPENAI_API_KEY"):
        text = text.replace(key, "***")
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
