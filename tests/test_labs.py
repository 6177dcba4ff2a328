"""Labs are found by name or folder; lab.yaml's mistakes are told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_deploy import boards, labs, places, yamlfile
from edge_deploy.errors import Exit
from edge_deploy.labs import (
    Lab,
    SourceSettings,
    UnknownLab,
)
from edge_deploy.yamlfile import BadFile

GOOD = """\
title: "My lab"
model: model.tflite
labels: ["yes", "no"]
source: {kind: ramp, from: -1.5, to: 2, steps: 10, period_ms: 20}
budgets:
  nano33: {flash_bytes: 1000, accuracy: 0.9}
"""


def read(text: str) -> Lab:
    return labs.read(yamlfile.read(text.encode(), file=Path("lab.yaml")), Path("my"))


def write(folder: Path, text: str = GOOD) -> Path:
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(text, encoding="utf-8")
    return folder


def test_hello_ships():
    lab = labs.load("hello")
    assert lab.name == "hello"
    assert lab.folder == places.shipped("labs", "hello")
    assert lab.model == lab.folder / "model.tflite"
    assert lab.source == SourceSettings("ramp", 0.0, 6.283185307, 50, 20)
    assert lab.labels == ()
    assert lab.budgets["nano33"]["flash_bytes"] > 0
    assert "hello" in [one.name for one in labs.load_all()]


def test_every_shipped_lab_reads_and_names_real_boards():
    for lab in labs.load_all():
        assert set(lab.budgets) <= set(boards.load_all())


def test_a_students_own_lab_is_found_by_its_folder(tmp_path, monkeypatch):
    folder = write(tmp_path / "a class" / "my-lab")
    for word in (str(folder), f"{folder}/"):
        assert labs.load(word).name == "my-lab"
    monkeypatch.chdir(folder.parent)
    assert labs.load("my-lab").model.resolve() == folder / "model.tflite"
    monkeypatch.chdir(folder)
    assert labs.load(".").name == "my-lab"


def test_a_bare_name_is_the_shipped_lab_and_a_path_the_folder(tmp_path, monkeypatch):
    write(tmp_path / "hello")
    monkeypatch.chdir(tmp_path)
    assert labs.load("hello").title != "My lab"
    assert labs.load("./hello").title == "My lab"


def test_everything_comes_out():
    assert read(GOOD) == Lab(
        name="my",
        title="My lab",
        folder=Path("my"),
        model=Path("my/model.tflite"),
        labels=("yes", "no"),
        source=SourceSettings("ramp", -1.5, 2.0, 10, 20),
        budgets={"nano33": {"flash_bytes": 1000.0, "accuracy": 0.9}},
    )


def test_only_title_and_model_are_needed():
    lab = read("title: t\nmodel: sub/m.tflite\n")
    assert (lab.labels, lab.source, dict(lab.budgets)) == ((), SourceSettings(), {})
    assert read("title: t\nmodel: m.tflite\nsource: {kind: none}\n").source == SourceSettings()


@pytest.mark.parametrize("word", ["helo", "no/such/lab", "", "..", "/nowhere"])
def test_an_unknown_lab_is_told(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownLab) as caught:
        labs.load(word)
    assert caught.value.exit_code is Exit.BAD_INPUT
    if word == "helo":
        assert "Did you mean hello?" in caught.value.message


def test_a_folder_without_a_lab_is_told(tmp_path):
    with pytest.raises(UnknownLab, match=r"a folder without a lab\.yaml"):
        labs.load(str(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "model: model.tflite",
            "model: ../model.tflite",
            "line 2: model: expected a .tflite inside",
        ),
        ("model: model.tflite", "model: /model.tflite", "line 2: model"),
        ("model: model.tflite", "model: a\\..\\m.tflite", "line 2: model"),
        ("model: model.tflite", "model: model.keras", "line 2: model"),
        ('["yes", "no"]', "[yes, no]", "line 3: labels[0]: expected a text (in quotes"),
        ('["yes", "no"]', '["yes", "yes"]', "line 3: labels[1]: 'yes' is on line 3 already"),
        ('["yes", "no"]', "[]", "line 3: labels"),
        ("kind: ramp", "kind: sine", "line 4: source.kind: expected one of none, ramp, mic"),
        ("kind: ramp", "kind: none", "line 4: source.from: unknown key"),
        (", steps: 10", "", "line 4: source: steps: missing"),
        ("steps: 10", "steps: 0", "line 4: source.steps"),
        ("to: 2", "to: -1.5", "line 4: source.to: expected another number"),
        ("to: 2", "to: .inf", "line 4: source.to"),
        ("flash_bytes", "flash", "line 6: budgets.nano33.flash: unknown key"),
        ("flash_bytes: 1000", "flash_bytes: -1", "line 6: budgets.nano33.flash_bytes"),
        ('title: "My lab"', "titel: x", "line 1: titel: unknown key (did you mean title?)"),
    ],
)
def test_a_mistake_is_told_with_its_line(old, new, complaint):
    assert old in GOOD
    with pytest.raises(BadFile) as caught:
        read(GOOD.replace(old, new))
    assert complaint in caught.value.message


def test_a_lab_yaml_that_is_a_folder(tmp_path):
    (tmp_path / "lab.yaml").mkdir()
    with pytest.raises(UnknownLab):
        labs.load(str(tmp_path))
