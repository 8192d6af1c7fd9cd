"""Many (replica, task) units on few ranks: the run ends, its file does not grow in objects with the units, and no rank holds more
memory than was stated before the start, nor less than half of it.
Environment: MULTIDISTRAL, MPIEXEC, SOURCE; UNITS: how many units, 10000 for the full size (400; a run of 10,000 writes 3.2 GB)."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py

SHADOW = int(os.environ.get("SHADOW", "1"))  # of a build with sanitizers: how many times what it says a rank takes
UNITS = int(os.environ.get("UNITS", "400"))
SCALES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def peak_bytes(command):
    """The most that one process below the command held: of a child, so that other commands do not count."""
    code = "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:], stdout=2); " \
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)"
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout.split()[-1]) * unit, done.stderr


def stated_bytes(text):
    number, scale = re.search(r"(?:at most|about) ([\d.e+]+) (\w+) (?:in a|per) rank", text).groups()
    return float(number) * SCALES[scale]


class Units(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.place)

    def tasks(self, n):
        folder = f"{self.place}/tasks"
        subprocess.run([os.environ["MULTIDISTRAL"], "tasks", "generate", f"--count={n}",
                        f"{os.environ['SOURCE']}/data/two_rooms_1.task", "-o", folder], check=True, capture_output=True)
        return [f"{folder}/{name}" for name in sorted(os.listdir(folder))]

    def train(self, ranks, tasks, *settings):
        """The most bytes of a rank, and the bytes that were stated."""
        path = f"{self.place}/units.h5"
        took, text = peak_bytes([os.environ["MPIEXEC"], "-n", str(ranks), os.environ["MULTIDISTRAL"], "train",
                                 "--progress=none", "--overwrite", "-o", path, *settings, *tasks])
        with h5py.File(path) as run:
            names = []
            run.visit(names.append)
            self.assertEqual(run["values/q"].shape[1], len(tasks))
        return took, stated_bytes(text), len(names)

    def test_many_units(self):
        side = round(UNITS**0.5)
        tasks = self.tasks(side)
        few = self.train(2, tasks[:2], "--replicas=2", "--iterations=2", "--games-e=2", "--games-m=2")
        many = self.train(2, tasks, f"--replicas={side}", "--iterations=2", "--games-e=2", "--games-m=2")
        self.assertEqual(few[2], many[2], "objects in the file")
        self.assertLessEqual(many[0], SHADOW * many[1])
        self.assertLessEqual(many[1], 2 * many[0])
        print(f"{side * side} units on 2 ranks: {many[0] / 2**20:.0f} MiB, stated {many[1] / 2**20:.0f}", file=sys.stderr)

    def test_memory_of_short_runs_and_of_large_tables(self):
        """Few rows in tables of many: memory comes in pages, and a file's rows are those of all tasks together."""
        tasks = self.tasks(20)
        for settings in (["--replicas=20", "--step-limit=5"], ["--replicas=4", "--step-limit=20", "--observe-other-actions=yes", "--frame=fixed"]):
            took, stated, _ = self.train(2, tasks, "--iterations=1", "--games-e=1", "--games-m=1", *settings)
            self.assertLessEqual(took, SHADOW * stated, settings)


if __name__ == "__main__":
    unittest.main()
