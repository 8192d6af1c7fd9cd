"""Damaged run files, through tools/damage in its short form. Environment: MULTIDISTRAL, SOURCE."""
import os
import re
import subprocess
import sys
import unittest

from patience import patience

SOURCE = os.environ["SOURCE"]
COLUMNS = ("same", "refused", "wrong", "rude", "crash", "hang", "huge")


with open(os.environ["MULTIDISTRAL"], "rb") as program:
    SANITIZED = b"__asan_init" in program.read()  # such programs ask for terabytes of addresses


def damage(*arguments):
    return subprocess.run([sys.executable, f"{SOURCE}/tools/damage", *map(str, arguments)], capture_output=True, text=True, timeout=patience(500))


class Damage(unittest.TestCase):
    def counts(self, *arguments):
        done = damage("--seconds", patience(100), *(["--megabytes", 0] if SANITIZED else []), *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = re.findall(r"^(\w+)((?: +\d+){7})$", done.stdout, re.M)
        return {name: dict(zip(COLUMNS, map(int, counts.split()))) for name, counts in lines}

    def assert_refused(self, counts, n):
        for name, count in counts.items():
            with self.subTest(name):
                self.assertEqual(count["refused"] + count["same"], n)
                self.assertGreater(count["refused"], n / 2)  # a byte may be set to what it was

    def test_sealed_files_are_refused_by_every_command(self):
        self.assert_refused(self.counts("--files", 8), 8)

    def test_damage_that_hangs_or_crashes_hdf5_without_a_seal(self):
        for seed in (108, 137, 223, 601, 1118):
            with self.subTest(seed):
                self.assertEqual(self.counts("--files", 1, "--seed", seed, "--commands", "info")["info"]["refused"], 1)

    def test_tools_refuse_them_too(self):
        self.assert_refused(self.counts("--files", 4, "--commands", "plot", "report"), 4)

    def test_usage(self):
        self.assertEqual(damage("--files", "none").returncode, 2)


if __name__ == "__main__":
    unittest.main()
