"""An answer of a web server, or what is wrong with it: worth another try, or for good.

Turns an address into an open response. Follows a few redirects, never to anything but http and
https, never from https to http. Proxies are taken from the environment, as urllib does. Knows
nothing about files.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from edge_deploy import __version__
from edge_deploy.errors import AccessDenied, EdgeDeployError, LinkLost

_REDIRECTS_MOST = 5
# Another try may find these mended (RFC 9110 sections 15.5.9 and 15.6, RFC 6585 section 4).
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_DENIED = {401, 403, 407}

LATER = ("run the same command again: it goes on where this one ended",)
ELSEWHERE = (
    "edge-deploy data  for where its makers publish it",
    "--data-dir FOLDER  with the archive in it, brought from there",
)
_OFFLINE = (
    *LATER,
    "--data-dir FOLDER  with the archive in it, brought from another computer",
)


class DownloadFailed(EdgeDeployError):
    """The server answers, but not with the file."""


class RangeRefused(DownloadFailed):
    """The file has no bytes where they were asked for."""


class ServerLost(LinkLost):
    """The server cannot be reached, or fell silent, as often as it was tried."""


class ServerDenies(AccessDenied):
    """The server, or a proxy on the way, wants to know who asks, or does not let him."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to try in a row without getting further.

    timeout_s: of silence. pause_s: before the second try; doubled before every other one.
    """

    timeout_s: float = 30.0
    tries: int = 5
    pause_s: float = 1.0
    pause_most_s: float = 30.0


class Again(Exception):
    """This try failed; another may not. `error` is what is raised when there is none left."""

    def __init__(self, error: EdgeDeployError) -> None:
        super().__init__(error.message)
        self.error = error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few, never from https to http, never to anything else."""

    max_redirections = _REDIRECTS_MOST
    max_repeats = 2
    # Python 3.10 does not know 308 (RFC 9110 section 15.4.9).
    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],  # noqa: ARG002  the signature is urllib's
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: http.client.HTTPMessage,  # noqa: ARG002
        newurl: str,
    ) -> urllib.request.Request:
        """The same request for another address."""
        _allow(newurl, before=req.full_url)
        return urllib.request.Request(  # noqa: S310
            newurl.replace(" ", "%20"), headers=dict(req.headers), unverifiable=True
        )


def _allow(url: str, *, before: str | None) -> None:
    """Raises DownloadFailed for an address that is not followed. before: what sent us there."""
    scheme = urlsplit(url).scheme
    secure = before is not None and urlsplit(before).scheme == "https"
    if scheme not in ({"https"} if secure else {"http", "https"}):
        raise DownloadFailed(
            f"{host_of(before or url)}: sends us to {url}, which is not followed.",
            try_next=ELSEWHERE,
        )


@contextlib.contextmanager
def opened(
    url: str, headers: Mapping[str, str], patience: Patience
) -> Iterator[http.client.HTTPResponse]:
    """The server's answer, if it is a good one, until the block ends.

    Raises Again, and for good RangeRefused, ServerDenies, ServerLost, DownloadFailed.
    """
    _allow(url, before=None)
    request = urllib.request.Request(  # noqa: S310  see _allow
        url, headers={"User-Agent": f"edge-deploy/{__version__}", "Accept": "*/*", **headers}
    )
    opener = urllib.request.build_opener(_Redirects)
    try:
        with reading(url, patience):
            response = opener.open(request, timeout=patience.timeout_s)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error, url) from error
    with response:
        yield response


def _refused(error: urllib.error.HTTPError, url: str) -> Exception:
    """What an answer that is none of 2xx means."""
    code = error.code
    if code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        return RangeRefused(f"{url}: has fewer bytes than were asked for.", try_next=LATER)
    told = f"{url}: the server answers {code} ({error.reason})."
    if code in _PASSING:
        return Again(DownloadFailed(told, try_next=LATER))
    if code in _DENIED:
        return ServerDenies(
            told, try_next=["a proxy may need https_proxy=http://USER:WORD@HOST:PORT"]
        )
    if code in {301, 302, 303, 307, 308}:
        return DownloadFailed(
            f"{url}: the server sends us on to nowhere, or more than {_REDIRECTS_MOST} times.",
            try_next=ELSEWHERE,
        )
    return DownloadFailed(told, try_next=ELSEWHERE)


@contextlib.contextmanager
def reading(url: str, patience: Patience) -> Iterator[None]:
    """Turn what can happen to a connection into Again, or into an error where that is useless."""
    host = host_of(url)
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        cause: Any = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, socket.gaierror):
            raise ServerLost(
                f"{host}: no such server, or no network.", try_next=_OFFLINE
            ) from error
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DownloadFailed(
                f"{host}: its certificate is not trusted: {cause.verify_message}.",
                try_next=["check this computer's date, and SSL_CERT_FILE behind a proxy"],
            ) from error
        if isinstance(cause, TimeoutError):
            what = f"silent for {patience.timeout_s:g} s"
        elif isinstance(cause, http.client.IncompleteRead):
            what = "the connection ended before the file did"
        else:
            what = str(getattr(cause, "strerror", None) or cause or type(cause).__name__)
        raise Again(ServerLost(f"{host}: {what}.", try_next=_OFFLINE)) from error


def host_of(url: str) -> str:
    """Who an address speaks to, for messages: without name and password."""
    return urlsplit(url).netloc.rpartition("@")[2] or url
