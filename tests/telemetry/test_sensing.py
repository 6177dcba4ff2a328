"""What a board hears, decides and holds in its window: on good links and on bad ones."""

import dataclasses
import json

import numpy as np
import pytest

from edge_deploy.errors import BadInput, LinkLost
from edge_deploy.telemetry.facts import ImageFacts, MotionFacts, from_json
from edge_deploy.telemetry.failures import BoardRefused, BoardRestarted
from edge_deploy.telemetry.readings import Inference
from edge_deploy.telemetry.sensing import NotSensing
from edge_deploy.telemetry.session import Session
from tests.fake_device import FakeBoard, FakeLink, Faults
from tests.fake_model import FakeModel, FakeTensor
from tests.fake_senses import FakeAudio, FakeImage, FakeMotion

AUDIO = FakeAudio()
LABELS = ("silence", "yes", "no")
MODEL = FakeModel(
    outputs=(FakeTensor("scores", "int8", (1, 3), 1 / 256, -128),),
    labels=LABELS,
)


def listening(faults=None, **options):
    return FakeBoard(model=MODEL, audio=AUDIO, faults=faults or Faults(), **options)


def begun(board):
    link = FakeLink(board)
    session = Session(link, clock=link.clock)
    session.begin()
    return session


def sound(samples, seed=0):
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)


def test_hello_says_how_it_listens():
    audio = begun(listening()).board.audio
    assert (audio.kind, audio.rate_hz, audio.frame, audio.hop) == ("mfcc", 16000, 480, 320)
    assert (audio.fft, audio.mel, audio.bins, audio.frames, audio.stride) == (512, 40, 5, 7, 3)
    assert (audio.threshold, audio.smooth, audio.hold_off) == (0.5, 2, 9)
    assert audio.stride_us == 60_000
    assert audio.window_samples == 6 * 320 + 480


def test_frames_and_samples_are_each_others_inverse():
    audio = begun(listening()).board.audio
    for frames in range(1, 200):
        samples = audio.samples_in(frames)
        assert audio.frames_in(samples) == frames
        assert audio.frames_in(samples - 1) == frames - 1
    assert audio.samples_in(0) == audio.frames_in(0) == audio.frames_in(479) == 0


def test_hello_without_audio_is_not_whole():
    """Half a minute of garbling: whatever hello says, it says it whole."""
    whole = begun(listening()).board
    for seed in range(30):
        try:
            assert begun(listening(Faults(seed=seed, garble=0.002))).board == whole
        except LinkLost:
            continue


@pytest.mark.parametrize("size", [1, 319, 320, 479, 480, 481, 1600, 1601, 16000, 40001])
def test_what_it_heard_is_in_the_window(size):
    board = listening()
    session = begun(board)
    samples = sound(size)
    session.forget()
    session.hear(samples)
    assert session.window() == AUDIO.clip(samples)
    assert (board.heard == samples).all()


def test_pieces_are_as_good_as_the_whole():
    rng = np.random.default_rng(1)
    for seed in range(20):
        board = listening()
        session = begun(board)
        samples = sound(9000, seed)
        cuts = np.sort(rng.integers(0, 9001, 12))
        for piece in np.split(samples, cuts):
            session.hear(piece)
        assert session.window() == AUDIO.clip(samples)


def test_decide_is_of_the_window_and_never_a_decision():
    session = begun(listening())
    samples = sound(16000)
    session.hear(samples)
    result = session.decide()
    output = MODEL.infer(AUDIO.clip(samples))
    assert result.output == output
    stored = np.frombuffer(output, np.int8).astype(int)
    assert result.scores == tuple((stored + 128) / 256)
    assert result.top == stored.argmax()
    assert result.top_score == result.scores[result.top]
    assert (result.heard, result.score) == (None, None)
    assert (result.dsp_us, result.post_us, result.lost) == (2100, 9, 0)


def test_forget_clears_and_begins_anew():
    session = begun(listening())
    session.hear(sound(5000))
    session.forget()
    silence = AUDIO.clip(np.zeros(0, np.int16))
    assert session.window() == silence
    session.hear(sound(2000, 3))
    assert session.window() == AUDIO.clip(sound(2000, 3))


def test_first_hear_of_a_session_clears_what_another_left():
    board = listening()
    begun(board).hear(sound(4000))
    session = begun(board)
    session.hear(sound(1000, 2))
    assert session.window() == AUDIO.clip(sound(1000, 2))


def test_a_loaded_input_is_gone_after_a_decision():
    session = begun(listening())
    session.load(bytes(35))
    session.decide()
    with pytest.raises(BoardRefused, match="no input"):
        session.run(1)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(10, np.float32), np.zeros(10, np.int32), np.zeros((2, 5), np.int16)],
    ids=["float", "int32", "stereo"],
)
def test_other_arrays_are_no_samples(samples):
    with pytest.raises(BadInput, match="int16"):
        begun(listening()).hear(samples)


@pytest.mark.parametrize("verb", ["forget", "decide", "window"])
def test_firmware_that_does_not_listen(verb):
    session = begun(FakeBoard())
    assert session.board.audio is None
    with pytest.raises(NotSensing, match="does not sense"):
        getattr(session, verb)()
    with pytest.raises(NotSensing, match="does not sense"):
        session.hear(sound(10))


def test_stream_hears_the_microphone_and_decides():
    session = begun(listening(sound=sound(30_000)))
    readings = [r for r in session.stream(40) if isinstance(r, Inference)]
    assert [r.n for r in readings] == list(range(40))
    for reading in readings[:20]:
        size = session.board.audio.samples_in((reading.n + 1) * AUDIO.stride)
        assert reading.output == MODEL.infer(AUDIO.clip(sound(30_000)[:size]))
    decided = [r for r in readings if r.heard is not None]
    assert decided
    for reading in decided:
        assert reading.heard in (1, 2)
        assert reading.score >= AUDIO.threshold
    assert all((r.score is None) == (r.heard is None) for r in readings)


def test_stream_without_a_microphone_is_refused():
    with pytest.raises(BoardRefused, match="missing=microphone"):
        list(begun(listening()).stream(1))


def test_after_a_stream_hearing_begins_anew():
    session = begun(listening(sound=sound(30_000)))
    list(session.stream(5))
    session.hear(sound(1500, 8))
    assert session.window() == AUDIO.clip(sound(1500, 8))


def test_the_board_that_lost_its_window_is_noticed():
    """Its boot lines were lost, and with them what it had heard."""
    board = listening()
    session = begun(board)
    session.hear(sound(5000))
    confirm = board.end_upload

    def lose() -> None:
        board.end_upload = confirm
        board.raw_wanted = 0
        board.clear_window()
        board.say("m-ready")

    board.end_upload = lose
    with pytest.raises(BoardRestarted):
        session.hear(sound(100))


def hear_all(faults):
    """(what the window held, what the decision was, retries), or the error."""
    board = listening(faults)
    try:
        session = begun(board)
        samples = sound(8000, faults.seed)
        for piece in np.array_split(samples, 3):
            session.hear(piece)
        window, result = session.window(), session.decide()
    except LinkLost as lost:
        return lost
    assert window == AUDIO.clip(samples), faults
    assert result.output == MODEL.infer(window)
    return session.health.retries


@pytest.mark.parametrize("kind", ["drop", "garble", "double", "drop_in", "garble_in"])
def test_rare_damage_is_mended_and_nothing_is_heard_twice(kind):
    rate = 0.00005 if kind.endswith("_in") else 0.0005
    results = [hear_all(Faults(seed=seed, **{kind: rate})) for seed in range(40)]
    assert not [each for each in results if isinstance(each, LinkLost)]
    assert sum(results) > 10


def test_heavy_damage_is_mended_or_told():
    results = [
        hear_all(Faults(seed=seed, drop=0.002, garble=0.002, drop_in=0.0003)) for seed in range(60)
    ]
    lost = sum(isinstance(each, LinkLost) for each in results)
    assert 0 < lost < 60


def test_a_board_that_restarts_anywhere_is_told():
    told = 0
    for position in range(700, 2600, 13):
        result = hear_all(Faults(seed=position, reboot_at=position))
        told += isinstance(result, BoardRestarted)
    assert told > 50


SENSES = {
    "six axes": FakeMotion(),
    "three axes": FakeMotion(axes=3, samples=40, stride=20),
    "image": FakeImage(),
}


def some_of(senses, count, seed=0):
    """Raw samples; of a camera, frames."""
    rng = np.random.default_rng(seed)
    if isinstance(senses, FakeImage):
        return rng.integers(0, 256, (count, senses.height, senses.width)).astype(np.uint8)
    return rng.integers(-32768, 32768, (count, senses.axes)).astype(np.int16)


def sensing(senses, faults=None):
    return FakeBoard(model=MODEL, senses=senses, faults=faults or Faults())


def hear(session, samples):
    """All of them, in whatever calls a caller may make."""
    if samples.dtype == np.uint8:
        for frame in samples:
            session.hear(frame)
    else:
        for piece in np.array_split(samples, 4):
            session.hear(piece)


def test_hello_says_how_it_follows_motion():
    facts = begun(sensing(SENSES["six axes"])).board.sensing
    assert isinstance(facts, MotionFacts)
    assert (facts.sensor, facts.kind, facts.rate_hz, facts.axes) == ("imu", "motion", 119, 6)
    assert (facts.samples, facts.stride, facts.average, facts.remove_mean) == (6, 3, 1, True)
    assert (facts.accel_g, facts.gyro_dps, facts.hold_off) == (4.0, 500.0, 9)
    assert (facts.sample_bytes, facts.window_samples) == (12, 6)
    assert facts.stride_us == pytest.approx(3e6 / 119)
    assert (facts.frames_in(7), facts.samples_in(7)) == (7, 7)
    assert begun(sensing(SENSES["six axes"])).board.audio is None


def test_hello_says_how_it_sees():
    facts = begun(sensing(SENSES["image"])).board.sensing
    assert isinstance(facts, ImageFacts)
    assert (facts.sensor, facts.kind, facts.width, facts.height) == ("camera", "image", 80, 60)
    assert (facts.to_width, facts.to_height, facts.period_ms) == (40, 60, 500)
    assert (facts.sample_bytes, facts.window_samples, facts.stride) == (1, 4800, 1)
    assert facts.stride_us == 500_000
    assert (facts.frames_in(9_599), facts.samples_in(2)) == (1, 9_600)


@pytest.mark.parametrize("name", SENSES)
def test_facts_come_back_from_json(name):
    """As a recording's header has them."""
    facts = begun(sensing(SENSES[name])).board.sensing
    flat = json.loads(json.dumps({facts.record: dataclasses.asdict(facts)}))
    assert from_json(flat) == facts
    assert from_json({}) is None
    with pytest.raises(KeyError):
        from_json({facts.record: {}})
    broken = {facts.record: flat[facts.record] | {"rate_hz": 0, "period_ms": 0, "axes": 0}}
    with pytest.raises((ValueError, ZeroDivisionError)):
        from_json(broken)


@pytest.mark.parametrize("name", SENSES)
def test_all_that_came_is_in_the_window(name):
    senses = SENSES[name]
    board = sensing(senses)
    session = begun(board)
    samples = some_of(senses, 7 if name == "image" else 1_000)
    session.forget()
    hear(session, samples)
    assert board.taken == samples.tobytes()
    window = senses.window(samples.tobytes())
    assert session.window() == window
    assert session.decide().output == MODEL.infer(window)
    hear(session, samples[:3])
    assert session.window() == senses.window(samples.tobytes() + samples[:3].tobytes())
    session.forget()
    assert session.window() == senses.window(b"")
    # Uploads are as large as the board takes them.
    sizes = [int(c.split()[1]) for c in board.commands if c.startswith("hear ")]
    assert max(sizes) <= senses.room(b"")
    assert len(sizes) <= 30


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("six axes", np.zeros((10, 3), np.int16)),
        ("six axes", np.zeros(60, np.int16)),
        ("six axes", np.zeros((10, 6), np.float32)),
        ("image", np.zeros((80, 60), np.uint8)),
        ("image", np.zeros(4800, np.uint8)),
        ("image", np.zeros((60, 80), np.int16)),
    ],
)
def test_other_arrays_are_no_samples_of_theirs(name, wrong):
    board = sensing(SENSES[name])
    with pytest.raises(BadInput, match=r"int16 in rows of 6|uint8 in 60 rows of 80"):
        begun(board).hear(wrong)
    assert not board.taken


def hear_all_of(senses, faults):
    """Retries, where the board has exactly what was sent; or the error."""
    board = sensing(senses, faults)
    samples = some_of(senses, 2 if isinstance(senses, FakeImage) else 700, faults.seed)
    try:
        session = begun(board)
        session.forget()
        hear(session, samples)
        window = session.window()
    except LinkLost as lost:
        return lost
    assert board.taken == samples.tobytes(), faults
    assert window == senses.window(samples.tobytes()), faults
    return session.health.retries


@pytest.mark.parametrize("name", SENSES)
@pytest.mark.parametrize("kind", ["drop", "garble", "double", "drop_in", "garble_in"])
def test_rare_damage_is_mended_whatever_the_sensor(name, kind):
    rate = 0.00005 if kind.endswith("_in") else 0.0005
    results = [hear_all_of(SENSES[name], Faults(seed=seed, **{kind: rate})) for seed in range(25)]
    assert not [each for each in results if isinstance(each, LinkLost)]
    assert sum(results) > 0


@pytest.mark.parametrize("name", SENSES)
def test_a_restart_anywhere_is_told_whatever_the_sensor(name):
    told = 0
    for position in range(700, 2400, 29):
        result = hear_all_of(SENSES[name], Faults(seed=position, reboot_at=position))
        told += isinstance(result, BoardRestarted)
    assert told > 10


def test_a_piece_of_one_sample_is_not_heard_twice():
    """It completes nothing, and its confirmation is lost: the count of samples tells."""
    board = listening()
    session = begun(board)
    session.forget()
    confirm = board.end_upload

    def confirm_in_silence() -> None:
        board.end_upload = confirm
        said, board.say = board.say, lambda line: None
        confirm()
        board.say = said

    board.end_upload = confirm_in_silence
    session.hear(sound(1))
    assert len(board.heard) == 1
    assert session.health.retries == 1
