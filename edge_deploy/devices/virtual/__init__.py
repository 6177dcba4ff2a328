"""The virtual board: firmware on an emulated Cortex-M4, with a serial port for any program.

Import `board` or `device`; they need the packages of the extra `virtual` (unicorn, capstone).
"""
