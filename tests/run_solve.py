"""The command solve: what it prints, and that no learner gets more. Environment: MULTIDISTRAL, SOURCE."""
import csv
import io
import os
import unittest

import h5py

from program import SOURCE, TWO_ROOMS, InFolder, run

ALL = [f"{SOURCE}/data/{name}" for name in sorted(os.listdir(f"{SOURCE}/data")) if name.endswith((".task", ".txt"))]


def arriving(steps, gamma=0.99):
    return sum(-0.1 * gamma**t for t in range(steps - 1)) + 100 * gamma ** (steps - 1)


class Solve(InFolder):
    def solve(self, *arguments):
        done = run("solve", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def table(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.solve("--csv", *arguments))))

    def test_the_two_rooms(self):
        first, second, steps = (16, 16, 16, 7, 4), (10, 10, 10, 13, 4), (16, 16, 16, 13, 4)
        for contested in ("none", "random", "last"):
            rows = self.table(*TWO_ROOMS, "--contested", contested)
            for i, row in enumerate(rows):
                with self.subTest(contested=contested, task=row["task"]):
                    self.assertEqual((row["task"], row["agents"], row["method"]), (f"two_rooms_{i + 1}", "2", "exact"))
                    self.assertEqual(int(row["length"]), steps[i])
                    self.assertAlmostEqual(float(row["agent_1"]), arriving(first[i]), 8)
                    self.assertAlmostEqual(float(row["agent_2"]), arriving(second[i]), 8)
                    self.assertAlmostEqual(float(row["sum"]), arriving(first[i]) + arriving(second[i]), 8)

    def test_what_people_read(self):
        said = self.solve(self.write("way.task", "map:\nA.a\n#.#\nb.B\n")).splitlines()
        self.assertEqual(said[0], "way: optimum 197.8000 = agent 1 98.9000 + agent 2 98.9000 in 2 steps; exact, 42 joint states")
        self.assertEqual(said[1:], ["  agent 1: right right", "  agent 2: left left"])

    def test_settings_count(self):
        ini = self.write("x.ini", "gamma = 0.5\nreward_step = -1\ntasks = one.task\n")
        self.write("one.task", "map:\nA..a\n")
        own = self.write("own.task", "reward_goal = 8\nmap:\nA..a\n")
        self.assertEqual(float(self.table(ini)[0]["sum"]), 100 / 4 - 1 - 1 / 2)
        self.assertEqual(float(self.table(ini, own, "--gamma", "1")[0]["sum"]), 8 - 1 - 1)
        self.assertEqual(float(self.table(ini, own, "--step-limit", "2", "--reward-goal", "9")[0]["sum"]), -1.5)

    def test_every_task_of_the_house_is_solved_exactly(self):
        rows = self.table(*ALL)
        self.assertEqual({row["method"] for row in rows}, {"exact"})
        agents = {row["task"]: [row[f"agent_{j}"] != "" for j in (1, 2, 3)] for row in rows}
        self.assertEqual(agents["maze_alone"], [True, False, False])
        self.assertEqual(agents["maze"], [True, True, False])
        self.assertEqual(agents["crossing_three"], [True, True, True])

    def test_a_search_says_so(self):
        options = [TWO_ROOMS[0], "--max-states", 100, "--budget", 2000]
        said = self.solve(*options, "--seed", 7)
        self.assertIn("at least", said)
        self.assertIn("A lower bound found by search, 2000 simulations with seed 7; not solved: 529 joint states", said)
        self.assertEqual(said, self.solve(*options, "--seed", 7))
        row = self.table(*options)[0]
        self.assertEqual(row["method"], "search")
        self.assertLessEqual(float(row["sum"]), arriving(10) + arriving(16) + 1e-8)
        self.assertEqual(self.table(TWO_ROOMS[0], "--max-states", 529)[0]["method"], "exact")

    def test_no_learner_gets_more(self):
        tasks = [*TWO_ROOMS, f"{SOURCE}/data/passing_bay.task", f"{SOURCE}/data/swap_open.task"]
        optimum = [float(row["sum"]) for row in self.table(*tasks)]
        path = self.path("run.h5")
        for learner in ("soft_q", "q", "random"):
            done = run("train", *tasks, "--learner", learner, "--replicas", 2, "-o", path, "--overwrite")
            self.assertEqual(done.returncode, 0, done.stderr)
            with h5py.File(path) as run_file:
                for curve in ("return", "return_m"):
                    most = run_file[f"curves/{curve}"][...].sum(axis=3).max(axis=(0, 1))
                    for task, got, best in zip(tasks, most, optimum):
                        self.assertLessEqual(got, best + 1e-6, (learner, curve, task))
                    if learner == "soft_q":
                        self.assertGreater(most[4], 0.9 * optimum[4])

    def test_errors(self):
        for arguments, piece in (([], "no task is given"), (["none.task"], "none.task"), ([TWO_ROOMS[0], "--gamma", "2"], "gamma"),
                                 ([TWO_ROOMS[0], "--budget", "0"], "budget"), ([TWO_ROOMS[0], "--max-states", "x"], "max-states"),
                                 ([TWO_ROOMS[0], "--bugdet", "9"], "did you mean --budget"),
                                 ([self.write("x.task", "map:\nA?\n")], "x.task:2: ")):
            with self.subTest(piece):
                done = run("solve", *arguments)
                self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (2, "", 1), done.stderr)
                self.assertIn(piece, done.stderr)
        self.assertIn("--max-states", self.solve("--help"))


if __name__ == "__main__":
    unittest.main()
