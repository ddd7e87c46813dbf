"""A chat-completions server on this machine that fails in every way a server can, at a rate and by a seed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "429 with Retry-After", "500", "503", "timeout", "reset", "cut body", "no JSON", "no choices")


class FaultyServer:
    """Counts the whole replies that it gave, by request, and the most requests that it had at a time."""

    def __init__(
        self,
        rate: float = 0.3,
        seed: int = 0,
        hang: float = 4.0,
        pause: float = 0.0,
        reply: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        """`reply`: what is said to a request; None: something that depends on its question, its seed and the place."""
        self.rate, self.hang, self.pause, self.reply = rate, hang, pause, reply
        self.given: Counter[str] = Counter()  # whole replies, by what was asked
        self.faults: Counter[str] = Counter()
        self.most = 0
        self._now = 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_of": self}))
        self.spec = f"openai:http://127.0.0.1:{self._http.server_port}/v1#m"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @contextlib.contextmanager
    def count_request(self) -> Any:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def draw_fault(self) -> str:
        with self._lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self.rate else ""
            self.faults[fault] += bool(fault)
            return fault

    def count_reply(self, request: dict[str, Any]) -> None:
        with self._lock:
            self.given[json.dumps(request, sort_keys=True)] += 1


class _Handler(BaseHTTPRequestHandler):
    server_of: FaultyServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server_of
        with server.count_request():
            time.sleep(server.pause)
            fault = server.draw_fault()
            raw = json.dumps(answer(request, server.reply)).encode()
            if fault == "timeout":
                time.sleep(server.hang)
                self.close_connection = True
            elif fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                for end in (self.rfile, self.wfile, self.connection):
                    end.close()
                self.close_connection = True
            elif fault == "cut body":
                self._send(200, raw[: len(raw) // 2], length=len(raw))
                self.close_connection = True
            elif fault == "no JSON":
                self._send(200, b"<html>busy</html>")
            elif fault == "no choices":
                self._send(200, b'{"choices": []}')
            elif fault:
                headers = {"Retry-After": "0.05"} if "Retry-After" in fault else {}
                self._send(int(fault[:3]), b'{"error": {"message": "busy"}}', headers=headers)
            else:
                server.count_reply(request)  # before it is sent: a client that is killed now has it or not
                self._send(200, raw)

    def _send(self, status: int, raw: bytes, length: int | None = None, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: connections that break are what this server is about."""


def answer(request: dict[str, Any], reply: Callable[[dict[str, Any]], str] | None = None) -> dict[str, Any]:
    """`n` choices, and the tokens: 10 in, 4 of them cached, 2 out a choice."""
    asked, n = request["messages"][-1]["content"], request.get("n", 1)
    marks = [hashlib.sha256(f"{asked}/{request.get('seed')}/{i}".encode()).hexdigest()[:8] for i in range(n)]
    texts = [f"{asked}: {mark}" for mark in marks] if reply is None else [reply(request)] * n
    return {
        "choices": [
            {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for i, text in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 2 * n,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }
