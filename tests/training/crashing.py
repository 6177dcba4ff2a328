"""Ends as TensorFlow's converter does on some models: in its native code."""

import os
import signal

os.kill(os.getpid(), signal.SIGSEGV)
