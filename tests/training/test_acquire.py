"""Data sets are got whole, from a server or an archive at hand, and held against what is stated."""

from __future__ import annotations

import gzip
import json
import tarfile
import threading

import pytest

from edge_deploy import catalogue, download
from edge_deploy.download import Patience
from edge_deploy.errors import BadInput
from edge_deploy.training import acquire, archives, datasets
from tests import published
from tests.published import FILE, NAME, RECORDINGS
from tests.web_server import Site, Turn, serving

QUICK = Patience(tries=2, pause_s=0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_DEPLOY_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    with serving(Site(published.archive())) as site:
        yield site


@pytest.fixture
def named(tmp_path, monkeypatch):
    """`named(site, ...)`: the catalogue's entry for what `site` serves."""

    def entry(site, **facts):
        path = published.catalogue(tmp_path / "data.yaml", site.url, **facts)
        monkeypatch.setattr(catalogue, "PATH", path)
        return catalogue.load(NAME)

    return entry


def _is_whole(folder):
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    receipt = json.loads(found.pop(acquire.RECEIPT))
    assert found == {**RECORDINGS, **published.BESIDE}
    assert receipt["licence"] == "CC0"
    return receipt


def _left(folder):
    """What lies in a folder beside locks."""
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {path for path in paths if not path.endswith(".lock")}


def test_get_makes_a_folder_with_the_recordings_alone(site, named, tmp_path):
    dataset = named(site)
    found = acquire.get(dataset, tmp_path / "d")
    assert (found.kind, found.path) == ("folder", tmp_path / "d" / NAME)
    receipt = _is_whole(found.path)
    assert receipt["archive"] == {"bytes": len(site.content), "sha256": site.sha256}
    assert receipt["content"]["sha256"] == published.sum_of(RECORDINGS)
    assert {path.split("/")[0] for path in _left(tmp_path / "d")} == {NAME}
    # What is there stays, and nobody is asked.
    assert acquire.get(dataset, tmp_path / "d") == found
    assert len(site.asked) == 1
    assert datasets.folder_of(NAME, tmp_path / "d") == found.path


def test_an_interrupted_get_goes_on(site, named, tmp_path):
    dataset = named(site, sha256=site.sha256, size=len(site.content))
    site.turns.append(Turn(cut=100_000))
    with pytest.raises(download.ServerLost):
        acquire.get(dataset, tmp_path, patience=Patience(tries=1))
    part = acquire.find(dataset, [tmp_path])
    assert part is not None
    assert (part.kind, part.bytes) == ("part", 100_000)
    with pytest.raises(datasets.NoData, match="100,000 B of a download"):
        acquire.check(dataset, part)
    _is_whole(acquire.get(dataset, tmp_path).path)
    assert site.starts == [0, 100_000]


def test_two_at_once_download_once(site, named, tmp_path):
    dataset = named(site)
    waits = threading.Event()
    # The server answers when the second caller has been told to wait.
    site.turns.append(Turn(before=lambda: waits.wait(60)))
    found, told = [], []

    def get():
        def say(text):
            told.append(text)
            if "waiting" in text:
                waits.set()

        found.append(acquire.get(dataset, tmp_path, say=say))

    callers = [threading.Thread(target=get) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert len(site.asked) == 1
    assert sum("Another edge-deploy is getting tones" in text for text in told) == 1
    _is_whole(found[0].path)


def test_an_archive_that_was_brought_needs_no_network_and_stays(site, named, tmp_path):
    dataset = named(site, sha256=site.sha256)
    (tmp_path / FILE).write_bytes(site.content)
    published_here = acquire.find(dataset, [tmp_path])
    assert acquire.check(dataset, published_here).against == "its makers"
    # Both ways: a recipe finds it as it is, and `get` unpacks it.
    assert (datasets.folder_of(NAME, tmp_path) / "high" / "a.wav").is_file()
    _is_whole(acquire.get(dataset, tmp_path).path)
    assert (tmp_path / FILE).is_file()
    assert site.asked == []


@pytest.mark.parametrize("damage", [lambda c: c[:-1000], lambda c: c[:-1] + b"?"])
def test_an_archive_that_was_brought_damaged_is_refused(site, named, tmp_path, damage):
    dataset = named(site, sha256=site.sha256, size=len(site.content))
    (tmp_path / FILE).write_bytes(damage(site.content))
    with pytest.raises(download.WrongContent):
        acquire.get(dataset, tmp_path)
    with pytest.raises(download.WrongContent):
        acquire.check(dataset, acquire.find(dataset, [tmp_path]))
    with pytest.raises(BadInput, match="its makers states"):
        datasets.folder_of(NAME, tmp_path)
    assert _left(tmp_path) == {"data.yaml", FILE}


def test_a_packed_folder_is_taken_and_checked_as_it_is(site, named, tmp_path):
    dataset = named(site)
    with tarfile.open(tmp_path / f"{NAME}.tar.xz", "w:xz") as packed:
        acquire.get(dataset, tmp_path / "other")
        packed.add(tmp_path / "other" / NAME, NAME)
    found = acquire.get(dataset, tmp_path)
    assert found.kind == "packed"
    assert not (tmp_path / ".downloads").exists()
    assert acquire.check(dataset, found).content == dataset.content
    assert len(site.asked) == 1


def test_a_wrong_checksum_leaves_nothing(site, named, tmp_path):
    dataset = named(site, sha256="0" * 64)
    with pytest.raises(download.WrongContent, match="checksum"):
        acquire.get(dataset, tmp_path, patience=QUICK)
    assert _left(tmp_path) == {"data.yaml"}


def test_a_server_that_gives_other_recordings_leaves_nothing(named, tmp_path):
    other = {**RECORDINGS, "low/b.wav": RECORDINGS["low/b.wav"][::-1]}
    with serving(
        Site(published.archive({f"tones-1/data/{n}": c for n, c in other.items()}))
    ) as site:
        dataset = named(site)
        with pytest.raises(acquire.NotWhole, match="with other contents"):
            acquire.get(dataset, tmp_path)
        site.content = published.archive({"tones-1/README.md": b"nothing else"})
        with pytest.raises(acquire.NotWhole, match="0 recordings with 0 B"):
            acquire.get(dataset, tmp_path)
        with pytest.raises(acquire.NotWhole, match="no recordings"):
            acquire.get(named(site, content=False), tmp_path)
    assert _left(tmp_path) == {"data.yaml"}


@pytest.mark.parametrize(
    "name", ["tones-1/data/../../../out.wav", "/out.wav", "tones-1\\..\\out.wav", "C:/out.wav"]
)
def test_an_archive_that_would_leave_its_folder_is_refused(named, tmp_path, name):
    content = published.archive({"tones-1/data/a.wav": b"1", name: b"2"})
    with serving(Site(content)) as site, pytest.raises(BadInput, match="outside the folder"):
        acquire.get(named(site, content=False), tmp_path)
    assert _left(tmp_path) == {"data.yaml"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c[: len(c) // 2],
        lambda c: c[:70_000] + bytes(100) + c[70_100:],
        lambda c: b"<html>Please log in</html>",
        lambda c: gzip.compress(b"no archive" * 100),
        lambda c: b"",
    ],
)
def test_a_damaged_archive_without_a_checksum_is_refused(named, tmp_path, damage):
    with serving(Site(damage(published.archive()))) as site:
        dataset = named(site)
        with pytest.raises(BadInput):
            acquire.get(dataset, tmp_path, patience=QUICK)
        assert _left(tmp_path) == {"data.yaml"}
        # It was not kept: the server's next answer may be better.
        site.content = published.archive()
        _is_whole(acquire.get(dataset, tmp_path).path)


def test_an_archive_that_unpacks_to_far_too_much_is_refused(named, tmp_path, monkeypatch):
    monkeypatch.setattr(acquire, "_BESIDE_BYTES", 0)
    content = published.archive({"tones-1/data/a.wav": bytes(1 << 22)})
    with serving(Site(content)) as site, pytest.raises(BadInput, match="unpacks to more than"):
        acquire.get(named(site, content=False), tmp_path)
    assert _left(tmp_path) == {"data.yaml"}


def test_links_and_devices_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"link{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            packed.addfile(info)
        packed.add(__file__, "file.py")
    archives.unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file.py"]


def test_what_a_killed_process_left_is_cleared_away(site, named, tmp_path):
    hidden = tmp_path / ".downloads" / NAME
    (hidden / NAME).mkdir(parents=True)
    (hidden / NAME / "half").write_bytes(b"half")
    _is_whole(acquire.get(named(site), tmp_path).path)
    assert not hidden.exists()


def test_a_whole_archive_of_an_earlier_call_is_unpacked(site, named, tmp_path):
    # Killed between download and unpacking: the archive is whole, nobody is asked again.
    hidden = tmp_path / ".downloads"
    hidden.mkdir()
    (hidden / FILE).write_bytes(site.content)
    dataset = named(site)
    assert acquire.find(dataset, [tmp_path]).kind == "part"
    _is_whole(acquire.get(dataset, tmp_path).path)
    assert site.asked == []


def test_check_finds_what_is_missing_changed_or_added(site, named, tmp_path):
    for facts in ({"content": True}, {"content": False}):
        dataset = named(site, **facts)
        found = acquire.get(dataset, tmp_path / str(facts["content"]))
        assert acquire.check(dataset, found).content.files == 2
        path = found.path / "low" / "b.wav"
        good = path.read_bytes()
        path.write_bytes(good[::-1])
        with pytest.raises(acquire.NotWhole, match="with other contents"):
            acquire.check(dataset, found)
        path.rename(path.with_name("c.wav"))
        with pytest.raises(acquire.NotWhole, match="with other contents"):
            acquire.check(dataset, found)
        path.with_name("c.wav").unlink()
        with pytest.raises(acquire.NotWhole, match="has 1 recordings with 90,000 B"):
            acquire.check(dataset, found)
        path.write_bytes(good)
        path.with_name("notes.txt").write_text("no recording")
        acquire.check(dataset, found)


def test_what_nobody_states_is_not_called_proven(site, named, tmp_path):
    dataset = named(site, content=False)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "mine.wav").write_bytes(b"sound")
    checked = acquire.check(dataset, acquire.find(dataset, [tmp_path]))
    assert (checked.content.files, checked.against) == (1, "")


def test_the_first_folder_that_has_it_is_taken_and_a_part_only_last(site, named, tmp_path):
    dataset = named(site)
    one, two = tmp_path / "one", tmp_path / "two"
    (one / ".downloads").mkdir(parents=True)
    (one / ".downloads" / f"{FILE}.part").write_bytes(b"part")
    assert acquire.find(dataset, [one, two]).kind == "part"
    acquire.get(dataset, two)
    assert acquire.find(dataset, [one, two]).path == two / NAME
    assert acquire.find(dataset, [tmp_path / "none"]) is None
