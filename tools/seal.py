#!/usr/bin/env python3
"""The seal of run files, as include/multidistral/run/seal.h describes it. For the tools, and for who changed a run file on purpose:

    tools/seal.py changed.h5       seals it again, without naming its parts"""
import re
import sys

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    import find
    find.packages("seal.py", "numpy")
import numpy as np

SEAL, HEAD, WORDS = 16384, 85, 1 << 14  # bytes of a seal and of its first line; words of the file in one piece
FORMAT = b"MultiDistral, HDF5 behind byte 16384; bytes %016x digest %016x\n"
LINE = re.compile(rb"MultiDistral, HDF5 behind byte 16384; bytes ([0-9a-f]{16}) digest ([0-9a-f]{16})\n")
SIGNATURE = b"\x89HDF\r\n\x1a\n"
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
    """Whether it has a seal: False if it begins as HDF5 does. Raises OSError unless the file is as it was sealed."""
    with open(path, "rb") as file:
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return False
        file.seek(0)
        line = LINE.fullmatch(file.read(HEAD))
        if not line:
            raise OSError("begins neither as a run file nor as HDF5")
        if (int(line[2], 16), int(line[1], 16) - HEAD) != digest(file):
            raise OSError("is damaged: its bytes are not those that were written")
    return True


def put(path):
    """Seals a file with room for a seal again, after it was changed."""
    with open(path, "r+b") as file:
        if not LINE.fullmatch(file.read(HEAD)):
            raise OSError("has no seal, and no room for one")
        file.write(bytes(SEAL - HEAD))
        file.seek(HEAD)
        total, n = digest(file)
        file.seek(0)
        file.write(FORMAT % (n + HEAD, total))


if __name__ == "__main__":
    asked = sys.argv[1:] in (["-h"], ["--help"])
    if asked or len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else 2)
    try:
        put(sys.argv[1])
    except OSError as reason:
        print(f"tools/seal.py: {sys.argv[1]}: {reason.strerror or reason}", file=sys.stderr)
        sys.exit(2)
