"""The seal of run files, as include/multidistral/run/seal.h describes it. For the tools."""
import re

import numpy as np

SEAL, WORDS = 512, 1 << 14  # bytes of a seal; words of the file in one piece
LINE = re.compile(rb"MultiDistral, HDF5 behind byte 512; bytes ([0-9a-f]{16}) digest ([0-9a-f]{16})\n\0*")
STEP = np.uint64(0x9E3779B97F4A7C15)


def digest(file):
    """Of what is left of an open file, and its bytes."""
    total = bytes_read = 0
    place = np.arange(1, WORDS + 1, dtype=np.uint64) * STEP
    while piece := file.read(8 * WORDS):
        x = np.frombuffer(piece + bytes(-len(piece) % 8), "<u8")
        x = x + (place[:len(x)] + np.uint64(bytes_read // 8 * int(STEP) % 2**64))
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        total += int((x ^ x >> np.uint64(31)).sum())
        bytes_read += len(piece)
    return total % 2**64, bytes_read


def check(path):
    """Raises OSError unless the file is as it was sealed, or has no seal and begins as HDF5 does."""
    with open(path, "rb") as file:
        head = file.read(SEAL)
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            return
        line = LINE.fullmatch(head)
        if not line or len(head) != SEAL:
            raise OSError("begins neither as a run file nor as HDF5")
        if (int(line[2], 16), int(line[1], 16) - SEAL) != digest(file):
            raise OSError("is damaged: its bytes are not those that were written")
