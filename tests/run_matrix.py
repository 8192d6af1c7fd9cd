"""Matrix games through the program: how often independent learners find the best pair of actions, jobs/matrix_games.ini.
Environment: MULTIDISTRAL, SOURCE."""
import csv
import io
import os
import unittest

import h5py

from program import SOURCE, InFolder, run

JOB = f"{SOURCE}/jobs/matrix_games.ini"
GAMES = {"climbing": 11, "climbing_partly_stochastic": 11, "penalty": 10}


class Matrix(InFolder):
    def setUp(self):
        super().setUp()
        self.file = self.path("matrix.h5")

    def play(self, *arguments):
        done = run("train", *arguments, "--overwrite", "-o", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def rates(self, *arguments, replicas=200):
        """Share of replicas whose greedy policies play the best pair, by game; of 200 its error is at most 0.035."""
        self.play(JOB, *arguments, "--replicas", replicas)
        done = run("evaluate", self.file, "--policy", "greedy", "--games", 40, "--csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {game: [] for game in GAMES}
        for line in csv.DictReader(io.StringIO(done.stdout)):
            if line["statistic"] == "value" and line["agent"] == "1":
                found[line["task"]].append(float(line["return"]) == GAMES[line["task"]])
        self.assertEqual({len(hits) for hits in found.values()}, {replicas})
        return {game: sum(hits) / replicas for game, hits in found.items()}

    def test_hysteretic_learners_find_the_best_pair(self):
        """As [M07] reports it: where payoffs are certain always, in the partly stochastic game not always."""
        rates = self.rates()
        self.assertGreater(rates["climbing"], 0.97)
        self.assertGreater(rates["penalty"], 0.97)
        self.assertGreater(rates["climbing_partly_stochastic"], 0.70)
        self.assertLess(rates["climbing_partly_stochastic"], 0.92)

    def test_independent_learners_seldom_climb(self):
        """The same with one learning rate overcomes the penalty under Boltzmann exploration, and seldom climbs."""
        rates = self.rates("--learner", "soft_q")
        self.assertGreater(rates["penalty"], 0.90)
        for game in ("climbing", "climbing_partly_stochastic"):
            self.assertGreater(rates[game], 0.05)
            self.assertLess(rates[game], 0.25)

    def test_rates_of_another_implementation(self):
        """github.com/dasimoni/RL, chapter 17, cooperative_matrix_games.py at 9c3f5df: 1000 runs of 5000 plays, learning rates
        0.1 and 0.01; temperature max(0.05, 20 * 0.997^t), or epsilon max(0.01, 0.998^t)."""
        boltzmann = ["--beta", "geometric:0.05:20:199", "--learner", "soft_q"]
        epsilon = ["--epsilon-start", 1, "--epsilon-end", 0.01, "--epsilon-decay", 0.002, "--learner"]
        for settings, theirs in ((boltzmann, (0.130, 0.152, 0.892)), ([*epsilon, "hysteretic"], (0.891, 0.617, 0.941)),
                                 ([*epsilon, "q"], (0, 0, 0))):
            rates = self.rates("--iterations", 500, *settings, replicas=500)
            for game, rate in zip(GAMES, theirs):
                error = (rate * (1 - rate) * (1 / 500 + 1 / 1000)) ** 0.5
                self.assertLessEqual(abs(rates[game] - rate), 4 * error, (settings, game))

    def test_teams_always_find_it(self):
        for learner in ("team_soft_q", "multiagent_soft_q"):
            self.assertEqual(set(self.rates("--learner", learner).values()), {1.0})

    def test_epsilon_greedy_learners_meet_relative_overgeneralization(self):
        """Random play of the other makes the best action look worst on average: (11 - 30 + 0) / 3."""
        self.assertEqual(self.rates("--learner", "q")["climbing"], 0)

    def test_the_file(self):
        self.play(JOB, "--replicas", 2, "--iterations", 4)
        with h5py.File(self.file) as file:
            self.assertEqual([name.decode() for name in file["action"]], ["1", "2", "3"])
            self.assertEqual(file["tasks/optimum"][:].tolist(), [22, 22, 20])
            self.assertIn(b"14|0", file["tasks/text"][1])
            self.assertEqual(file["policy/learned"].shape, (2, 3, 2, 1, 3))
        self.assertEqual(run("train", "--resume", self.file, "--iterations", 6, "-o", self.file + "2").returncode, 0)

    def test_nobody_finishes(self):
        printed = self.play(JOB, "--iterations", 1).stdout
        self.assertRegex(printed, r"penalty +-?[\d.]+ +- +-?[\d.]+ +-\n")
        self.assertNotIn("%", printed)
        self.assertNotIn("finished", run("evaluate", self.file, "--games", 2).stdout)

    def test_one_kind_of_world_in_a_run(self):
        done = run("train", f"{SOURCE}/data/penalty.task", f"{SOURCE}/data/two_rooms_1.task", "-o", self.file)
        self.assertEqual(done.returncode, 2)
        self.assertIn("task penalty is a matrix game and task two_rooms_1 a map", done.stderr)
        self.assertFalse(os.path.exists(self.file))
        self.play(f"{SOURCE}/data/two_rooms_1.task", "--iterations", 1)
        done = run("evaluate", self.file, f"{SOURCE}/data/penalty.task")
        self.assertEqual(done.returncode, 2)
        self.assertIn("matrix game", done.stderr)


if __name__ == "__main__":
    unittest.main()
