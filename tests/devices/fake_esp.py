"""XIAO ESP32S3 boards that are pseudo-terminals: a program, and a chip's ROM loader with its stub.

The loader speaks Espressif's serial protocol (SLIP frames; docs.espressif.com, esptool, "Serial
Protocol") far enough for esptool with its stub: what it receives is put into a flash of 8 MB, whose
MD5 it answers with. A pseudo-terminal has no DTR and RTS: esptool's SYNC stands for the reset into
the loader, and its write to RTC_CNTL_OPTION1, which comes just before, for the reset out of it.
**None of this is the real loader.**
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import select
import struct
import subprocess
import threading
import time
import tty
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from edge_deploy.devices.usb import Connected
from tests.devices.fake_nano import Bus

OWN_USB, TINYUSB = "303a:1001", "2886:0056"
ESP32_S3, ESP32_C3 = 9, 5  # chip ids, as GET_SECURITY_INFO answers
APPLICATION = 0x10000
_POLL_S = 0.01
_AWAY_S = 0.15  # long enough to be missed by who looks 20 times a second
_FLASH_BYTES = 8 << 20
_END, _ESCAPE = b"\xc0", b"\xdb"
_SYNC = b"\xc0\x00\x08"  # a frame, a request, SYNC

_FLASH_BEGIN, _FLASH_DATA, _FLASH_END = 0x02, 0x03, 0x04
_MEM_BEGIN, _MEM_END, _MEM_DATA = 0x05, 0x06, 0x07
_SYNC_OP, _WRITE_REG, _READ_REG = 0x08, 0x09, 0x0A
_SPI_SET_PARAMS, _SPI_ATTACH = 0x0B, 0x0D
_DEFL_BEGIN, _DEFL_DATA, _DEFL_END = 0x10, 0x11, 0x12
_MD5, _SECURITY = 0x13, 0x14

_OPTION1 = 0x6000812C
_SPI = 0x60002000
_SPI_USR2, _SPI_W0 = _SPI + 0x20, _SPI + 0x58
_RDID, _SFDP = 0x9F, 0x5A
_MAPPED = 0x3C000000  # where flash is read as data, in pages of 64 KB
_WINBOND_8MB, _WINBOND_4MB = 0x1740EF, 0x1640EF


@dataclass
class EspMischief:
    """What a board does wrong."""

    silent: bool = False  # no loader answers, until `replug` with the button held
    chip: int = ESP32_S3
    small: bool = False  # 4 MB of flash
    pull_at: int | None = None  # unplugged when so many percent of the program are there
    rot: bool = False  # a byte of flash is not what was written
    no_return: bool = False
    back_as: str = ""  # the port's name after flashing
    stays: bool = False  # the port does not go when the chip is reset
    tinyusb: bool = False  # its program has another USB id and another serial number
    loader_as: str = ""  # with tinyusb: the name of the loader's port


class EspBus(Bus):
    """A computer's USB with XIAO boards, beside others."""

    def plug_xiao(self, name: str = "ttyACM0", serial: str = "", **mischief: object) -> FakeXiao:
        """A board whose program runs."""
        mac = serial or f"F4:12:FA:00:00:{len(self.boards):02X}"
        board = FakeXiao(self.home, name, mac, EspMischief(**mischief))  # type: ignore[arg-type]
        self.boards.append(board)  # type: ignore[arg-type]
        board.start()
        return board


@dataclass
class FakeXiao:
    """One board. modes: each that it went through, `program` or `loader`."""

    home: Path
    name: str
    serial: str
    mischief: EspMischief
    modes: list[str] = field(default_factory=list)
    port: Connected | None = None
    flash: bytearray = field(default_factory=lambda: bytearray(b"\xff" * _FLASH_BYTES))
    written: dict[int, int] = field(default_factory=dict)  # offset -> bytes
    ram_bytes: int = 0  # of a stub

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._master: int | None = None
        self._slave: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._outgoing = b""
        self._received = b""
        self._stub = False
        self._registers: dict[int, int] = {}
        self._at = self._size = self._end = 0
        self._inflate: zlib._Decompress | None = None
        self._restart = False
        self._replugged = False

    def image(self, offset: int = APPLICATION) -> bytes:
        """What was written there."""
        return bytes(self.flash[offset : offset + self.written.get(offset, 0)])

    def start(self) -> None:
        self._appear(self.name, "program")
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._vanish()

    def replug(self) -> None:
        """As a person does it, with the button held."""
        self._replugged = True

    # -- its ports ----------------------------------------------------------------------------

    def _appear(self, name: str, mode: str) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        path = self.home / name
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._slave))
        other = self.mischief.tinyusb and mode == "program" and not self.written
        self.port = Connected(
            str(path), TINYUSB if other else OWN_USB, "0" if other else self.serial
        )
        self._enter(mode)

    def _enter(self, mode: str) -> None:
        self._stop_program()
        self._outgoing = self._received = b""
        self._stub = self._restart = False
        self.modes.append(mode)
        runs = program_of(self.image())
        if mode == "program" and runs is not None and runs.startswith(b"\x7fELF"):
            program = self.home / f"{self.serial.replace(':', '')}.program"
            program.write_bytes(runs)
            program.chmod(0o700)
            self._child = subprocess.Popen(
                [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )

    def _stop_program(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            assert self._child.stdin is not None
            assert self._child.stdout is not None
            self._child.stdin.close()
            self._child.stdout.close()
            self._child = None

    def _vanish(self) -> None:
        if self.port is None:
            return
        path, self.port = Path(self.port.path), None
        path.unlink(missing_ok=True)
        self._stop_program()
        for each in (self._master, self._slave):
            if each is not None:
                os.close(each)
        self._master = self._slave = None

    # -- its life -----------------------------------------------------------------------------

    def _live(self) -> None:
        while not self._stopping.is_set():
            if self._replugged:
                self._replugged = False
                self.mischief.silent = False
                self._vanish()
                time.sleep(_AWAY_S)
                self._appear(self.name, "loader")
            if self.port is None:
                time.sleep(_POLL_S)
            elif self.modes[-1] == "program":
                self._pass_on()
            else:
                self._answer()

    def _pass_on(self) -> None:
        """Bytes between the port and the program, until esptool asks for the loader."""
        assert self._master is not None
        out = None if self._child is None else self._child.stdout
        wanted = [self._master] if out is None or self._outgoing else [self._master, out]
        readable, writable, _ = select.select(
            wanted, [self._master] if self._outgoing else [], [], _POLL_S
        )
        if self._master in readable:
            data = os.read(self._master, 4096)
            if _SYNC in data and not self.mischief.silent:
                self._to_loader(data)
                return
            if self._child is not None and self._child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._child.stdin.write(data)
        if out is not None and out in readable:
            self._outgoing = os.read(out.fileno(), 1024)
        if writable:
            self._outgoing = self._outgoing[os.write(self._master, self._outgoing) :]

    def _to_loader(self, data: bytes) -> None:
        """The chip restarts into its loader: on its own USB the port stays."""
        if self.port is not None and self.port.usb_id == TINYUSB:
            self._vanish()
            time.sleep(_AWAY_S)
            self._appear(self.mischief.loader_as or self.name, "loader")
            return
        self._enter("loader")
        self._received = data[data.index(_SYNC) :]
        self._frames()

    def _answer(self) -> None:
        """One read's worth of frames."""
        assert self._master is not None
        if select.select([self._master], [], [], _POLL_S)[0]:
            self._received += os.read(self._master, 65536)
            self._frames()

    def _frames(self) -> None:
        """Answer the frames that are whole."""
        *frames, self._received = self._received.split(_END)
        for frame in frames:
            if len(frame) >= 8 and self.port is not None:
                self._handle(frame.replace(b"\xdb\xdc", _END).replace(b"\xdb\xdd", _ESCAPE))
        if self._restart:
            self._reset()

    def _reset(self) -> None:
        if self.mischief.stays:
            self._enter("program")
            return
        self._vanish()
        time.sleep(_AWAY_S)
        if not self.mischief.no_return:
            self._appear(self.mischief.back_as or self.name, "program")

    # -- the loader ---------------------------------------------------------------------------

    def _handle(self, frame: bytes) -> None:
        kind, operation, length, check = struct.unpack("<BBHI", frame[:8])
        data = frame[8:]
        assert kind == 0
        assert length == len(data)
        if self.mischief.silent:
            return
        if operation == _SYNC_OP:
            self._stub = False  # DTR and RTS have reset it
            for _ in range(8):
                self._reply(operation, 0x20120707)
            return
        value, body, status = self._done(operation, data, check)
        if self.port is None:
            return
        self._reply(operation, value, body, status)
        if operation == _MEM_END and not self._stub:
            self._stub = True
            self._send(b"OHAI")

    def _done(self, operation: int, data: bytes, check: int) -> tuple[int, bytes, int]:
        """(value, data, status) of a command."""
        words = struct.unpack(f"<{min(len(data) // 4, 5)}I", data[: min(len(data) // 4, 5) * 4])
        if operation == _SECURITY:
            return 0, struct.pack("<IB7BII", 0, 0, *[0] * 7, self.mischief.chip, 0), 0
        if operation == _READ_REG:
            return self._registers.get(words[0], 0), b"", 0
        if operation == _WRITE_REG:
            self._write_register(words[0], words[1])
        elif operation in (_MEM_DATA, _FLASH_DATA, _DEFL_DATA):
            body = data[16:]
            if words[0] != len(body) or _checksum(body) != check:
                return 0, b"", 1
            self._take(operation, body)
        elif operation in (_FLASH_BEGIN, _DEFL_BEGIN):
            self._at = words[3]
            self._size, self._end = words[0], words[3] + words[0]
            self.written[words[3]] = words[0]
            self._inflate = zlib.decompressobj() if operation == _DEFL_BEGIN else None
        elif operation == _MD5:
            digest = hashlib.md5(self.flash[words[0] : words[0] + words[1]])
            return 0, digest.digest() if self._stub else digest.hexdigest().encode(), 0
        elif operation not in (
            _MEM_BEGIN, _MEM_END, _FLASH_END, _DEFL_END, _SPI_ATTACH, _SPI_SET_PARAMS,
        ):  # fmt: skip
            return 0, b"", 5
        return 0, b"", 0

    def _take(self, operation: int, body: bytes) -> None:
        """A block for RAM or flash."""
        if operation == _MEM_DATA:
            self.ram_bytes += len(body)
            return
        if self._inflate is not None:
            body = self._inflate.decompress(body)
        body = body[: self._end - self._at]
        self.flash[self._at : self._at + len(body)] = body
        if self.mischief.rot and body:
            self.flash[self._at] ^= 1
        self._at += len(body)
        begun = self._end - self._size
        limit = self.mischief.pull_at if begun == APPLICATION else None
        if limit is not None and 100 * (self._at - begun) >= limit * self._size:
            self._vanish()

    def _write_register(self, address: int, value: int) -> None:
        self._registers[address] = value
        if address == _OPTION1:
            self._restart = True
        if address == _SPI and value:  # a command for the flash chip, done at once
            command = self._registers.get(_SPI_USR2, 0) & 0xFF
            answers = {
                _RDID: _WINBOND_4MB if self.mischief.small else _WINBOND_8MB,
                _SFDP: 0x50444653,
            }
            self._registers[_SPI_W0] = answers.get(command, 0)
            self._registers[_SPI] = 0

    def _reply(self, operation: int, value: int, body: bytes = b"", status: int = 0) -> None:
        # The ROM sends two bytes more than its stub.
        body += bytes([1 if status else 0, status]) + (b"" if self._stub else b"\0\0")
        self._send(struct.pack("<BBHI", 1, operation, len(body), value) + body)

    def _send(self, frame: bytes) -> None:
        if self._master is not None:
            escaped = frame.replace(_ESCAPE, b"\xdb\xdd").replace(_END, b"\xdb\xdc")
            os.write(self._master, _END + escaped + _END)


def _checksum(data: bytes) -> int:
    state = 0xEF
    for byte in data:
        state ^= byte
    return state


def bootloader() -> bytes:
    """A small image of an ESP32-S3's bootloader, without flash settings."""
    return _image(0x403C9880, 0x403C9000, bytes(range(48)) * 4)


def application(program: bytes) -> bytes:
    """A program of this computer as an image of the ESP-IDF's, which the board unwraps and runs."""
    return _image(0x42000020, _MAPPED + 0x20, program + bytes(-len(program) % 4))


def program_of(image: bytes) -> bytes | None:
    """What a bootloader would run, its checksum and digest being right; None where they are not."""
    if len(image) < 32 or image[:2] != b"\xe9\x01":
        return None
    address, length = struct.unpack("<II", image[24:32])
    segment = image[32 : 32 + length]
    if address != _MAPPED + 0x20 or image[: len(_image(0, 0, segment))] != _image(
        struct.unpack("<I", image[4:8])[0], address, segment
    ):
        return None
    return segment


def _image(entry: int, address: int, segment: bytes) -> bytes:
    """ESP-IDF Programming Guide, "App Image Format": header, one segment, checksum, SHA-256."""
    header = struct.pack("<BBBBI", 0xE9, 1, 0, 0, entry)
    extended = bytes([0xEE]) + b"\0" * 3 + struct.pack("<HBHH", ESP32_S3, 0, 0, 99) + b"\0" * 4
    body = header + extended + b"\x01" + struct.pack("<II", address, len(segment)) + segment
    body += b"\0" * (15 - len(body) % 16) + bytes([_checksum(segment)])
    return body + hashlib.sha256(body).digest()
