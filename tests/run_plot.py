"""tools/plot: pictures come out, lines can be told apart, and wrong input is refused in one line. Environment:
MULTIDISTRAL, SOURCE."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tools"))
import interval  # noqa: E402
import seal  # noqa: E402
from patience import patience  # noqa: E402

PROGRAM, SOURCE = os.environ["MULTIDISTRAL"], os.environ["SOURCE"]
TASKS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in (1, 2)]
MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


def train(name, *options, tasks=TASKS):
    command = [PROGRAM, "train", *tasks, "--games-e", "2", "--iterations", "3", *options, "-o", name]
    subprocess.run(command, check=True, capture_output=True, timeout=patience(100))


class Plot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runs = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.runs.cleanup)
        train(f"{cls.runs.name}/first.h5")
        train(f"{cls.runs.name}/second.h5", "--seed", "2", "--replicas", "3")
        train(f"{cls.runs.name}/one.h5", "--iterations", "1")
        train(f"{cls.runs.name}/no_m.h5", "--games-m", "0")
        train(f"{cls.runs.name}/other.h5", tasks=TASKS[:1])

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)

    def path(self, name):
        return os.path.join(self.place.name, name)

    def run_file(self, name):
        return f"{self.runs.name}/{name}.h5"

    def plot(self, *arguments):
        return subprocess.run([sys.executable, "-B", f"{SOURCE}/tools/plot", *arguments], capture_output=True, text=True,
                              timeout=patience(100), cwd=self.place.name)

    def drawn(self, name, *arguments, warns=()):
        """The picture's content."""
        done = self.plot(*arguments, "-o", self.path(name))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), len(warns), done.stderr)
        for piece in warns:
            self.assertIn(piece, done.stderr)
        with open(done.stdout.strip(), "rb") as picture:
            return picture.read()

    def refused(self, *arguments, says):
        before = sorted(os.listdir(self.place.name))
        done = self.plot(*arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(sorted(os.listdir(self.place.name)), before)

    def test_endings(self):
        for ending, magic in MAGIC.items():
            with self.subTest(ending):
                self.assertTrue(self.drawn(f"x{ending}", self.run_file("first")).startswith(magic))
        self.assertTrue(self.drawn("no_ending", self.run_file("first")).startswith(MAGIC[".png"]))
        self.assertIn("no_ending.png", os.listdir(self.place.name))
        self.assertTrue(self.drawn("upper.PDF", self.run_file("first")).startswith(MAGIC[".pdf"]))

    def test_every_curve(self):
        with h5py.File(self.run_file("second")) as run:
            curves = [name for name, data in run["curves"].items() if data.ndim > 2]
        self.assertGreater(len(curves), 5)
        for curve in curves:
            with self.subTest(curve):
                self.assertIn(f"<!-- {curve}", self.drawn("x.svg", self.run_file("second"), "--curve", curve).decode())

    def test_one_iteration_shows_points(self):
        picture = self.drawn("x.svg", self.run_file("one")).decode()
        for colour in ("#0072b2", "#e69f00"):
            self.assertGreater(len(re.findall(f"<use [^>]*fill: {colour}", picture)), 2)

    def test_runs_and_agents_are_named_once(self):
        picture = self.drawn("x.svg", self.run_file("first"), self.run_file("second")).decode()
        for name in ("first.h5", "second.h5", "agent 1", "agent 2"):
            self.assertEqual(picture.count(f"<!-- {name} -->"), 1, name)
        for colour in ("#0072b2", "#e69f00"):
            lines = re.findall(f'style="(fill: none[^"]*stroke: {colour}[^"]*)"', picture)
            self.assertTrue(any("stroke-dasharray" in line for line in lines), lines)
            self.assertTrue(any("stroke-dasharray" not in line for line in lines), lines)

    def test_no_values(self):
        self.refused(self.run_file("no_m"), "--curve", "return_m", says="no finite value")
        self.drawn("x.png", self.run_file("no_m"), self.run_file("first"), "--curve", "return_m", warns=["no_m.h5"])

    def test_outputs(self):
        first = self.run_file("first")
        with open(first, "rb") as whole:
            before = whole.read()
        for name, says in (("x.h5", ".h5"), ("x.jpeg", ".jpeg"), ("none/x.png", "No such file"), (".", "folder"),
                           ("", "folder")):
            with self.subTest(name):
                self.refused(first, "-o", name, says=says)
        self.refused(first, "-o", first, says=".h5")
        os.symlink(first, self.path("link.png"))
        self.refused(first, "-o", self.path("link.png"), says="run file")
        with open(first, "rb") as whole:
            self.assertEqual(whole.read(), before)

    def test_intervals_are_over_the_replicas_that_have_a_value(self):
        nan = float("nan")
        mean, half = interval.over_replicas(np.array([[1, nan, nan, 5, 1], [2, 4, nan, 5, nan], [3, 8, nan, nan, nan]]))
        np.testing.assert_allclose(mean, [2, 6, nan, 5, 1])
        np.testing.assert_allclose(half, [4.30 / 3**0.5, 12.71 * 8**0.5 / 2**0.5, nan, 0, nan])
        np.testing.assert_allclose(interval.over_replicas(np.arange(101.0))[1], 1.984 * np.arange(101).std(ddof=1) / 101**0.5, rtol=1e-3)
        np.testing.assert_allclose(interval.over_tasks(np.array([[[1, 2, nan], [nan, nan, nan]]])), [[1.5, nan]])

    def test_of_many_tasks_the_first_are_drawn_and_those_named(self):
        many = self.path("many.h5")
        train(many, "--step-limit", "5", "--iterations", "1", tasks=TASKS * 20)
        drawn = self.drawn("many.svg", many, warns=["40 tasks: the mean and the first 23 are drawn"])
        self.assertEqual((b"two_rooms_2-11" in drawn, b"two_rooms_2-12" in drawn, b"mean over tasks" in drawn), (True, False, True))
        drawn = self.drawn("one.svg", many, "--task", "two_rooms_2-12", "--task", "two_rooms_1")
        self.assertEqual((b"two_rooms_2-11" in drawn, b"two_rooms_2-12" in drawn, b"mean over tasks" in drawn), (False, True, False))
        self.refused(many, "--task", "two_rooms_9", says="no task two_rooms_9, expected one of two_rooms_1, ")

    def test_no_permission(self):
        os.mkdir(self.path("closed"), mode=0o500)
        closed = "closed" if os.geteuid() else "/sys/kernel"  # root may write nearly everywhere
        self.refused(self.run_file("first"), "-o", f"{closed}/x.png", says="cannot be written")

    def test_inputs(self):
        first = self.run_file("first")
        with open(first, "rb") as whole, open(self.path("cut.h5"), "wb") as cut:
            cut.write(whole.read()[:50_000])
        with open(first, "rb") as whole, open(self.path("bare.h5"), "wb") as bare:
            bare.write(whole.read()[seal.SEAL:])
        shutil.copy(first, self.path("future.h5"))
        with h5py.File(self.path("future.h5"), "a") as run:
            run.attrs["format_version"] = 7
        seal.put(self.path("future.h5"))
        with h5py.File(self.path("alien.h5"), "w") as alien:
            alien["x"] = 1
        with open(first, "rb") as whole, open(self.path("bit.h5"), "wb") as damaged:
            data = bytearray(whole.read())
            data[len(data) // 2] ^= 1
            damaged.write(data)
        for name, says in (("none.h5", "No such file"), (".", "directory"), (TASKS[0], "no complete run file"),
                           ("cut.h5", "no complete run file"), ("bit.h5", "bytes are not those"), ("future.h5", "format version 7, expected 3"),
                           ("bare.h5", "has lost its seal"), ("alien.h5", "no run file"), (self.run_file("other"), "different tasks")):
            with self.subTest(name):
                self.refused(first, name, says=says)

    def test_usage(self):
        self.refused(says="run.h5")
        self.refused(self.run_file("first"), "--curve", "retrun", says="expected one of")
        self.refused(self.run_file("first"), "--curve", "agent", says="expected one of")
        self.assertTrue(all(len(line) <= 80 for line in self.plot("--help").stdout.splitlines()))


if __name__ == "__main__":
    unittest.main()
