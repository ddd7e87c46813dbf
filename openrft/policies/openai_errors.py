"""What went wrong between us and an OpenAI-compatible server, as one line that says what to do."""

from __future__ import annotations

import os
import re

from openrft.errors import PolicyError

LONGEST = 200  # characters of a server's own words; some answer with a whole page


class RequestRefused(PolicyError):
    """The server understood the request and will not serve it as it is (400, 413, 422)."""


class ContextFull(RequestRefused):
    """Prompt and budget together, or the prompt alone, are more than the model's context."""


def explain_error(fault: Exception, url: str, model: str, timeout: float) -> PolicyError:
    """The fault as a PolicyError. Never shows the key."""
    import openai

    if isinstance(fault, openai.APITimeoutError | TimeoutError):
        return PolicyError(
            f"{url} did not answer within {timeout:g} seconds.", "Is the server overloaded? Ask for fewer tokens."
        )
    if isinstance(fault, openai.APIConnectionError):
        return PolicyError(f"cannot reach the server at {url}.", "Start it, or check the address.")
    if isinstance(fault, openai.AuthenticationError | openai.PermissionDeniedError):
        return PolicyError(f"the server at {url} refused the key.", "Set OPENAI_API_KEY to one that it knows.")
    if isinstance(fault, openai.NotFoundError):
        return PolicyError(
            f"the server at {url} has no model {model!r}, or no chat completions there: {_one_line(fault)}",
            "Check the model's name; the address usually ends in /v1.",
        )
    if isinstance(fault, openai.APIStatusError):
        return _kind(fault.status_code, str(fault))(
            f"the server at {url} answered {fault.status_code}: {_one_line(fault)}"
        )
    return PolicyError(
        f"the server at {url} gave no valid answer: {_one_line(fault)}", "Is it an OpenAI-compatible server?"
    )


def _kind(status: int, words: str) -> type[PolicyError]:
    if status not in (400, 413, 422):
        return PolicyError
    # OpenAI, vLLM, SGLang and llama.cpp each say it in their own words; these are in all of them.
    return ContextFull if re.search(r"context[ _](length|window|size)|max_model_len", words, re.I) else RequestRefused


def _one_line(fault: Exception) -> str:
    """The fault's own words on one line, shortened, without the key should a server repeat it."""
    body = getattr(fault, "body", None)
    words = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(words or fault).split()) or type(fault).__name__
    if key := os.environ.get("OPENAI_API_KEY"):
        text = text.replace(key, "***")
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
