"""The study in its shortest form, 2 runs of each kind: every figure and every row of the table comes out.
Environment: MULTIDISTRAL, SOURCE."""
import csv
import os
import subprocess
import tempfile
import unittest

SOURCE = os.environ["SOURCE"]
TOOL = f"{SOURCE}/tools/reproduce"


def quantities(path):
    """Claims, and what is measured; without the iteration that is the best one, which differs."""
    with open(path) as lines:
        return [(row["claim"], row["quantity"].split(", iteration 10 less")[0]) for row in csv.DictReader(lines)]


class Reproduce(unittest.TestCase):
    def test_all_figures_and_rows(self):
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run([TOOL, "--replicas", "2", "--ranks", "2", "-o", place], capture_output=True, text=True, timeout=500)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(quantities(f"{place}/table.csv"), quantities(f"{SOURCE}/data/study.csv"))
            for name in os.listdir(f"{SOURCE}/data/pictures"):
                if name.startswith("study_"):
                    self.assertGreater(os.path.getsize(f"{place}/{name.removeprefix('study_')}"), 10_000)

    def test_refusals(self):
        for options in (["--replicas", "1"], ["--ranks", "0"], ["--replicas", "x"]):
            self.assertEqual(subprocess.run([TOOL, *options], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
