"""Words in large letters: each five dots high, two dots to a character, so three lines of text."""

from __future__ import annotations

_ROWS = 5

# Five rows a letter, from the top; `#` is a dot.
_LETTERS = {
    "A": " ### |#   #|#####|#   #|#   #",
    "B": "#### |#   #|#### |#   #|#### ",
    "C": " ####|#    |#    |#    | ####",
    "D": "#### |#   #|#   #|#   #|#### ",
    "E": "#####|#    |#### |#    |#####",
    "F": "#####|#    |#### |#    |#    ",
    "G": " ####|#    |#  ##|#   #| ####",
    "H": "#   #|#   #|#####|#   #|#   #",
    "I": "###| # | # | # |###",
    "J": "  ###|    #|    #|#   #| ### ",
    "K": "#   #|#  # |###  |#  # |#   #",
    "L": "#    |#    |#    |#    |#####",
    "M": "#   #|## ##|# # #|#   #|#   #",
    "N": "#   #|##  #|# # #|#  ##|#   #",
    "O": " ### |#   #|#   #|#   #| ### ",
    "P": "#### |#   #|#### |#    |#    ",
    "Q": " ### |#   #|# # #|#  # | ## #",
    "R": "#### |#   #|#### |#  # |#   #",
    "S": " ####|#    | ### |    #|#### ",
    "T": "#####|  #  |  #  |  #  |  #  ",
    "U": "#   #|#   #|#   #|#   #| ### ",
    "V": "#   #|#   #|#   #| # # |  #  ",
    "W": "#   #|#   #|# # #|## ##|#   #",
    "X": "#   #| # # |  #  | # # |#   #",
    "Y": "#   #| # # |  #  |  #  |  #  ",
    "Z": "#####|   # |  #  | #   |#####",
    "0": " ### |#  ##|# # #|##  #| ### ",
    "1": " # |## | # | # |###",
    "2": "#### |    #| ### |#    |#####",
    "3": "#### |    #|  ## |    #|#### ",
    "4": "#  # |#  # |#####|   # |   # ",
    "5": "#####|#    |#### |    #|#### ",
    "6": " ### |#    |#### |#   #| ### ",
    "7": "#####|   # |  #  | #   |#    ",
    "8": " ### |#   #| ### |#   #| ### ",
    "9": " ### |#   #| ####|    #| ### ",
    " ": "  |  |  |  |  ",
    "_": "  |  |  |  |  ",
}
_HALVES = {("#", "#"): "█", ("#", " "): "▀", (" ", "#"): "▄", (" ", " "): " "}


def large(word: str) -> list[str] | None:
    """The three lines of `word`, `_` as a space; None if it has more than letters and digits."""
    patterns = [_LETTERS.get(letter) for letter in word.upper()]
    if not word or any(pattern is None for pattern in patterns):
        return None
    split = [pattern.split("|") for pattern in patterns if pattern is not None]
    rows = [" ".join(letter[row] for letter in split) for row in range(_ROWS)]
    rows.append(" " * len(rows[0]))
    return [
        "".join(_HALVES[pair] for pair in zip(rows[row], rows[row + 1], strict=True)).rstrip()
        for row in range(0, _ROWS, 2)
    ]
