"""tools/scaling: what it refuses, the table of a tiny measurement and, where SimGrid is, of a tiny projection. No test looks at times.
Environment: MULTIDISTRAL, SOURCE."""
import csv
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from patience import patience

SOURCE = os.environ["SOURCE"]
TOOL = f"{SOURCE}/tools/scaling"
SMALL = ["--rounds", "1", "--games", "2", "--iterations", "3"]
SHARES = ["games_share", "waiting_share", "reduction_share", "file_share", "rest_share"]


class Scaling(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.place)

    def tool(self, *options, status=0):
        done = subprocess.run([TOOL, *options], cwd=self.place, capture_output=True, text=True, timeout=patience(500))
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def refused(self, says, *options):
        done = self.tool(*options, status=2)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        self.assertTrue(done.stderr.startswith("tools/scaling: "), done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(os.listdir(self.place), [])

    def test_refusals(self):
        self.refused("0: expected a whole number", "--ranks", "0,1")
        self.refused("2,1: expected growing numbers", "--ranks", "2,1")
        self.refused("'sideways'", "--mode", "sideways")
        self.refused("0: expected a whole number", "--rounds", "0")
        self.refused("-3: expected a whole number", "--games=-3")
        self.refused("60,50: expected growing numbers", "--games", "60,50")
        self.refused("same: expected copies, drawn or both", "--tasks", "same")
        self.refused("x: expected a whole number", "--iterations", "x")
        self.refused("none/t.csv: the folder is not there", "-o", "none/t.csv")
        self.refused("backwards: expected of packed", "--project", "4", "--variants", "backwards")

    def test_refused_platforms(self):
        if not shutil.which("smpicc"):
            self.skipTest("SimGrid is not installed")
        self.refused("none.xml: No such file", "--project", "4", "--platform", "none.xml")
        self.refused("no XML", "--project", "4", "--platform", f"{SOURCE}/README.md")
        self.refused("has 4096 cores", "--project", "8192")

    def test_a_measurement(self):
        for mode, tasks in ("weak", ["5", "10"]), ("strong", ["10", "10"]):
            shown = self.tool("--ranks", "1,2", "--mode", mode, *SMALL, "-o", "t.csv").stdout
            self.assertIn(f"{mode} scaling, 3 iterations", shown)
            with open(f"{self.place}/t.csv") as lines:
                rows = list(csv.DictReader(lines))
            self.assertEqual(([row["ranks"] for row in rows], [row["tasks"] for row in rows]), (["1", "2"], tasks))
            for row in rows:
                self.assertEqual((row["mode"], row["games"], row["iterations"], row["rounds"]), (mode, "2", "3", "1"))
                self.assertAlmostEqual(sum(float(row[share]) for share in SHARES), 1, delta=0.02)
                self.assertGreater(float(row["steps_per_second"]), 0)
                self.assertGreater(float(row["start_seconds"]), 0)
            self.assertEqual((rows[0]["efficiency"], rows[0]["waiting_share"]), ("1", "0"))
            if mode == "strong":
                self.assertEqual(rows[0]["steps"], rows[1]["steps"])
            os.remove(f"{self.place}/t.csv")
        self.assertEqual(os.listdir(self.place), [])

    def test_json(self):
        rows = json.loads(self.tool("--ranks", "1", *SMALL, "--json").stdout)
        self.assertEqual([(row["ranks"], row["tasks"]) for row in rows], [(1, 5)])
        self.assertEqual(os.listdir(self.place), [])

    def test_a_projection(self):
        if not shutil.which("smpicc"):
            self.skipTest("SimGrid is not installed")
        told = json.loads(self.tool("--project", "4", *SMALL, "--tasks", "drawn", "--json", "-o", "t.csv").stdout)
        self.assertEqual([row["ranks"] for row in told["check"]], [1, 2])
        rows = {row["variant"]: row for row in told["projection"]}
        self.assertEqual(set(rows), {"packed", "equal_games", "dense", "two_level", "overlap", "every:3"})
        for row in rows.values():
            self.assertEqual((row["ranks"], row["nodes"], row["cells_dense"]), (4, 1, 2 * 5290 * 5))
            self.assertTrue(0 < row["cells"] < row["cells_dense"])
            self.assertTrue(0 < row["efficiency"] < 1)
            self.assertTrue(0 < row["games_ms"] < row["iteration_ms"])
        self.assertAlmostEqual(rows["packed"]["games_ms"], rows["dense"]["games_ms"], places=6)
        self.assertLess(rows["packed"]["reduction_ms"], rows["dense"]["reduction_ms"])
        self.assertLess(rows["equal_games"]["waiting_ms"], rows["packed"]["waiting_ms"])
        with open(f"{self.place}/t.csv") as lines:
            self.assertEqual(len(list(csv.DictReader(lines))), 6)
        self.assertEqual(os.listdir(self.place), ["t.csv"])
        rows = json.loads(self.tool("--project", "4", *SMALL, "--games", "2,4", "--variants", "packed", "--json").stdout)["projection"]
        self.assertEqual([(row["tasks"], row["games"]) for row in rows], [("copies", 2), ("copies", 4), ("drawn", 2), ("drawn", 4)])
        for row in rows:
            self.assertGreater(row["waiting_ms"], 0)  # copies too, with draws of their own
        self.assertLess(rows[0]["games_ms"], rows[1]["games_ms"])


if __name__ == "__main__":
    unittest.main()
