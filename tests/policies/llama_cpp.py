"""llama.cpp itself, in this process, through the package xllamacpp (prebuilt for processors)."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from openrft import Message


class LlamaCpp:
    """A GGUF file loaded by llama.cpp, which answers greedily."""

    def __init__(self, file: Path, context: int = 256) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_ctx, params.n_parallel, params.warmup = context, 1, False
        params.cpuparams.n_threads = 1
        self.server = xllamacpp.Server(params)

    def complete(self, prompt: list[int], count: int) -> list[int]:
        """Up to `count` tokens behind the prompt's."""
        reply = self._ask("completion", prompt=prompt, n_predict=count, temperature=0, return_tokens=True)
        return [int(token) for token in reply["tokens"]]

    def count_chat_tokens(self, messages: list[Message], count: int) -> tuple[int, int]:
        """The numbers of tokens of prompt and answer in a conversation, by the chat template in the file."""
        usage = self._ask("v1/chat/completions", messages=messages, max_tokens=count, temperature=0)["usage"]
        return usage["prompt_tokens"], usage["completion_tokens"]

    def _ask(self, path: str, **fields: Any) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.server.listening_address}/{path}", json.dumps(fields).encode())
        with urllib.request.urlopen(request, timeout=60) as reply:
            found: dict[str, Any] = json.load(reply)
            return found
