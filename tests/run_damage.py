"""Damaged run files, through tools/damage in its short form. Environment: MULTIDISTRAL, SOURCE."""
import os
import re
import subprocess
import sys
import unittest

SOURCE = os.environ["SOURCE"]
COLUMNS = ("same", "refused", "wrong", "rude", "crash", "hang", "huge")


def damage(*arguments):
    return subprocess.run([sys.executable, f"{SOURCE}/tools/damage", *map(str, arguments)], capture_output=True, text=True, timeout=500)


class Damage(unittest.TestCase):
    def counts(self, *arguments):
        done = damage("--seconds", 100, *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = re.findall(r"^(\w+)((?: +\d+){7})$", done.stdout, re.M)
        return {name: dict(zip(COLUMNS, map(int, counts.split()))) for name, counts in lines}

    def test_sealed_files_are_refused_by_every_command(self):
        for name, count in self.counts("--files", 8).items():
            with self.subTest(name):
                self.assertEqual(count["refused"] + count["same"], 8)
                self.assertGreaterEqual(count["refused"], 7)  # a byte may be set to what it was

    def test_what_hung_or_crashed_before_there_were_seals(self):
        for seed in (108, 137, 223, 601, 1118):
            self.assertEqual(self.counts("--files", 1, "--seed", seed, "--commands", "info", "json")["info"]["refused"], 1)

    def test_usage(self):
        self.assertEqual(damage("--files", "none").returncode, 2)


if __name__ == "__main__":
    unittest.main()
