"""A job travels whole, and its key is another where the result may be."""

from __future__ import annotations

import dataclasses

import pytest

from edge_deploy.errors import BadInput
from edge_deploy.teaching.explore import task as tasks


def test_a_job_that_travelled_is_the_same_job(task):
    job = dataclasses.replace(task(width=8), data="/some/folder", data_mark="abc", most_samples=5)
    text = job.as_text()
    assert "\n" not in text
    again = tasks.from_text(text)
    assert again == job
    assert again.key == job.key


def test_the_key_stands_for_all_that_decides_and_for_no_folder_of_this_machine(task, folder):
    job = task()
    assert dataclasses.replace(job, data="/elsewhere").key == job.key
    others = [
        task(width=8),
        task(rate="wild"),
        dataclasses.replace(job, seed=8),
        dataclasses.replace(job, epochs=2),
        dataclasses.replace(job, most_samples=100),
        dataclasses.replace(job, board="xiao_esp32s3"),
        dataclasses.replace(job, data_mark="other recordings"),
        dataclasses.replace(job, files={**job.files, "recipe.py": b"SEED = 3"}),
        dataclasses.replace(job, files={**job.files, "more.csv": b""}),
    ]
    keys = [job.key, *(other.key for other in others)]
    assert len(set(keys)) == len(keys)
    # What training does not read makes no difference.
    for name in ("card.md", "model.tflite", "curve.png", "demo.wav", ".hidden"):
        (folder / name).write_bytes(b"anything")
    (folder / "__pycache__").mkdir()
    assert task().key == job.key
    (folder / "silence.csv").write_bytes(b"a,b")
    assert task().key != job.key


def test_a_lab_too_large_to_travel_is_told(folder):
    (folder / "recordings.npy").write_bytes(bytes(tasks.FILES_MOST_BYTES))
    with pytest.raises(BadInput, match=r"recordings\.npy alone 8,388,608 B.*at most 8,388,608"):
        tasks.files_of(folder)


def test_recordings_are_told_apart_by_names_and_sizes_wherever_they_stand(tmp_path):
    def made(name, **files):
        for path, size in files.items():
            file = tmp_path / name / "word" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(bytes(size))
        return tasks.mark_of(tmp_path / name)

    assert made("one", a=3, b=4) == made("two", a=3, b=4) != ""
    assert made("three", a=3, b=5) != made("one")
    assert made("four", a=3, c=4) != made("one")
    assert tasks.mark_of(tmp_path / "nowhere") == ""
