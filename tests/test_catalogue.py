"""The catalogue of data sets: what it says is complete, and nothing in it leads outside."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest

from edge_deploy import catalogue
from edge_deploy.errors import BadInput
from tests import published

SETS = catalogue.load_all()


@pytest.mark.parametrize("dataset", SETS.values(), ids=list(SETS))
def test_every_data_set_can_be_proven_whole(dataset):
    assert dataset.sha256 or dataset.content
    assert (dataset.size_bytes is None) == (dataset.sha256 is None)
    assert urlsplit(dataset.url).scheme == "https"
    # A commit or a version: what is there today must be there tomorrow.
    assert dataset.stated_by.removeprefix("commit ") in dataset.url or "v0.02" in dataset.url
    assert urlsplit(dataset.source.partition(", ")[0]).hostname


def test_the_figures_of_tensorflow_datasets():
    # tensorflow_datasets/url_checksums/speech_commands.txt, commit 333639b3.
    test_set, whole = SETS["speech_commands"], SETS["speech_commands_full"]
    assert (test_set.size_bytes, whole.size_bytes) == (112_563_277, 2_428_923_189)
    assert test_set.sha256 == "cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df"
    assert whole.sha256 == "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"


def test_where_the_files_of_an_archive_belong():
    noise = SETS["speech_commands_background_noise"]
    assert noise.place(noise.inside / "pink_noise.wav") == PurePosixPath("pink_noise.wav")
    assert noise.place(PurePosixPath("wids_tutorial-x/README.md")) is None
    assert noise.place(noise.inside) is None
    whole = SETS["speech_commands_full"]
    assert whole.place(PurePosixPath("./yes/a.wav")) == PurePosixPath("yes/a.wav")
    spells = SETS["magic_wand_spells_nano33"]
    assert spells.place(spells.beside[0]) == PurePosixPath("LICENSE")


def test_a_lab_has_its_data_sets():
    names = ["speech_commands", "speech_commands_background_noise"]
    assert [each.name for each in catalogue.of_lab("kws")] == names
    assert catalogue.of_lab("hello") == []
    assert catalogue.to_get("kws") == [f"edge-deploy data get {' '.join(names)}"]
    assert catalogue.to_get("hello") == []


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(catalogue.UnknownData, match=r"Did you mean speech_commands\?"):
        catalogue.load("speech_comands")
    with pytest.raises(catalogue.UnknownData, match="kws is a lab; it learns from speech_commands"):
        catalogue.load("kws")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("http://127.0.0.1/x", "file:///etc/passwd", "url: expected an address"),
        ("http://127.0.0.1/x", "https://", "url: expected an address"),
        ("tones-1/data", "../data", "inside: expected a path inside"),
        ("tones-1/data", "/data", "inside: expected a path inside"),
        ("tones-1/LICENSE", "../../LICENSE", "expected a path inside"),
        ("tones-v1.tar.gz", "../tones.tar.gz", "file: expected the name of a .tar.gz"),
        ("tones-v1.tar.gz", ".downloads.zip", "file: expected the name of a .tar.gz"),
        ("files: 2", "files: 0", "files: expected a whole number"),
        ('sha256: "', 'sha256: "G', "sha256: expected 64 hex digits"),
        ("  title:", "  titel:", "did you mean title"),
    ],
)
def test_a_wrong_entry_is_told_with_its_line(tmp_path, monkeypatch, old, new, told):
    path = published.catalogue(tmp_path / "data.yaml", "http://127.0.0.1/x")
    monkeypatch.setattr(catalogue, "PATH", path)
    assert list(catalogue.load_all()) == [published.NAME]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInput, match=r"data\.yaml, line \d+") as caught:
        catalogue.load_all()
    assert told in caught.value.message
