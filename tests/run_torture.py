"""Kills and injected faults through tools/torture in its short form. Environment: MULTIDISTRAL, FAULTS, MPIEXEC, SOURCE."""
import os
import re
import subprocess
import sys
import unittest

from patience import patience

SOURCE = os.environ["SOURCE"]
COLUMNS = ("tries", "struck", "same", "refused", "lost", "hangs", "failed", "skipped")


def torture(*arguments):
    return subprocess.run([sys.executable, f"{SOURCE}/tools/torture", *map(str, arguments)], capture_output=True, text=True, timeout=patience(550))


class Torture(unittest.TestCase):
    def counts(self, *arguments):
        done = torture(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = re.findall(r"^(\w.*?)((?: +\d+){8})$", done.stdout, re.M)
        return {name: dict(zip(COLUMNS, map(int, counts.split()))) for name, counts in lines}

    def test_kills(self):
        counts = self.counts("--kills", 12, "--faults")
        self.assertEqual(sum(count["same"] for count in counts.values()), 12)
        self.assertGreater(sum(count["struck"] for count in counts.values()), 0)

    def test_each_fault(self):
        counts = self.counts("--kills", 0)
        self.assertGreater(len(counts), 15)
        for name, count in counts.items():
            with self.subTest(name):
                self.assertEqual(count["same"] + count["refused"] + count["skipped"], 1)

    def test_a_soak_notices_a_leak(self):
        done = torture("--kills", 0, "--faults", "--soak", 0.25, "--leak", 1 << 20)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertGreater(max(map(float, re.findall(r"grew by (-?[\d.]+) %", done.stdout))), 1, done.stdout)

    def test_usage(self):
        self.assertEqual(torture("--kills", -1).returncode, 2)
        self.assertEqual(torture("--faults", "none").returncode, 2)
        self.assertEqual(torture("--leak", -1).returncode, 2)


if __name__ == "__main__":
    unittest.main()
