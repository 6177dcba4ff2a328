"""lab.yaml -> Lab: a recipe's folder with its trained model, its source of inputs, its budgets.

Finds labs by name among those that ship with edge-deploy, or by folder anywhere. Knows nothing
about what the model computes, nor whether the boards that budgets name exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from edge_deploy import places, yamlfile
from edge_deploy.errors import BadInput
from edge_deploy.yamlfile import Fields, Value

FILE = "lab.yaml"

SOURCES = ("none", "ramp", "microphone")
FEATURES = ("log_mel", "mfcc")

# What a budget can limit; `edge_deploy/budgets.py` knows their units.
BUDGETS = ("flash_bytes", "ram_bytes", "arena_bytes", "latency_us", "energy_uj", "accuracy", "auc")

# More than any classifier of this size of board has.
_LABELS_MOST = 1_000
_LABEL_CHARACTERS_MOST = 64

# What the keys of each kind of source are.
_RAMP = ("from", "to", "steps", "period_ms")
_MICROPHONE = ("sample_rate_hz", "stride_ms")
# Results that a decision may be a mean of: at five a second more than anyone waits for.
_SMOOTH_MOST = 16


class UnknownLab(BadInput):
    """Neither a lab of that name nor a folder with a lab.yaml."""


@dataclass(frozen=True)
class SourceSettings:
    """Where a streaming board takes its inputs from.

    kind: "none", or "ramp": `steps` inputs, evenly from `from_` to just before `to`, one every
    `period_ms`, over and over. `from_` and `to` are in the model's real units, not quantized.
    Or "microphone": an inference every `stride_ms` on what was heard at `sample_rate_hz`.
    """

    kind: str = "none"
    from_: float = 0.0
    to: float = 0.0
    steps: int = 0
    period_ms: int = 0
    sample_rate_hz: int = 0
    stride_ms: int = 0


@dataclass(frozen=True)
class AudioFeatureSettings:
    """What features are made of sound, and how many frames of them are a model's input.

    kind: "log_mel" (`mel_bins` features a frame) or "mfcc" (`coefficients` of them).
    frame_samples, hop_samples, fft: in samples at `sample_rate_hz`; fft is a power of two, not
    shorter than a frame. coefficients: 0 for log_mel. frames: oldest first.
    """

    kind: str
    sample_rate_hz: int
    frame_samples: int
    hop_samples: int
    fft: int
    mel_bins: int
    coefficients: int
    low_hz: float
    high_hz: float
    frames: int

    @property
    def bins(self) -> int:
        """Features of one frame."""
        return self.coefficients if self.kind == "mfcc" else self.mel_bins


@dataclass(frozen=True)
class DecisionSettings:
    """When results of a listening model are a decision.

    The mean of the last `smooth` score vectors has its largest element at a label that is not in
    `ignore`, at least `threshold`, and `hold_off_ms` of sound have passed since the last decision.
    """

    threshold: float
    smooth: int
    hold_off_ms: int
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lab:
    """A recipe with its trained model.

    model: path of the `.tflite`; it may not have been trained yet.
    labels: a name for each output, or none.
    budgets: board -> resource (one of BUDGETS) -> limit in the unit of the resource's name.
    features, decision: there where the source is a microphone, and only there.
    """

    name: str
    title: str
    folder: Path
    model: Path
    labels: tuple[str, ...] = ()
    source: SourceSettings = field(default_factory=SourceSettings)
    budgets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    features: AudioFeatureSettings | None = None
    decision: DecisionSettings | None = None


def load(name_or_folder: str) -> Lab:
    """The lab that ships under that name, or the one in that folder.

    A bare name means the shipped lab first; `./name` is always the folder.
    Raises UnknownLab, or BadFile where lab.yaml is not what it should be.
    """
    shipped = places.shipped("labs")
    if PurePosixPath(name_or_folder).name == name_or_folder and name_or_folder not in {".", ".."}:
        folder = shipped / name_or_folder
        if (folder / FILE).is_file():
            return load_folder(folder)
    folder = Path(name_or_folder)
    if (folder / FILE).is_file():
        return load_folder(folder)
    if folder.is_dir():
        raise UnknownLab(f"{name_or_folder} is a folder without a {FILE}.")
    known = [path.name for path in _shipped_folders()]
    near = difflib.get_close_matches(name_or_folder, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UnknownLab(
        f"no lab is called {name_or_folder!r}, nor is that a folder; "
        f"known are {', '.join(known)}.{hint}",
        try_next=["edge-deploy labs"],
    )


def load_all() -> list[Lab]:
    """The labs that ship with edge-deploy, by name. Raises BadFile."""
    return [load_folder(folder) for folder in _shipped_folders()]


def load_folder(folder: Path) -> Lab:
    """The lab in `folder`. Raises BadFile."""
    return read(yamlfile.load(folder / FILE), folder)


def read(root: Value, folder: Path) -> Lab:
    """The lab of a parsed lab.yaml that stands in `folder`. Raises BadFile."""
    fields = root.fields(
        required=("title", "model"),
        optional=("labels", "source", "features", "decision", "budgets"),
    )
    labels = fields.get("labels")
    budgets = fields.get("budgets")
    source, features, decision = _sensing(fields, () if labels is None else _labels(labels))
    return Lab(
        name=folder.resolve().name,
        title=fields["title"].text(),
        folder=folder,
        model=folder / _model(fields["model"]),
        labels=() if labels is None else _labels(labels),
        source=source,
        budgets=MappingProxyType({} if budgets is None else _budgets(budgets)),
        features=features,
        decision=decision,
    )


def _shipped_folders() -> list[Path]:
    """The folders with a lab.yaml below the shipped `labs/`, by name."""
    root = places.shipped("labs")
    return sorted(path.parent for path in root.glob(f"*/{FILE}"))


def _model(value: Value) -> Path:
    """`model`: a file inside the lab's folder, so that the folder can be handed on whole."""
    text = value.text()
    path = PurePosixPath(text)
    if path.suffix != ".tflite" or path.is_absolute() or ".." in path.parts or "\\" in text:
        raise value.expected("a .tflite inside this folder")
    return Path(path)


def _labels(value: Value) -> tuple[str, ...]:
    """`labels`: texts, each once."""
    entries = value.entries(least=1)
    if len(entries) > _LABELS_MOST:
        raise value.expected(f"at most {_LABELS_MOST:,} labels")
    found: dict[str, Value] = {}
    for entry in entries:
        text = entry.text(most=_LABEL_CHARACTERS_MOST)
        if text in found:
            raise entry.wrong(f"{text!r} is on line {found[text].line} already.")
        found[text] = entry
    return tuple(found)


def _sensing(
    fields: Fields, labels: tuple[str, ...]
) -> tuple[SourceSettings, AudioFeatureSettings | None, DecisionSettings | None]:
    """`source`, and `features` and `decision`, which a microphone needs and nothing else has."""
    given = fields.get("source")
    source = SourceSettings() if given is None else _source(given)
    features, decision = fields.get("features"), fields.get("decision")
    if given is None or source.kind != "microphone":
        for value in (features, decision):
            if value is not None:
                raise value.wrong("is for a lab whose source is a microphone.")
        return source, None, None
    if features is None or decision is None:
        raise given.wrong("a microphone needs `features` and `decision` beside it.")
    if not labels:
        raise given.wrong("a microphone needs `labels`: what is heard must have a name.")
    audio = _features(features, source.sample_rate_hz)
    if source.stride_ms * source.sample_rate_hz % (1000 * audio.hop_samples) != 0:
        raise given.wrong(f"stride_ms: expected a multiple of hop_ms, found {source.stride_ms}.")
    return source, audio, _decision(decision, labels)


def _source(value: Value) -> SourceSettings:
    """`source`: its kind, and what that kind needs."""
    fields = value.fields(required=("kind",), optional=(*_RAMP, *_MICROPHONE))
    kind = fields["kind"].choice(SOURCES)
    needed = {"none": (), "ramp": _RAMP, "microphone": _MICROPHONE}[kind]
    fields = value.fields(required=("kind", *needed))
    if kind == "none":
        return SourceSettings()
    if kind == "microphone":
        # 8 kHz is a telephone's, 48 kHz the most that these microphones give.
        return SourceSettings(
            kind=kind,
            sample_rate_hz=fields["sample_rate_hz"].integer(8_000, 48_000),
            stride_ms=fields["stride_ms"].integer(1, 60_000),
        )
    # Beyond 2^24 a float32 cannot count steps; a minute is the longest anyone watches for.
    ramp = SourceSettings(
        kind=kind,
        from_=fields["from"].number(-1e30, 1e30),
        to=fields["to"].number(-1e30, 1e30),
        steps=fields["steps"].integer(1, 1 << 24),
        period_ms=fields["period_ms"].integer(1, 60_000),
    )
    if ramp.from_ == ramp.to:
        raise fields["to"].wrong(f"expected another number than `from`, {ramp.from_:g}.")
    return ramp


def _features(value: Value, sample_rate_hz: int) -> AudioFeatureSettings:
    """`features`: all of them, each within what `firmware/src/features` can do."""
    keys = ("kind", "frame_ms", "hop_ms", "fft", "mel_bins", "low_hz", "high_hz", "frames")
    fields = value.fields(required=keys, optional=("coefficients",))
    kind = fields["kind"].choice(FEATURES)
    coefficients = fields.get("coefficients")
    if (kind == "mfcc") != (coefficients is not None):
        where = value if coefficients is None else coefficients
        raise where.wrong("`coefficients` belongs to mfcc, and to nothing else.")
    mel_bins = fields["mel_bins"].integer(2, 128)
    audio = AudioFeatureSettings(
        kind=kind,
        sample_rate_hz=sample_rate_hz,
        frame_samples=_samples(fields["frame_ms"], sample_rate_hz),
        hop_samples=_samples(fields["hop_ms"], sample_rate_hz),
        fft=fields["fft"].integer(64, 4096),
        mel_bins=mel_bins,
        coefficients=0 if coefficients is None else coefficients.integer(1, mel_bins),
        low_hz=fields["low_hz"].number(0, sample_rate_hz / 2),
        high_hz=fields["high_hz"].number(0, sample_rate_hz / 2),
        frames=fields["frames"].integer(1, 1_000),
    )
    if audio.fft & (audio.fft - 1) or audio.fft < audio.frame_samples:
        raise fields["fft"].expected(
            f"a power of two, not below the frame's {audio.frame_samples} samples"
        )
    if audio.hop_samples > audio.frame_samples:
        raise fields["hop_ms"].wrong("expected at most frame_ms: no sample may be skipped.")
    if audio.low_hz >= audio.high_hz:
        raise fields["high_hz"].wrong(f"expected more than low_hz, {audio.low_hz:g}.")
    return audio


def _samples(value: Value, sample_rate_hz: int) -> int:
    """A time in whole milliseconds, as a whole number of samples."""
    time_ms = value.integer(1, 60_000)
    if time_ms * sample_rate_hz % 1000 != 0:
        raise value.expected(f"a whole number of samples at {sample_rate_hz:,} Hz")
    return time_ms * sample_rate_hz // 1000


def _decision(value: Value, labels: tuple[str, ...]) -> DecisionSettings:
    """`decision`: when results are one."""
    fields = value.fields(required=("threshold", "smooth", "hold_off_ms"), optional=("ignore",))
    ignore = fields.get("ignore")
    entries = [] if ignore is None else ignore.entries()
    return DecisionSettings(
        threshold=fields["threshold"].number(-1e30, 1e30),
        smooth=fields["smooth"].integer(1, _SMOOTH_MOST),
        hold_off_ms=fields["hold_off_ms"].integer(0, 60_000),
        ignore=tuple(entry.choice(labels) for entry in entries),
    )


def _budgets(value: Value) -> dict[str, Mapping[str, float]]:
    """`budgets`: limits by board."""
    found: dict[str, Mapping[str, float]] = {}
    for board, entry in value.named().items():
        fields = entry.fields(required=(), optional=BUDGETS)
        limits = {resource: fields.get(resource) for resource in BUDGETS}
        found[board] = MappingProxyType(
            {key: limit.number(0, 1e12) for key, limit in limits.items() if limit is not None}
        )
    return found
