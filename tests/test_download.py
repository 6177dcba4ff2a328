"""Downloads from a server that cuts, lies and stalls: whole and right, or one clear error."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from edge_deploy import download
from edge_deploy.download import Patience, Wanted, files, web
from edge_deploy.errors import Exit
from tests.web_server import Site, Turn, serving

CONTENT = np.random.default_rng(5).bytes(400_000)
THIRD = 150_000  # where connections are cut


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def site():
    with serving(Site(CONTENT)) as site:
        yield site


@pytest.fixture
def target(tmp_path):
    return tmp_path / "below" / "data.tar.gz"


class Watched:
    """What a user would have seen."""

    def __init__(self):
        self.said, self.pauses, self.progress = [], [], []

    def fetch(self, site, target, *, sha256="right", size=None, patience=None):
        wanted = Wanted(site.url, size, site.sha256 if sha256 == "right" else sha256)
        download.fetch(
            wanted,
            target,
            patience=patience or Patience(),
            progress=lambda done, of: self.progress.append((done, of)),
            say=self.said.append,
            sleep=self.pauses.append,
        )


@pytest.fixture
def watched():
    return Watched()


def _alone(target):
    """Only the whole file is there."""
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def _begin(site, target, watched, *, tries=1):
    """Leave a part behind: the first 150,000 bytes."""
    site.turns.append(Turn(cut=THIRD))
    with pytest.raises(download.ServerLost, match="the connection ended after 150,000 of 400,000"):
        watched.fetch(site, target, patience=Patience(tries=tries))
    assert download.part_of(target).read_bytes() == CONTENT[:THIRD]
    assert not target.exists()


def test_a_whole_download(site, target, watched):
    watched.fetch(site, target, size=len(CONTENT))
    _alone(target)
    assert (site.starts, watched.said, watched.pauses) == ([0], [], [])
    assert watched.progress[0] == (0, len(CONTENT))
    assert watched.progress[-1] == (len(CONTENT), len(CONTENT))
    assert site.asked[0]["user-agent"].startswith("edge-deploy/")


def test_a_cut_connection_is_resumed_at_once(site, target, watched):
    site.turns += [Turn(cut=THIRD), Turn(cut=THIRD)]
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, THIRD, 2 * THIRD]
    assert site.sent == len(CONTENT)
    # Each connection brought something, so each pause is the first one.
    assert watched.pauses == [1.0, 1.0]
    assert [asked.get("if-range") for asked in site.asked] == [None, '"one"', '"one"']


def test_a_part_is_resumed_by_the_next_call(site, target, watched):
    _begin(site, target, watched)
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, THIRD]
    assert site.sent == len(CONTENT)


@pytest.mark.parametrize("modified", [None, "Sat, 21 Nov 2026 10:00:00 GMT"])
def test_a_weak_etag_is_no_reason_to_resume_but_a_date_is(target, watched, modified):
    with serving(Site(CONTENT, etag='W/"weak"', modified=modified)) as site:
        _begin(site, target, watched)
        watched.fetch(site, target, sha256=None)
    _alone(target)
    assert site.starts == ([0, THIRD] if modified else [0, 0])
    assert site.asked[1].get("if-range") == modified


def test_a_server_without_ranges_begins_anew(site, target, watched):
    site.ranges = False
    _begin(site, target, watched)
    watched.fetch(site, target)
    _alone(target)
    assert any("begins anew" in text for text in watched.said)


def test_a_file_that_changed_at_the_server_is_never_mixed(site, target, watched):
    _begin(site, target, watched)
    site.content, site.etag = CONTENT[::-1], '"two"'
    watched.fetch(site, target, sha256=None)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_server_that_resumes_another_file_is_noticed(site, target, watched):
    # It ignores If-Range, and its new file has another size.
    _begin(site, target, watched)
    site.content, site.conditions = CONTENT[::-1] + b"more", False
    watched.fetch(site, target, sha256=None)
    assert target.read_bytes() == CONTENT[::-1] + b"more"
    assert site.starts == [0, THIRD, 0]


def test_a_server_that_resumes_a_file_of_another_tag_is_noticed(site, target, watched):
    _begin(site, target, watched)
    site.content, site.conditions, site.etag = CONTENT[::-1], False, '"two"'
    watched.fetch(site, target, sha256=None)
    assert target.read_bytes() == CONTENT[::-1]
    assert site.starts == [0, THIRD, 0]


def test_a_file_that_became_shorter_is_fetched_anew(site, target, watched):
    _begin(site, target, watched)
    site.content, site.conditions = CONTENT[:1000], False
    watched.fetch(site, target, sha256=None)
    assert target.read_bytes() == CONTENT[:1000]
    assert site.starts == [0, THIRD, 0]


def test_a_part_of_another_address_is_not_used(site, target, watched):
    _begin(site, target, watched)
    note = download.part_of(target).with_name(target.name + ".part.json")
    content = json.loads(note.read_text())
    note.write_text(json.dumps({**content, "url": "https://example.org/data.tar.gz"}))
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, 0]


@pytest.mark.parametrize("note", ["", "{}", "[1]", '{"url": 3, "etag": ["a\\nb"]}', '{"x": 1}'])
def test_a_damaged_note_begins_anew(site, target, watched, note):
    _begin(site, target, watched)
    download.part_of(target).with_name(target.name + ".part.json").write_text(note)
    watched.fetch(site, target)
    _alone(target)


def test_a_part_that_is_whole_needs_no_connection(site, target, watched):
    _begin(site, target, watched)
    download.part_of(target).write_bytes(CONTENT)
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0]


def test_a_part_that_was_damaged_here_is_fetched_once_more(site, target, watched):
    _begin(site, target, watched)
    download.part_of(target).write_bytes(bytes(THIRD))
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, THIRD, 0]
    assert any("Beginning anew" in text for text in watched.said)


def test_a_connection_that_always_ends_gives_up_and_keeps_what_came(site, target, watched):
    site.turns += [Turn(cut=0) for _ in range(9)]
    with pytest.raises(download.ServerLost, match="ended after 0 of 400,000") as caught:
        watched.fetch(site, target)
    assert len(site.asked) == 5
    assert watched.pauses == [1.0, 2.0, 4.0, 8.0]
    assert caught.value.exit_code == Exit.LINK_LOST


def test_a_server_without_ranges_that_always_cuts_gives_up(site, target, watched):
    site.ranges, site.turns = False, [Turn(cut=THIRD) for _ in range(20)]
    with pytest.raises(download.ServerLost):
        watched.fetch(site, target)
    # The first try came further than any before it, the others did not.
    assert len(site.asked) <= 6


def test_a_chunked_answer_that_is_cut_is_no_file(target, watched):
    with serving(Site(CONTENT, length=False)) as site:
        site.turns.append(Turn(cut=THIRD))
        watched.fetch(site, target, sha256=None)
    _alone(target)
    assert site.starts == [0, THIRD]


def test_another_content_than_stated_is_refused(site, target, watched):
    with pytest.raises(download.WrongContent, match=r"checksum \(sha256\)") as caught:
        watched.fetch(site, target, sha256="0" * 64)
    assert caught.value.exit_code == Exit.BAD_INPUT
    assert site.starts == [0]
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_size_than_stated_is_refused_before_it_comes(site, target, watched, size):
    with pytest.raises(download.WrongContent, match=f"400,000 B; expected {size:,} B"):
        watched.fetch(site, target, size=size)
    assert list(target.parent.iterdir()) == []
    assert not watched.progress


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_size_that_nobody_announced_is_refused(target, watched, size):
    with serving(Site(CONTENT, length=False)) as site, pytest.raises(download.WrongContent):
        watched.fetch(site, target, size=size)
    assert list(target.parent.iterdir()) == []


def test_an_answer_without_an_end_is_ended(target, watched, monkeypatch):
    monkeypatch.setattr(files, "_UNSTATED_BYTES_MOST", THIRD)
    with (
        serving(Site(CONTENT, length=False)) as site,
        pytest.raises(download.WrongContent, match="more than 150,000 B came"),
    ):
        watched.fetch(site, target, sha256=None)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, download.ServerDenies, Exit.ACCESS_DENIED),
        (403, download.ServerDenies, Exit.ACCESS_DENIED),
        (404, download.DownloadFailed, Exit.FAILED),
        (410, download.DownloadFailed, Exit.FAILED),
    ],
)
def test_a_refusal_is_not_tried_again(site, target, watched, status, kind, code):
    site.turns.append(Turn(status))
    with pytest.raises(kind, match=f"the server answers {status}") as caught:
        watched.fetch(site, target)
    assert caught.value.exit_code == code
    assert len(site.asked) == 1


def test_a_server_in_trouble_is_tried_again(site, target, watched):
    site.turns += [Turn(500), Turn(503), Turn(429)]
    watched.fetch(site, target)
    _alone(target)
    assert watched.pauses == [1.0, 2.0, 4.0]


def test_a_server_that_stays_in_trouble_is_told(site, target, watched):
    site.turns += [Turn(500) for _ in range(9)]
    with pytest.raises(download.DownloadFailed, match="answers 500"):
        watched.fetch(site, target, patience=Patience(tries=3))
    assert len(site.asked) == 3


def test_pauses_are_bounded(site, target, watched):
    site.turns += [Turn(500) for _ in range(8)]
    watched.fetch(site, target, patience=Patience(tries=9, pause_most_s=5))
    assert watched.pauses == [1, 2, 4, 5, 5, 5, 5, 5]


def test_a_redirect_is_followed_with_the_range(site, target, watched):
    _begin(site, target, watched)
    site.turns += [Turn(status, location=f"/to{status}") for status in (301, 302, 307, 308)]
    watched.fetch(site, target)
    _alone(target)
    assert site.starts[-1] == THIRD


def test_redirects_end(site, target, watched):
    site.turns += [Turn(302, location=f"/{index}") for index in range(20)]
    with pytest.raises(download.DownloadFailed, match="more than 5 times"):
        watched.fetch(site, target)
    assert len(site.asked) <= 7


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x"])
def test_a_redirect_to_something_else_is_not_followed(site, target, watched, location):
    site.turns.append(Turn(302, location=location))
    with pytest.raises(download.DownloadFailed):
        watched.fetch(site, target)
    assert not target.exists()


def test_https_is_never_left_for_http():
    with pytest.raises(download.DownloadFailed, match="not followed"):
        web._allow("http://example.org/x", before="https://example.org/x")
    web._allow("https://example.org/x", before="http://example.org/x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_only_http_is_spoken(target, watched, url):
    with pytest.raises(download.DownloadFailed, match="not followed"):
        download.fetch(Wanted(url), target)


@pytest.mark.parametrize("silent", [0, 1_000])
def test_a_silent_server_is_given_up(site, target, watched, silent):
    site.turns += [Turn(silent=silent) for _ in range(9)]
    with pytest.raises(download.ServerLost, match=r"silent for 0\.05 s") as caught:
        watched.fetch(site, target, patience=Patience(timeout_s=0.05, tries=2))
    assert caught.value.exit_code == Exit.LINK_LOST


def test_a_server_that_fell_silent_is_asked_again(site, target, watched):
    site.turns.append(Turn(silent=THIRD))
    # Many tries: on a busy computer others may be late as well.
    watched.fetch(site, target, patience=Patience(timeout_s=0.3, tries=200))
    _alone(target)
    assert site.starts[0] == 0
    assert len(site.starts) > 1


def test_nobody_listens(target, watched, tmp_path):
    with serving(Site(CONTENT)) as gone:
        pass
    with pytest.raises(download.ServerLost, match="refused") as caught:
        watched.fetch(gone, target, patience=Patience(tries=3))
    assert len(watched.pauses) == 2
    assert any("--data-dir" in line for line in caught.value.try_next)


def test_no_network_is_told_at_once(target, watched, monkeypatch):
    def no_name(*_asked, **_how):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    with pytest.raises(download.ServerLost, match="no such server, or no network"):
        download.fetch(Wanted("http://nowhere.invalid/x"), target, sleep=watched.pauses.append)
    assert watched.pauses == []


def test_no_room_is_told_before_it_comes(site, target, watched, monkeypatch):
    free = len(CONTENT) + files._SPARE_BYTES - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(1, 1, free))
    with pytest.raises(download.DiskFull, match="400,000 B are needed") as caught:
        watched.fetch(site, target)
    assert caught.value.exit_code == Exit.FAILED
    assert not watched.progress
    free += 1
    watched.fetch(site, target)
    _alone(target)


class Disk:
    """A file on a disk that takes so much at a time, and has so much room."""

    def __init__(self, file, at_once, room):
        self.file, self.at_once, self.room = file, at_once, room

    def write(self, data):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self.file.write(data[: min(self.at_once, self.room)])
        self.room -= count
        return count

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.file.close()


def _on(disk, monkeypatch):
    """Let every file that is opened for writing bytes be on a Disk."""
    opened = Path.open

    def open_(path, mode="r", *more, **words):
        file = opened(path, mode, *more, **words)
        return Disk(file, **disk) if mode in {"wb", "ab"} else file

    monkeypatch.setattr(Path, "open", open_)


def test_a_disk_that_fills_up_keeps_what_came(site, target, watched, monkeypatch):
    with monkeypatch.context() as patch:
        _on({"at_once": THIRD, "room": THIRD}, patch)
        with pytest.raises(download.DiskFull, match="no room left"):
            watched.fetch(site, target)
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, THIRD]


def test_a_disk_that_takes_little_at_a_time_gets_all(site, target, watched, monkeypatch):
    with monkeypatch.context() as patch:
        _on({"at_once": 1000, "room": len(CONTENT)}, patch)
        watched.fetch(site, target)
    _alone(target)


def test_ctrl_c_leaves_a_part_that_is_resumed(site, target, watched):
    part = download.part_of(target)

    def interrupt():
        # Once all that was sent is on the disk, the client waits for more.
        while not part.is_file() or part.stat().st_size < THIRD:
            threading.Event().wait(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    site.turns.append(Turn(silent=THIRD, after=interrupt))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            watched.fetch(site, target)
    finally:
        signal.signal(signal.SIGINT, before)
    assert part.stat().st_size == THIRD
    watched.fetch(site, target)
    _alone(target)
    assert site.starts == [0, THIRD]


def test_a_proxy_of_the_environment_is_asked(target, watched, monkeypatch):
    with serving(Site(CONTENT)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.rpartition("/")[0])
        download.fetch(Wanted("http://nowhere.invalid/data.tar.gz", None, proxy.sha256), target)
    _alone(target)
    assert proxy.asked[0]["host"] == "nowhere.invalid"
