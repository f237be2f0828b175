"""A Hub of a few files on this machine, with licences and tokens, for a process that is told to use it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD, STRANGER, COARSE = "hf_goodtoken", "hf_nolicence", "hf_norights"
"""Tokens: of an account that accepted the licence, of one that did not, and one without the right to gated files."""

_FILE = re.compile(r"^/(?P<repo>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)$")
_API = re.compile(r"^/api/models/(?P<repo>[^/]+/[^/]+)/(?P<what>revision|tree)/")


class _Handler(BaseHTTPRequestHandler):
    """Answers what huggingface_hub asks to fetch a repository; repositories are folders below `root`."""

    root: Path
    requests: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.requests.append(f"{self.command} {self.path}")
        path = self.path.split("?")[0]
        match = _FILE.match(path) or _API.match(path)
        if match is None:
            return self._send(404, b"")
        folder = self.root / match["repo"]
        refusal = self._refusal(folder)
        if refusal is not None:
            status, code, message = refusal
            return self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": message})
        if "what" not in match.groupdict():
            file = folder / match["file"]
            if not file.is_file():
                return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            data = file.read_bytes()
            etag = hashlib.sha1(data).hexdigest()
            return self._send(200, data, {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'})
        files = [file for file in sorted(folder.iterdir()) if file.is_file()]
        if match["what"] == "tree":
            body: Any = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40} for f in files]
        else:
            body = {"id": match["repo"], "sha": COMMIT, "siblings": [{"rfilename": f.name} for f in files]}
        return self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _refusal(self, folder: Path) -> tuple[int, str, str] | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in (GOOD, STRANGER, COARSE):
            return 401, "", "Invalid credentials in Authorization header"
        if not folder.is_dir():
            return (404, "RepoNotFound", "Repository not found") if token else (401, "RepoNotFound", "")
        # A repository's description is public; only its files are behind the licence.
        if not (folder / "gated").exists() or self.path.startswith("/api/"):
            return None
        if not token:
            return 401, "GatedRepo", "Access to model is restricted. You must be authenticated."
        if token == COARSE:
            message = "Please enable access to public gated repositories in your fine-grained token settings."
            return 403, "GatedRepo", message
        return (403, "GatedRepo", "You are not in the authorized list.") if token == STRANGER else None

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def hub(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve the folders `root/owner/name` as repositories; yields the address and the list of requests."""
    requests: list[str] = []
    handler = type("Handler", (_Handler,), {"root": root, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
