"""The loops of tools/bench, each for a moment: they run, and print what they measured. Environment: BENCH_LOOPS, MPIEXEC,
SOURCE."""
import json
import os
import re
import subprocess
import tempfile
import unittest

from patience import patience

LOOPS, MPIEXEC, SOURCE = (os.environ[name] for name in ("BENCH_LOOPS", "MPIEXEC", "SOURCE"))
TASKS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in (1, 2)]


class Bench(unittest.TestCase):
    def test_every_loop_is_measured(self):
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run([MPIEXEC, "-n", "2", LOOPS, "0.001", f"{place}/bench.h5", *TASKS], capture_output=True, text=True,
                                  timeout=patience(200))
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = {figure["name"]: figure for figure in json.loads(done.stdout)}
        with open(f"{SOURCE}/include/multidistral/learn/learners.def") as rows:
            learners = re.findall(r"^LEARNER\((\w+)", rows.read(), re.M)
        for name in ["world", "whole iterations", *(f"{learner}, {phase}-step" for learner in learners for phase in "EM")]:
            self.assertGreater(figures[name]["value"], 0, name)
            self.assertGreater(figures[name]["reference_value"], 0, name)

    def test_its_run_file_is_none_of_the_tasks(self):
        self.assertEqual(subprocess.run([LOOPS, "0.001", *TASKS], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
