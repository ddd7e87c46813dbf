"""A chat-completions server on this machine that answers as a test scripts it, and what asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from openrft.policies.openai import OpenAIPolicy

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]  # (request, its number) -> status and body


class Server:
    """Chat completions as scripted by `answer`; keeps requests, headers and the largest number in flight."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request, number: (200, reply(request, request["n"]))
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self.http = _Quiet(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def handle(self, request: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        with self._lock:
            self.requests.append(request)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            number = len(self.requests)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self.answer(request, number)
        finally:
            with self._lock:
                self._now -= 1


class _Handler(BaseHTTPRequestHandler):
    server_of: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.server_of.handle(request, dict(self.headers))
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that hang up are what some tests are about."""


def reply(request: dict[str, Any], n: int, finish: str = "stop") -> dict[str, Any]:
    """A valid answer with `n` choices that name question, seed and place."""
    asked, seed = request["messages"][-1]["content"], request["seed"]
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [
            {
                "index": i,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": f"{asked}/{seed}/{i}"},
            }
            for i in range(n)
        ],
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.01)
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


class Notes:
    """Keeps the progress it is told."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, int, int]] = []

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self.notices.append((stage, done, total))


def prompts(*questions: str) -> list[list[dict[str, str]]]:
    return [[{"role": "system", "content": "s"}, {"role": "user", "content": q}] for q in questions]


def policy_of(server: Server, **options: Any) -> OpenAIPolicy:
    return OpenAIPolicy(f"openai:{server.url}#tiny", **{"timeout": 5.0, **options})


def scripted(*contents: Any, **more: Any) -> Answer:
    """A server whose n-th reply has the n-th content; the last one stays."""

    def answer(request: dict[str, Any], number: int) -> tuple[int, Any]:
        body = reply(request, 1, more.get("finish", "stop"))
        body["choices"][0]["message"]["content"] = contents[min(number, len(contents)) - 1]
        body["choices"][0]["message"] |= more.get("message", {})
        return 200, body

    return answer


INSIDE = {"error": {"message": "overloaded, try again", "code": 529}}
