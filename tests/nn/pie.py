"""The ESP32-S3's vector instructions as the manual has them, in Python: forms, and what they do.

Written apart from firmware/src/nn/s3/pie_model.h, so that each can show the other wrong. What is
run are the lines of an inline assembly, with the names of its operands for address registers.
Source: Espressif, ESP32-S3 Technical Reference Manual, version 1.7, chapter 1: Table 1.4-1 (what
the letters of operands mean), 1.5.3 (alignment), 1.8 (each instruction, by the alphabet).
Cadence, Xtensa Instruction Set Architecture Reference Manual, chapter 6: LOOPNEZ.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

LANES = 16
# Operands by their letters: q is a register of 128 bits, a one of the core. imm16 and imm4 are
# bytes, whole vectors and whole words; assemblers take more of imm4 than Table 1.4-1 prints.
OPERANDS: Mapping[str, range] = {"imm16": range(-2048, 2033, 16), "imm4": range(-256, 253, 4)}
FORMS: Mapping[str, tuple[str, ...]] = {
    "ee.st.qacc_h.h.32.ip": ("as", "imm4"),
    "ee.st.qacc_h.l.128.ip": ("as", "imm16"),
    "ee.st.qacc_l.h.32.ip": ("as", "imm4"),
    "ee.st.qacc_l.l.128.ip": ("as", "imm16"),
    "ee.vld.128.ip": ("qu", "as", "imm16"),
    "ee.vld.128.xp": ("qu", "as", "ad"),
    "ee.vmulas.s8.accx": ("qx", "qy"),
    "ee.vmulas.s8.qacc": ("qx", "qy"),
    "ee.zero.accx": (),
    "ee.zero.qacc": (),
    "loopnez": ("ad", "label"),
    "rur.accx_0": ("au",),
}
# What is written, beside memory: `as` moves on, `au` is a result.
WRITTEN = ("as", "au")


def form(line: str) -> tuple[str, dict[str, str]]:
    """A line's instruction, and its operands by the manual's letters. Fails for any other form."""
    name, _, rest = line.partition(" ")
    words = [word.strip() for word in rest.split(",")] if rest else []
    assert name in FORMS, line
    letters = FORMS[name]
    assert len(words) == len(letters), line
    for letter, word in zip(letters, words, strict=True):
        if letter in OPERANDS:
            assert int(word) in OPERANDS[letter], line
        elif letter == "label":
            assert re.fullmatch(r"\df", word), line
        elif letter[0] == "q":
            assert re.fullmatch(r"q[0-7]", word), line
        else:
            assert re.fullmatch(r"a(\d|1[0-5])|%\[\w+\]", word), line
    return name, dict(zip(letters, words, strict=True))


@dataclass(frozen=True)
class Block:
    """An inline assembly. outputs, inputs: constraints by the operand's name."""

    lines: tuple[str, ...]
    outputs: Mapping[str, str]
    inputs: Mapping[str, str]
    clobbers: tuple[str, ...]


def blocks(preprocessed: str) -> list[Block]:
    """The inline assemblies of preprocessed C that have named operands."""
    found = []
    for text in re.findall(r"__asm__ volatile\((.*?)\);", preprocessed, re.DOTALL):
        parts = re.split(r":(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", text)
        if len(parts) != 4 or "%[" not in parts[0]:
            continue
        lines = ast.literal_eval(f"({parts[0]})").split("\n")
        outputs, inputs = (
            dict(re.findall(r"\[(\w+)\]\s*\"([^\"]*)\"", part)) for part in parts[1:3]
        )
        clobbers = tuple(re.findall(r"\"(\w+)\"", parts[3]))
        found.append(Block(tuple(x.strip() for x in lines if x.strip()), outputs, inputs, clobbers))
    return found


@dataclass
class Unit:
    """Registers, accumulators and memory. base: the address of the first byte of memory."""

    memory: bytearray
    base: int
    q: dict[int, list[int]] = field(default_factory=dict)
    accx: int | None = None
    qacc: list[int] | None = None
    count: int = 0

    def run(self, lines: Sequence[str], names: MutableMapping[str, int]) -> None:
        """All lines in order. names: the address registers, by name; written to."""
        at = 0
        while at < len(lines):
            if re.fullmatch(r"\d:", lines[at]):
                at += 1
                continue
            name, words = form(lines[at])
            if name == "loopnez":
                end = lines.index(f"{words['label'][:-1]}:", at)
                for _ in range(names[words["ad"][2:-1]]):
                    self.run(lines[at + 1 : end], names)
                at = end
            else:
                self.count += 1
                self.step(name, words, names)
            at += 1

    def step(self, name: str, words: Mapping[str, str], names: MutableMapping[str, int]) -> None:
        """One instruction."""
        pointer = words.get("as", "")[2:-1]
        by = int(words.get("imm16") or words.get("imm4") or 0)
        if name == "ee.zero.accx":
            self.accx = 0
        elif name == "ee.zero.qacc":
            self.qacc = [0] * LANES
        elif name.startswith("ee.vld.128."):
            # The four lowest bits of the address are taken for 0.
            start = (names[pointer] & ~15) - self.base
            row = self.memory[start : start + LANES]
            self.q[int(words["qu"][1])] = [(byte ^ 128) - 128 for byte in row]
            names[pointer] += by if "ad" not in words else names[words["ad"][2:-1]]
        elif name.startswith("ee.vmulas.s8."):
            x, y = self.q[int(words["qx"][1])], self.q[int(words["qy"][1])]
            products = [a * b for a, b in zip(x, y, strict=True)]
            if name.endswith("accx"):
                assert self.accx is not None
                self.accx = _saturated(self.accx + sum(products), 40)
            else:
                assert self.qacc is not None
                added = (a + b for a, b in zip(self.qacc, products, strict=True))
                self.qacc = [_saturated(one, 20) for one in added]
        elif name.startswith("ee.st.qacc_"):
            assert self.qacc is not None
            half, part, bits = name.removeprefix("ee.st.qacc_").split(".")[:3]
            lanes = self.qacc[8:] if half == "h" else self.qacc[:8]
            whole = sum((lane & 0xFFFFF) << 20 * i for i, lane in enumerate(lanes))
            value = whole >> 128 if part == "h" else whole & (1 << 128) - 1
            size = int(bits) // 8
            start = (names[pointer] & ~(size - 1)) - self.base
            self.memory[start : start + size] = value.to_bytes(size, "little")
            names[pointer] += by
        else:
            assert name == "rur.accx_0", name
            assert self.accx is not None
            names[words["au"][2:-1]] = self.accx & 0xFFFFFFFF


def _saturated(value: int, bits: int) -> int:
    return max(-(1 << bits - 1), min((1 << bits - 1) - 1, value))
