"""A web server on this computer that misbehaves as it is told: for tests of downloads."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any


@dataclass(frozen=True)
class Turn:
    """How one request is answered; requests beyond the last turn are answered well.

    status: other than 200 is an answer without the file. cut: end the connection after so many
    bytes of the answer. silent: say nothing more after these. location: send the client there.
    before, after: called before anything is answered, and after this much was.
    """

    status: int = 200
    cut: int | None = None
    silent: int | None = None
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


@dataclass
class Site:
    """What is served, and what was asked for.

    ranges: whether parts can be asked for. conditions: whether If-Range is heard. etag, modified:
    validators, absent where None. length: told before; otherwise the answer comes in chunks.
    """

    content: bytes
    ranges: bool = True
    etag: str | None = '"one"'
    modified: str | None = None
    length: bool = True
    conditions: bool = True
    turns: list[Turn] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def starts(self) -> list[int]:
        """From where each request wanted the file."""
        return [int(asked.get("range", "bytes=0-")[len("bytes=") : -1]) for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        site: Site = self.server.site  # type: ignore[attr-defined]
        with self.server.lock:  # type: ignore[attr-defined]
            site.asked.append({key.lower(): value for key, value in self.headers.items()})
            turn = site.turns.pop(0) if site.turns else Turn()
        turn.before()
        if turn.status != 200:
            self._refuse(turn)
            return
        body, start = site.content, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range") if site.conditions else None
        unchanged = condition in {None, site.etag, site.modified}
        if asked and site.ranges and unchanged:
            start = int(asked[1])
            if start >= len(body):
                self._refuse(Turn(416))
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if site.etag:
            self.send_header("ETag", site.etag)
        if site.modified:
            self.send_header("Last-Modified", site.modified)
        for name, value in turn.headers:
            self.send_header(name, value)
        body = body[start:]
        if site.length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        some = body[: turn.cut if turn.silent is None else turn.silent]
        site.sent += len(some)
        self.wfile.write(some if site.length else b"%x\r\n%b\r\n" % (len(some), some))
        self.wfile.flush()
        turn.after()
        if turn.silent is not None:
            site.over.wait()
        elif turn.cut is None and not site.length:
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, turn: Turn) -> None:
        self.send_response(turn.status)
        if turn.location:
            self.send_header("Location", turn.location)
        for name, value in turn.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_told: Any) -> None:
        """Nobody reads it."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_told: Any) -> None:
        """A client that hung up is what some tests are about."""


@contextlib.contextmanager
def serving(site: Site, path: str = "/data.tar.gz") -> Iterator[Site]:
    """Serve `site` at `site.url` until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.site, server.lock = site, threading.Lock()  # type: ignore[attr-defined]
        site.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            site.over.set()
            server.shutdown()
            thread.join()
