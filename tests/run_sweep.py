"""Sweeps through the program: every combination a run, at any rank count, gone on with after a stop.
Environment: MULTIDISTRAL, MPIEXEC, SOURCE."""
import csv
import os
import signal
import subprocess
import time
import unittest

import h5py
import numpy as np

from h5same import differences
from patience import patience
from program import PROGRAM, SOURCE, InFolder, run

TASKS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in (1, 4)]
GRID = ["--alpha", "0.5,0.9", "--beta", "1,geometric:1:5:3,5"]
NAMES = [f"alpha={a}_beta={b}.h5" for a in ("0.5", "0.9") for b in ("1", "geometric-1-5-3", "5")]


class Sweep(InFolder):
    def outputs(self, folder):
        """Without what a run leaves that took longer than a second, and saved before its end."""
        return sorted(name for name in os.listdir(self.path(folder)) if not name.endswith(".prev"))

    def sweep(self, folder, *options, ranks=0, status=0):
        settings = ["--iterations", 4, "--replicas", 5, *GRID, *options]
        done = run("sweep", *TASKS, *settings, "-o", self.path(folder), ranks=ranks)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def assert_same(self, a, b):
        for name in NAMES:
            self.assertEqual(differences(self.path(a, name), self.path(b, name)), [], name)
        with open(self.path(a, "summary.csv")) as one, open(self.path(b, "summary.csv")) as other:
            self.assertEqual(one.read(), other.read())
        self.assertEqual(differences(self.path(a, "summary.h5"), self.path(b, "summary.h5")), [])

    def test_any_rank_count(self):
        self.sweep("1")
        self.assertEqual(self.outputs("1"), sorted([*NAMES, "summary.csv", "summary.h5"]))
        for ranks in (2, 4, 7):
            self.sweep(str(ranks), ranks=ranks)
            self.assert_same("1", str(ranks))

    def test_each_file_is_the_run_of_its_settings(self):
        self.sweep("all")
        done = run("train", *TASKS, "--iterations", 4, "--replicas", 5, "--alpha", 0.9, "--beta", "geometric:1:5:3", "-o",
                   self.path("one.h5"))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(differences(self.path("one.h5"), self.path("all", NAMES[4])), [])

    def test_the_summary_follows_from_the_files(self):
        self.sweep("all")
        with open(self.path("all", "summary.csv")) as lines, h5py.File(self.path("all", "summary.h5")) as summary:
            rows = list(csv.DictReader(lines))
            self.assertEqual([(row["alpha"], row["beta"]) for row in rows],
                             [(a, b) for a in ("0.5", "0.9") for b in ("1", "geometric:1:5:3", "5")])
            for c, (name, row) in enumerate(zip(NAMES, rows)):
                self.assertEqual(summary["settings/alpha"][c].decode(), row["alpha"])
                with h5py.File(self.path("all", name)) as file:
                    self.assertEqual(file["settings"].attrs["alpha"], float(row["alpha"]))
                    returns = file["curves/return"][...]
                    for measure, values in (("return", returns[:, -1]), ("return_all", returns),
                                            ("return_m", file["curves/return_m"][:, -1]),
                                            ("finished", file["curves/finished"][:, -1])):
                        self.assertAlmostEqual(float(row[measure]), values.mean(), 6)
                        self.assertAlmostEqual(summary[measure][c], values.mean(), 9)
                        replicas = values.reshape(5, -1).mean(1)
                        self.assertLessEqual(float(row[f"{measure}_low"]), replicas.mean() + 1e-6)
                        self.assertGreaterEqual(float(row[f"{measure}_low"]), replicas.min() - 1e-6)
                        self.assertLessEqual(float(row[f"{measure}_high"]), replicas.max() + 1e-6)

    def test_finished_runs_are_skipped_and_begun_ones_go_on(self):
        self.sweep("whole")
        os.mkdir(self.path("part"))
        begun, finished = self.path("part", NAMES[1]), self.path("part", NAMES[3])
        settings = ["--iterations", 4, "--replicas", 5]
        run("train", *TASKS, *settings, "--alpha", 0.5, "--beta", "geometric:1:5:3", "--stop-after", 2, "-o", begun)
        run("train", *TASKS, *settings, "--alpha", 0.9, "--beta", 1, "-o", finished)
        before = os.stat(finished)
        self.sweep("part", ranks=2)
        self.assertEqual(os.stat(finished).st_ino, before.st_ino)
        self.assert_same("whole", "part")
        again = self.sweep("part")
        self.assertEqual(again.stderr, "")

    def test_a_signal_stops_it_and_the_same_command_goes_on(self):
        command = [PROGRAM, "sweep", *TASKS, "--iterations", "60", "--games-e", "400", "--seed", "1,2,3", "-o", self.path("all")]
        sweep = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not (os.path.isdir(self.path("all")) and os.listdir(self.path("all"))):
            time.sleep(0.01)
        sweep.send_signal(signal.SIGTERM)
        self.assertIn("the same command goes on", sweep.communicate(timeout=patience(100))[1])
        self.assertEqual(sweep.returncode, 75)
        self.assertFalse(os.path.exists(self.path("all", "summary.csv")))
        self.assertEqual(subprocess.run(command, capture_output=True, timeout=patience(200)).returncode, 0)
        with h5py.File(self.path("all", "seed=1.h5")) as file:
            self.assertEqual(file.attrs["iterations_done"], 60)
            self.assertTrue(np.isfinite(file["curves/return"][...]).all())

    def test_a_time_limit_stops_it_and_the_same_command_goes_on(self):
        """The limit is over at once: each call trains one more iteration, in each group of ranks."""
        self.sweep("whole")
        for ranks, groups in ((0, 1), (2, 2)):
            folder = f"limited {ranks}"
            for iteration in (1, 2):
                done = self.sweep(folder, "--max-time", "0.000001", ranks=ranks, status=75)
                self.assertIn("stopped, everything saved; the same command goes on", done.stderr)
                self.assertEqual(self.outputs(folder), sorted(NAMES[:groups]))
                for name in NAMES[:groups]:
                    with h5py.File(self.path(folder, name)) as file:
                        self.assertEqual(file.attrs["iterations_done"], iteration)
            self.sweep(folder, "--max-time", "1-0", ranks=ranks)
            self.assert_same("whole", folder)

    def test_shares_in_any_order_make_the_same_sweep(self):
        self.sweep("whole")
        shares = [(3, 4, 2), (1, 4, 0), (4, 4, 1)]
        for share, n, ranks in shares:
            done = self.sweep("shared", "--share", f"{share}/{n}", ranks=ranks)
            self.assertIn(f"share {share}/{n} is done", done.stdout)
            self.assertFalse(os.path.exists(self.path("shared", "summary.csv")))
        self.assertEqual(self.outputs("shared"), sorted(NAMES[c] for c in range(6) if c % 4 != 1))
        self.assertIn("summary.csv", self.sweep("shared", "--share", "2/4").stdout)
        self.assert_same("whole", "shared")
        self.assertEqual(self.outputs("shared"), sorted([*NAMES, "summary.csv", "summary.h5"]))

    def test_shares_side_by_side_write_the_summary(self):
        self.sweep("whole")
        command = [PROGRAM, "sweep", *TASKS, "--iterations", "4", "--replicas", "5", *GRID, "-o", self.path("shared")]
        jobs = [subprocess.Popen([*command, "--share", f"{i}/7"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for i in range(1, 8)]
        told = [job.communicate(timeout=patience(200)) for job in jobs]
        self.assertEqual([job.returncode for job in jobs], [0] * 7, told)
        self.assert_same("whole", "shared")
        self.assertEqual(self.outputs("shared"), sorted([*NAMES, "summary.csv", "summary.h5"]))

    def test_lengthened_runs_are_as_if_trained_in_one_go(self):
        self.sweep("whole")
        self.sweep("longer", "--iterations", 2)
        self.sweep("longer")
        self.assert_same("whole", "longer")

    def test_a_summary_of_other_combinations_stays(self):
        self.sweep("all")
        with open(self.path("all", "summary.csv")) as file:
            before = file.read()
        self.assertNotIn(".prev", self.sweep("all").stdout)
        done = self.sweep("all", "--alpha", "0.5,0.6")
        self.assertIn("the one that was there is", done.stdout)
        with open(self.path("all", "summary.csv.prev")) as file:
            self.assertEqual(file.read(), before)
        self.assertTrue(os.path.exists(self.path("all", "summary.h5.prev")))

    def test_intervals_from_five_replicas_on(self):
        for replicas, known in ((4, False), (5, True)):
            done = self.sweep(f"{replicas}", "--iterations", 1, "--replicas", replicas)
            self.assertEqual("under five replicas" in done.stdout, not known)
            with open(self.path(f"{replicas}", "summary.csv")) as file:
                rows = list(csv.DictReader(file))
            self.assertTrue(all(bool(row["return_low"]) == bool(row["return_m_high"]) == known for row in rows))
            self.assertTrue(all(row["return"] for row in rows))

    def test_what_it_says_first(self):
        done = self.sweep("all", "--iterations", 1, ranks=2)
        self.assertRegex(done.stderr, r"^6 combinations, 6 to train, on 2 ranks in 2 groups; at most [\d.]+ MiB in a rank\n")

    def test_a_summary_that_cannot_be_written_is_said_first(self):
        os.makedirs(self.path("all"))
        for make, says in ((os.mkdir, "is no regular file"), (os.mkfifo, "is no regular file")):
            for name in ("summary.csv", "summary.h5"):
                with self.subTest(name):
                    make(self.path("all", name))
                    done = run("sweep", *TASKS, *GRID, "-o", self.path("all"))
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(f"{name}: {says}", done.stderr)
                    self.assertEqual(os.listdir(self.path("all")), [name])
                    (os.rmdir if make is os.mkdir else os.unlink)(self.path("all", name))
        done = run("sweep", *TASKS, *GRID, "-o", self.path("none", "all"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("the folder that it would be in is missing", done.stderr)

    def test_refusals(self):
        self.sweep("all", "--replicas", 1)
        before = sorted(os.listdir(self.path("all")))
        for options, says in ((["--alpha", "0.5"], "nothing varies"), (["--alpha", "0.5,x"], "option: alpha"),
                              (["--alpha", "0.5,,0.6"], "option: alpha"), (["--alpha", "0.5,0.5"], "given twice"), (["--alpha", "0.5,0.50"], "given twice"),
                              (["--alpha", "0.5,0.9" + "0" * 240], "bytes of a name"),
                              (["--seed", ",".join(map(str, range(400))), "--games-e", ",".join(map(str, range(1, 400)))],
                               "more than 100000 combinations"),
                              (["--learner", "soft_q,team_soft_q", "--rollout", "1,2"], "rollout = 1"),
                              (["--learner", "soft_q,team_soft_q", "--observe-others", "no"], "decides for all agents"),
                              *((["--alpha", "0.5,0.9", "--share", text], "which of how many")
                                for text in ("0/4", "5/4", "2", "1/", "/2", "1/2/3", "a/b", "-1/2")),
                              (["--alpha", "0.5,0.9", "--max-time", "1:x"], "max-time = \"1:x\": expected seconds")):
            with self.subTest(says):
                done = run("sweep", *TASKS, *options, "-o", self.path("none"))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertFalse(os.path.exists(self.path("none")))
        for options, says in ((["--iterations", 4, "--games-e", 7], "games_e = 7: the run that is there has"), (["--iterations", 3], "the run that is there has 4")):
            done = run("sweep", *TASKS, *options, *GRID, "-o", self.path("all"))
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)
        self.assertEqual(sorted(os.listdir(self.path("all"))), before)
        self.assertEqual(run("sweep", *TASKS, *GRID).returncode, 2)


if __name__ == "__main__":
    unittest.main()
