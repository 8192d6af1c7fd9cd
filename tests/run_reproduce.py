"""The study: its statistics against answers worked out by hand, README's numbers against data/study.csv, and its shortest form,
2 runs of each kind, in which every figure and every row of the table comes out.
Environment: MULTIDISTRAL, SOURCE."""
import csv
import importlib.machinery
import importlib.util
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

from patience import patience

SOURCE = os.environ["SOURCE"]
TOOL = f"{SOURCE}/tools/reproduce"
SHORTEST = [TOOL, "--replicas", "2", "--ranks", "2"]


def load_tool():
    sys.path.insert(0, f"{SOURCE}/tools")
    loader = importlib.machinery.SourceFileLoader("reproduce", TOOL)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reproduce", loader))
    loader.exec_module(module)
    return module


reproduce = load_tool()


def rows_of(path):
    with open(path) as lines:
        return list(csv.DictReader(lines))


def quantities(path):
    """Claims, and what is measured; without the iteration that is the best one, which differs."""
    return [(row["claim"], row["quantity"].split(", iteration 10 less")[0]) for row in rows_of(path)
            if "of the agent that dominates" not in row["quantity"]]  # there only where agents dominate often enough


# ---- README against the table ----

NUMBER = r"-?\d+(?:\.\d+)?"
ESTIMATE = re.compile(rf"(?P<value>{NUMBER})(?: (?P<percent>%))?\s+\[(?P<low>{NUMBER}), (?P<high>{NUMBER})\](?: (?P<after>%))?")


def section():
    with open(f"{SOURCE}/README.md") as file:
        return re.search(r"^## What we found\n(.*?)^## ", file.read(), re.M | re.S)[1]


def estimates(text):
    """(value, low, high) as texts, and what one unit of them is."""
    return [((found["value"], found["low"], found["high"]), 0.01 if found["percent"] or found["after"] else 1)
            for found in ESTIMATE.finditer(text)]


def rounds_to(x, text, unit):
    decimals = len(text.partition(".")[2])
    return abs(x / unit - float(text)) <= 0.5 * 10**-decimals + 1e-9


def says(texts, unit, row, sign):
    """Whether README's number is what the row says, with the sign turned for sign "-": of a difference of -7.4 README says "loses
    7.4". Fractions are per cent there, and nothing else is."""
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    expected = (-value, -high, -low) if sign == "-" else (value, low, high)
    return ("fraction" in row["quantity"]) == (unit == 0.01) and all(rounds_to(x, text, unit) for x, text in zip(expected, texts))


class Readme(unittest.TestCase):
    def test_every_number_is_what_its_row_says(self):
        """readme_study.csv names, for each number of the section in its order, the row of data/study.csv and the sign."""
        table = {(row["claim"], row["quantity"]): row for row in rows_of(f"{SOURCE}/data/study.csv")}
        rows, found = rows_of(f"{SOURCE}/tests/readme_study.csv"), estimates(section())
        self.assertGreater(len(found), 50)
        self.assertEqual(len(found), len(rows))
        for (texts, unit), meant in zip(found, rows):
            with self.subTest(meant["quantity"]):
                row = table[meant["claim"], meant["quantity"]]
                self.assertTrue(says(texts, unit, row, meant["sign"]), "README: {} [{}, {}]; table: {value} [{low}, {high}]".format(*texts, **row))

    def test_every_bracket_belongs_to_a_number(self):
        text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", section())  # links
        self.assertEqual(len(re.findall(rf"\[\s*{NUMBER}\s*,", text)), len(estimates(text)))

    def test_rows_are_sound(self):
        for row in rows_of(f"{SOURCE}/data/study.csv"):
            value, low, high = (float(row[name]) for name in ("value", "low", "high"))
            if row["over"] in ("figure", "exact"):
                self.assertTrue(math.isnan(low) and math.isnan(high), row)
            else:
                self.assertTrue(low <= value <= high, row)


# ---- Statistics ----

class Statistics(unittest.TestCase):
    def test_mean(self):
        """Of 20 zeros and 20 ones resampled 40 at a time: a binomial of 40 and 1/2, whose 2.5 % quantile is 14 of 40
        (P(X <= 13) = 0.019, P(X <= 14) = 0.040) and whose 97.5 % quantile is 26."""
        value, low, high = reproduce.mean([0, 1] * 20)
        self.assertEqual((value, low, high), (0.5, 0.35, 0.65))

    def test_mean_of_few_has_no_interval(self):
        value, low, high = reproduce.mean([1, 2, 6, 7])
        self.assertEqual(value, 4)
        self.assertTrue(math.isnan(low) and math.isnan(high))
        self.assertEqual(reproduce.mean([3] * 5), (3, 3, 3))

    def test_difference_is_paired(self):
        """Runs that differ much from each other, but by 2 from their partners: nothing is left to doubt."""
        x = np.array([0, 100, -50, 30, 7, 1000])
        self.assertEqual(reproduce.difference(x + 2, x), (2, 2, 2))
        value, low, high = reproduce.difference([5, 6, 7, 8, 9, 10], [4, 4, 4, 4, 4, 4])
        self.assertAlmostEqual(value, 3.5)
        self.assertTrue(1 <= low < 3.5 < high <= 6)
        with self.assertRaises(ValueError):
            reproduce.difference([1, 2, 3], [1, 2])

    def test_value_at(self):
        values = np.array([[10, 20, 30], [40, 50, 60]])
        self.assertEqual(reproduce.value_at([20, 40, 60], values, 40).tolist(), [20, 50])
        for games in (30, 80):
            with self.assertRaises(ValueError):
                reproduce.value_at([20, 40, 60], values, games)

    def test_means_over_axes(self):
        values = np.arange(24.0).reshape(2, 3, 2, 2)  # run, iteration, task, agent
        self.assertEqual(reproduce.team(values).tolist(), [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]])
        self.assertEqual(reproduce.gap(values).tolist(), [-1, -1])
        self.assertEqual(reproduce.decline(-values).tolist(), [-8, -8])
        self.assertEqual(reproduce.decline(values).tolist(), [0, 0])

    def test_who_is_ahead(self):
        first, values = np.array([[0.9, 0.1], [0.0, 1.0]]), np.array([[5, 2], [5, 2]])
        self.assertEqual(reproduce.ahead(first, values).tolist(), [3, -3])
        self.assertEqual([reproduce.by_chance(games) for games in (1, 2, 3)], [1, 0.75, 0.75])

    def test_fit_separates_what_goes_together(self):
        """0.9 - 0.03 per step - 0.2 where two cross, exactly, although tasks with two crossers are longer."""
        steps, kinds = np.array([6, 8, 10, 12, 9, 12, 14, 17, 10, 13, 15, 18]), np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3])
        exact = 0.9 - 0.03 * steps - 0.2 * (kinds >= 2)
        value, low, high = reproduce.resampled(
            lambda tasks, y: np.linalg.lstsq(np.column_stack([np.ones(len(tasks)), reproduce.effects(steps, kinds)[tasks]]),
                                             y[tasks], rcond=None)[0], np.tile(exact, (5, 1)))
        np.testing.assert_allclose(value, [0.9, -0.03, 0, -0.2, 0], atol=1e-12)
        coefficients, low, high = reproduce.fit(reproduce.effects(steps, kinds), np.tile(exact, (5, 1)), kinds)
        np.testing.assert_allclose(coefficients, [-0.03, 0, -0.2, 0], atol=1e-12)
        self.assertTrue(all(low - 1e-9 <= coefficients) and all(coefficients <= high + 1e-9))
        self.assertTrue(np.isnan(reproduce.fit(reproduce.effects(steps, kinds), np.tile(exact, (4, 1)), kinds)[1]).all())

    def test_kinds_of_tasks(self):
        """Starts and goals of tasks 1, 3 and 5, and of one in which only the first agent crosses."""
        for starts, goals, kind in (([(1, 1), (1, 7)], [(5, 7), (5, 1)], 3), ([(1, 1), (5, 1)], [(5, 7), (1, 7)], 2),
                                    ([(1, 7), (1, 1)], [(5, 7), (5, 1)], 0), ([(1, 1), (1, 7)], [(5, 7), (5, 7)], 1)):
            self.assertEqual(reproduce.kind_of(np.array(starts), np.array(goals)), kind)


# ---- Runs that are there ----

class Reuse(unittest.TestCase):
    def test_settings_asked_for(self):
        defaults = {"alpha": 0.9, "beta": 5, "games_e": 15, "seed": 1}
        settings, tasks = reproduce.asked(["jobs/published_v1.ini", "--beta", "2"], defaults)
        self.assertEqual({name: float(settings[name]) for name in defaults}, {"alpha": 0.7, "beta": 2, "games_e": 75, "seed": 1})
        self.assertEqual([os.path.normpath(task) for task in tasks], [f"{SOURCE}/data/two_rooms_{i}.task" for i in range(1, 6)])
        _, tasks = reproduce.asked(["jobs/published_v1.ini", "data/maze.task"], defaults)
        self.assertEqual(tasks, [f"{SOURCE}/data/maze.task"])

    def test_only_the_same_run_stays(self):
        with tempfile.TemporaryDirectory() as place:
            path = f"{place}/run.h5"
            arguments = ["data/two_rooms_5.task", "--iterations", "2", "--games-e", "2", "--beta", "geometric:2:20:2"]
            subprocess.run([os.environ["MULTIDISTRAL"], "train", *arguments, "-o", path], cwd=SOURCE, check=True,
                           capture_output=True)
            with h5py.File(path) as file:
                commit = file["provenance"].attrs["commit"]
                defaults = {name: value for name, value in file["settings"].attrs.items() if name != "ini"}
            is_run = lambda more=(), commit=commit: reproduce.is_run(path, commit, *reproduce.asked([*arguments, *more], defaults))
            self.assertTrue(is_run())
            self.assertTrue(is_run(["--alpha", "0.90"]))
            for other in (["--alpha", "0.8"], ["--beta", "5"], ["--iterations", "3"], ["--replicas", "2"],
                          ["data/two_rooms_1.task"]):
                self.assertFalse(is_run(other), other)
            self.assertFalse(is_run(commit="0123456789ab"))
            with open(path, "r+b") as file:
                file.seek(-100, os.SEEK_END)
                file.write(b"damaged")
            self.assertFalse(is_run())
            self.assertFalse(reproduce.is_run(f"{place}/none.h5", commit, defaults, []))

    def test_maps_are_compared(self):
        with open(f"{SOURCE}/data/two_rooms_2.task") as file:
            text = file.read()
        plain = re.sub("^;.*\n", "", text)
        self.assertEqual(reproduce.task_in(text), reproduce.task_in("name = any\n" + plain))
        self.assertNotEqual(reproduce.task_in(text), reproduce.task_in(plain.replace("#...", "#..#", 1)))
        self.assertNotEqual(reproduce.task_in(text), reproduce.task_in("step_limit = 5\n" + plain))


# ---- The tool ----

def files_in(place):
    return [os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names]


class Tool(unittest.TestCase):
    def test_all_figures_and_rows(self):
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run([*SHORTEST, "-o", place], capture_output=True, text=True, timeout=patience(500))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(quantities(f"{place}/table.csv"), quantities(f"{SOURCE}/data/study.csv"))
            for row in rows_of(f"{place}/table.csv"):
                self.assertEqual(math.isnan(float(row["low"])), row["over"] != "tasks", row)
            for name in os.listdir(f"{SOURCE}/data/pictures"):
                if name.startswith("study_"):
                    self.assertGreater(os.path.getsize(f"{place}/{name.removeprefix('study_')}"), 10_000)
            self.assertEqual([path for path in files_in(place) if path.endswith((".part", ".lock"))], [])
            self.refused(["--replicas", "3", "-o", place], "has runs of 2 replicas, not 3")

    def test_update_replaces_what_readme_shows(self):
        with tempfile.TemporaryDirectory() as place:
            study = reproduce.Study(f"{place}/out", 1, 40)
            names = [name for name in os.listdir(f"{SOURCE}/data/pictures") if name.startswith("study_")]
            os.makedirs(f"{place}/data/pictures")
            os.mkdir(study.out)
            for name in ["table.csv", *(name.removeprefix("study_") for name in names)]:
                with open(study.path(name), "w") as out:
                    out.write(f"new {name}")
            study.update(place)
            self.assertEqual(sorted(os.listdir(f"{place}/data/pictures")), sorted(names))
            for path, was in (("study.csv", "table.csv"), ("pictures/study_causes.png", "causes.png")):
                with open(f"{place}/data/{path}") as file:
                    self.assertEqual(file.read(), f"new {was}")

    def refused(self, options, words, status=2, **environment):
        done = subprocess.run([TOOL, *options], capture_output=True, text=True, timeout=patience(60), env=os.environ | environment)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("tools/reproduce: "), done.stderr)
        self.assertIn(words, done.stderr)

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as place:
            file, pipe, new = f"{place}/file", f"{place}/pipe", f"{place}/new"
            with open(file, "w") as out:
                out.write("mine")
            os.mkfifo(pipe)
            for options, words in ((["--replicas", "1"], "--replicas"), (["--ranks", "0"], "--ranks"),
                                   (["--replicas", "x"], "whole number"), (["--replicas", "1_0"], "whole number"),
                                   (["--bogus"], "--bogus"), (["-o", ""], "folder"), (["-o", file], "no folder"),
                                   (["-o", pipe], "no folder"), (["-o", f"{file}/sub"], "Not a directory"),
                                   (["-o", "/proc/none"], "cannot be made"),
                                   (["--update", "--replicas", "5"], "--update")):
                self.refused(options, words)
            self.refused(["-o", new], "is not there", MULTIDISTRAL=f"{place}/none")
            self.refused(["-o", new], "no multidistral", MULTIDISTRAL="/bin/true")
            with open(file) as left:
                self.assertEqual(left.read(), "mine")
            self.assertEqual(sorted(os.listdir(place)), ["file", "pipe"])

    def test_stopped(self):
        with tempfile.TemporaryDirectory() as place:
            for number in (signal.SIGINT, signal.SIGTERM):
                with subprocess.Popen([*SHORTEST, "-o", place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
                    while "training 2 of" not in started.stdout.readline():
                        self.assertIsNone(started.poll())
                    started.send_signal(number)
                    errors = started.communicate(timeout=patience(60))[1]
                self.assertEqual((started.returncode, errors.count("\n")), (2, 1), errors)
                self.assertIn("stopped", errors)
                self.assertEqual([path for path in files_in(f"{place}/runs") if not path.endswith(".h5")], [])


if __name__ == "__main__":
    unittest.main()
