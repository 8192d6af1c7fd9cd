"""Evaluation through the program: fresh games with the policies of a run file. Environment: MULTIDISTRAL, MPIEXEC, SOURCE."""
import csv
import io
import os
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["SOURCE"], "tools"))
import seal  # noqa: E402
from program import SOURCE, TWO_ROOMS, InOneFolder, run  # noqa: E402

SCORES = ("return", "finished", "length")
NEW_TASK = """name = swapped
step_limit = 300
map:
#########
#A.###..#
#..###..#
#.......#
#..###..#
#a.###bB#
#########
"""


class Evaluated(InOneFolder):
    def changed(self, name, run_file, change):
        """A changed copy, sealed again."""
        shutil.copy(run_file, self.path(name))
        with h5py.File(self.path(name), "r+") as copy:
            change(copy)
        seal.put(self.path(name))
        return self.path(name)

    def early(self):
        """Policies that are still stochastic and often finish: sampled, greedy and distilled play differ."""
        return self.train("early.h5", *TWO_ROOMS, "--iterations", 3, "--games-m", 100, "--replicas", 12)

    def team(self, learner):
        """The same of those who learn over joint actions."""
        return self.train(f"{learner}.h5", *TWO_ROOMS[2::2], "--learner", learner, "--observe-own-action", "no", "--beta", 0.5,
                          "--iterations", 2, "--games-m", 100, "--replicas", 12)

    def evaluate(self, *arguments, ranks=0):
        done = run("evaluate", *arguments, ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def lines(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.evaluate(*arguments, "--csv"))))

    def returns(self, *arguments):
        """[replica][task and agent]"""
        lines = [line for line in self.lines(*arguments) if line["replica"] != "*"]
        n = max(int(line["replica"]) for line in lines)
        return np.array([float(line["return"]) for line in lines]).reshape(n, -1)


class Ranks(Evaluated):
    def same_bytes(self, *arguments):
        alone = self.evaluate(*arguments)
        self.assertGreater(len(alone), 300)
        for ranks in (1, 2, 3, 5):
            with self.subTest(arguments=arguments, ranks=ranks):
                self.assertEqual(self.evaluate(*arguments, ranks=ranks), alone)

    def test_replicas(self):
        name = self.early()
        self.same_bytes(name, "--games", 30, "--csv")
        self.same_bytes(name, "--games", 30, "--policy", "greedy")

    def test_the_games_of_one_replica(self):
        name = self.train("one.h5", *TWO_ROOMS, "--iterations", 3)
        self.same_bytes(name, "--games", 30, "--csv")

    def test_new_tasks(self):
        new = self.write("new.task", NEW_TASK)
        self.same_bytes(self.early(), new, TWO_ROOMS[1], "--games", 30, "--csv")

    def test_policies_for_a_team(self):
        name = self.train("team.h5", *TWO_ROOMS[:2], "--sharing", "team", "--iterations", 3, "--replicas", 2)
        self.same_bytes(name, "--games", 30, "--policy", "distilled", "--csv")

    def test_teams_as_learners(self):
        for learner in ("team_soft_q", "multiagent_soft_q"):
            self.same_bytes(self.team(learner), "--games", 10, "--policy", "greedy", "--csv")


class Policies(Evaluated):
    def difference(self, *arguments):
        """Evaluated return minus the last iteration's return_m: mean over replicas, and its standard error."""
        with h5py.File(arguments[0]) as run_file:
            curve = run_file["curves/return_m"][:, -1]
        difference = self.returns(*arguments).mean(1) - curve.mean((1, 2))
        return difference.mean(), difference.std(ddof=1) / len(difference) ** 0.5

    def test_task_policies_return_what_they_did_in_training(self):
        q = self.train("q.h5", *TWO_ROOMS, "--learner", "q", "--sharing", "none", "--iterations", 6, "--games-m", 100,
                       "--replicas", 12)
        random = self.train("random.h5", *TWO_ROOMS, "--learner", "random", "--games-m", 100, "--iterations", 2,
                            "--replicas", 12)
        for name in (self.early(), q, random, self.team("team_soft_q"), self.team("multiagent_soft_q")):
            mean, error = self.difference(name, "--games", 100)
            self.assertTrue(0 < error < 1, error)  # the games differ, and there are enough of them to tell
            self.assertLess(abs(mean), 4 * error, name)

    def test_greedy_teams_take_the_joint_action_that_they_learned(self):
        """Their optimum is 92.1; teams that took any other joint action, or another agent's part of it, would not arrive."""
        for learner in ("team_soft_q", "multiagent_soft_q"):
            name = self.train(f"learned_{learner}.h5", *TWO_ROOMS[2::2], "--learner", learner, "--observe-own-action", "no",
                              "--iterations", 40, "--replicas", 4)
            for policy in ("task", "greedy"):
                returns = self.returns(name, "--games", 20, "--policy", policy)
                self.assertGreater(returns.mean(), 85, (learner, policy))
            distilled = self.returns(name, "--games", 20, "--policy", "distilled").mean()
            self.assertTrue(40 < distilled < returns.mean(), (learner, distilled))

    def test_other_policies_return_something_else(self):
        for policy in ("greedy", "distilled"):
            mean, error = self.difference(self.early(), "--games", 100, "--policy", policy)
            self.assertLess(mean, -4 * error, policy)  # so early, drawing gets an agent on that would be stuck

    def played(self, name, policy, ranks):
        """{(replica, task, agent): (return, finished, length)}"""
        text = self.evaluate(name, "--games", 50, "--policy", policy, "--csv", ranks=ranks)
        return {(int(line["replica"]), int(line["task"][-1]), int(line["agent"])): tuple(float(line[s]) for s in SCORES)
                for line in csv.DictReader(io.StringIO(text)) if line["replica"] != "*"}

    def test_the_policies_of_the_file_are_played_each_in_its_place(self):
        """One policy in the file is changed into staying for ever: its units alone play other games."""
        whole = self.train("blind.h5", *TWO_ROOMS[:3], "--observe-others", "no", "--observe-finished", "no",
                           "--iterations", 2, "--replicas", 3)
        for policy, dataset, place, agent, units in (
                ("task", "policy/learned", (1, 2, 0), 1, {(2, 3)}),
                ("task", "policy/learned", (2, 0, 1), 2, {(3, 1)}),
                ("distilled", "policy/distilled", (2, 1), 2, {(3, 1), (3, 2), (3, 3)})):
            part = self.changed("part.h5", whole, lambda file: file[dataset].__setitem__(place, [1, 0, 0, 0, 0]))
            before = self.played(whole, policy, ranks=0)
            for ranks in (0, 4):
                after = self.played(part, policy, ranks)
                self.assertEqual({key[:2] for key in after if after[key] != before[key]}, units)
                for unit in units:
                    self.assertGreater(before[(*unit, agent)][1], 0)
                    self.assertEqual(after[(*unit, agent)][1:], (0, 1000))

    def test_what_nobody_reached_is_played_as_in_training(self):
        name = self.train("idle.h5", *TWO_ROOMS, "--learner", "q", "--sharing", "none", "--learning-rate", 0,
                          "--iterations", 2, "--games-m", 100, "--replicas", 4)
        with h5py.File(name) as run_file:
            self.assertEqual(len(run_file["row"]), 0)
        mean, error = self.difference(name, "--games", 100)
        self.assertLess(abs(mean), max(4 * error, 0.5))  # uniform policies return 15 more

    def test_greedy_games_of_one_agent_are_all_the_same(self):
        name = self.train("alone.h5", f"{SOURCE}/data/four_rooms_alone.task", "--iterations", 2)
        sampled, greedy = ([line for line in self.lines(name, "--games", 20, "--policy", policy)
                            if line["statistic"].startswith("mean")] for policy in ("task", "greedy"))
        self.assertEqual(len({line["length"] for line in greedy}), 1)
        self.assertEqual(len({line["length"] for line in sampled}), 3)

    def test_the_distilled_policy_of_a_run_plays_its_tasks_as_new_ones(self):
        name = self.early()
        old = self.returns(name, "--games", 50, "--policy", "distilled")
        new = self.returns(name, *TWO_ROOMS, "--games", 50)
        np.testing.assert_array_equal(old, new)

    def test_rules_of_a_new_task_are_its_own(self):
        new = self.write("short.task", NEW_TASK.replace("300", "7"))
        lines = self.lines(self.early(), new, "--games", 20)
        self.assertEqual({line["task"] for line in lines}, {"swapped"})
        self.assertLessEqual(max(float(line["length"]) for line in lines), 7)
        self.assertGreater(min(float(line["length"]) for line in lines), 1)

    def test_a_seed_makes_a_difference(self):
        name = self.early()
        first, same, other = (self.returns(name, "--games", 10, *seed) for seed in ([], ["--seed", 1], ["--seed", 2]))
        np.testing.assert_array_equal(first, same)  # the run's own is 1
        self.assertTrue((first != other).any())


class Output(Evaluated):
    def test_summaries_follow_from_the_replicas(self):
        lines = self.lines(self.early(), "--games", 20)
        value = {(line["replica"], line["task"], line["agent"], line["statistic"]): line for line in lines}
        self.assertEqual(len(value), len(lines))
        self.assertEqual(len(lines), 12 * 5 * 2 + 6 * 6 * 3)  # values; statistics of (tasks, all) times (agents, all)
        for score in SCORES:
            each = np.array([[[float(value[str(r), f"two_rooms_{i}", str(j), "value"][score]) for j in (1, 2)]
                              for i in range(1, 6)] for r in range(1, 13)])
            for place, samples in ((("two_rooms_2", "1"), each[:, 1, 0]), (("*", "2"), each[:, :, 1].mean(1)),
                                   (("two_rooms_4", "*"), each[:, 3].mean(1)), (("*", "*"), each.mean((1, 2)))):
                found = {name: float(value["*", *place, name][score])
                         for name in ("mean", "mean_low", "mean_high", "iqm", "iqm_low", "iqm_high")}
                self.assertAlmostEqual(found["mean"], samples.mean(), 9)
                self.assertAlmostEqual(found["iqm"], np.sort(samples)[3:9].mean(), 9)
                for name in ("mean", "iqm"):
                    self.assertLessEqual(found[f"{name}_low"], found[name])
                    self.assertLessEqual(found[name], found[f"{name}_high"])
                drawn = np.random.default_rng(1).choice(samples, (100_000, 12)).mean(1)  # the bootstrap once more
                for name, share in (("low", 0.025), ("high", 0.975)):  # 0.012: 3 errors of a share of 2000 resamples
                    bound = found[f"mean_{name}"]
                    self.assertLess((drawn < bound - 1e-9).mean(), share + 0.012)
                    self.assertGreater((drawn < bound + 1e-9).mean(), share - 0.012)

    def test_text(self):
        text = self.evaluate(self.early(), "--games", 20)
        for said in ("over 12 replicas", "mean return", "interquartile return", "finished, %", "length, steps",
                     "two_rooms_5", "all tasks", "agent 2", "all agents", "20 games per task and replica"):
            self.assertIn(said, text)
        self.assertFalse([line for line in text.splitlines() if line != line.rstrip()])

    def test_one_replica_says_that_intervals_are_over_games(self):
        name = self.train("one.h5", *TWO_ROOMS, "--iterations", 3)
        self.assertIn("over the games of the only replica", self.evaluate(name, "--games", 20))
        self.assertIn("[unknown]", self.evaluate(name, "--games", 1))
        unknown = [line for line in self.lines(name, "--games", 1) if line["statistic"] == "mean_low"]
        self.assertEqual({line["return"] for line in unknown}, {""})


class Errors(Evaluated):
    def refused(self, *arguments, says):
        done = run("evaluate", *arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in says:
            self.assertIn(word, done.stderr)

    def test_options(self):
        name = self.early()
        self.refused(says=["no run file"])
        self.refused(name, "--policy", "best", says=["policy", "greedy"])
        self.refused(name, "--games", 0, says=["games"])
        self.refused(name, "--games", "many", says=["games"])
        self.refused(name, "--seed", -1, says=["seed"])
        self.refused(name, "--polcy", "task", says=["did you mean --policy"])

    def test_run_files(self):
        self.refused(self.path("absent.h5"), says=["absent.h5"])
        self.refused(TWO_ROOMS[0], says=["two_rooms_1.task", "HDF5"])
        with open(self.early(), "rb") as whole:
            self.write("cut.h5", whole.read()[:100_000])
        self.refused(self.path("cut.h5"), says=["cut.h5"])
        with h5py.File(self.path("other.h5"), "w"):
            pass
        self.refused(self.path("other.h5"), says=["other.h5"])
        self.changed("newer.h5", self.early(), lambda file: file.attrs.__setitem__("format_version", 99))
        self.refused(self.path("newer.h5"), says=["newer.h5", "99"])
        self.changed("poor.h5", self.early(), lambda file: file.__delitem__("policy/learned"))
        self.refused(self.path("poor.h5"), says=["poor.h5", "policy/learned", "missing"])

    def test_new_tasks(self):
        name, new = self.early(), self.write("new.task", NEW_TASK)
        for policy in ("task", "greedy"):
            self.refused(name, new, "--policy", policy, says=["swapped", f"--policy {policy}", "expected --policy distilled"])
        hole = self.write("hole.task", NEW_TASK.replace("#..###..#", "#...##..#", 1).replace("swapped", "hole"))
        self.refused(name, new, hole, says=["task hole", "row 2, column 3"])
        wide = self.write("wide.task", "name = wide\nmap:\n##########\n#AaBb....#\n")
        self.refused(name, wide, says=["task wide", "row 1, column 3"])
        high = self.write("high.task", "name = high\nmap:\n###\n###\n###\n###\n###\n###\n###\n#A#\n#a#\n#B#\n#b#\n")
        self.refused(name, high, says=["task high", "row 7, column 1"])
        far = self.write("far.task", "name = far\nmap:\n###########\n#AB#######.\n#ab########\n")
        self.refused(name, far, says=["task far", "row 1, column 10"])
        self.refused(name, f"{SOURCE}/data/crossing_three.task", says=["crossing_three has 3 agents", "two_rooms_1 has 2", "expected the same"])
        self.refused(name, self.path("none.task"), says=["none.task"])
        self.refused(name, self.write("broken.task", "map:\nA..\n"), says=["broken.task:2"])

    def test_a_run_without_distilled_policy(self):
        name = self.train("none.h5", *TWO_ROOMS[:1], "--sharing", "none", "--iterations", 2)
        self.refused(name, "--policy", "distilled", says=["none.h5", "never distilled"])
        self.refused(name, TWO_ROOMS[0], says=["never distilled"])
        self.evaluate(name, "--games", 5)

    def test_one_rank_speaks(self):
        done = run("evaluate", self.early(), self.path("no.task"), ranks=3)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("multidistral evaluate:"), 1, done.stderr)

    def test_help(self):
        text = self.evaluate("--help")
        for option in ("--policy", "--games", "--seed", "--csv"):
            self.assertIn(option, text)


if __name__ == "__main__":
    unittest.main()
