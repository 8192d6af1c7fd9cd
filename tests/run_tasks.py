"""The commands that make task files. Environment: MULTIDISTRAL, SOURCE."""
import collections
import os
import resource
import signal
import unittest

from program import SOURCE, InFolder, run

ROOMS, TWO_ROOMS = f"{SOURCE}/data/rooms_32.scen", f"{SOURCE}/data/two_rooms_1.task"
TINY_MAP = "type octile\nheight 2\nwidth 3\nmap\n...\n.@.\n"


def tiny_scen(*places, name="tiny.map"):
    return "version 1\n" + "".join("\t".join(["0", name, "3", "2", *place.split(), "1"]) + "\n" for place in places)


def read(path):
    with open(path) as file:
        return file.read()


def read_task(text):
    """Settings, rows of walls, and places of letters, {letter: (row, column)}."""
    head, rows = text.split("map:\n")
    settings = dict(line.split(" = ") for line in head.splitlines())
    rows = rows.splitlines()
    places = {c: (i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c.isalpha()}
    places.update({key[-1]: tuple(map(int, value.split())) for key, value in settings.items() if key.startswith("goal_")})
    return settings, [[c == "#" for c in row] for row in rows], places


def steps(walls, start, goal):
    distance, todo = {start: 0}, collections.deque([start])
    while todo:
        here = row, column = todo.popleft()
        for i, j in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = 0 <= i < len(walls) and 0 <= j < len(walls[0])
            if inside and not walls[i][j] and (i, j) not in distance:
                distance[i, j] = distance[here] + 1
                todo.append((i, j))
    return distance[goal]


class MakesTasks(InFolder):
    def write_tiny(self, *places, name="tiny.scen"):
        self.write("tiny.map", TINY_MAP)
        return self.write(name, tiny_scen(*places))

    def tasks(self, folder):
        """Texts by file name."""
        return {name: read(os.path.join(self.path(folder), name)) for name in sorted(os.listdir(self.path(folder)))}

    def made(self, way, *arguments, folder="out"):
        done = run("tasks", way, *arguments, "-o", self.path(folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)
        self.said = done.stderr
        return self.tasks(folder)

    def everything(self):
        """All that is in the place, with its content."""
        return {os.path.join(at, name): None if name in folders else read(os.path.join(at, name))
                for at, folders, files in os.walk(self.place) for name in folders + files}

    def refused(self, *arguments, says=(), **how):
        before = self.everything()
        done = run("tasks", *arguments, **how)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        for piece in says:
            self.assertIn(piece, done.stderr.splitlines()[-1])
        self.assertEqual(self.everything(), before)
        return done.stderr


class Import(MakesTasks):
    def test_tasks_are_what_the_benchmark_says(self):
        scenarios = [line.split("\t") for line in read(ROOMS).splitlines()[1:]]
        walls = [[c == "@" for c in row] for row in read(f"{SOURCE}/data/rooms_32.map").splitlines()[4:]]
        self.assertGreaterEqual(len(scenarios), 20)
        for agents in (1, 2, 5):
            made = self.made("import", ROOMS, "--agents", agents, "--count", 4, folder=f"of_{agents}")
            self.assertEqual(set(made), {f"rooms_32_{1 + i * agents}.task" for i in range(4)})
            for i in range(4):
                name = f"rooms_32_{1 + i * agents}"
                settings, own_walls, places = read_task(made[f"{name}.task"])
                self.assertEqual(settings["name"], name)
                self.assertEqual(own_walls, walls)
                self.assertEqual(len(places), 2 * agents)
                for j in range(agents):
                    x, y, goal_x, goal_y = map(int, scenarios[i * agents + j][4:8])
                    self.assertEqual(places["ABCDE"[j]], (y, x))
                    self.assertEqual(places["abcde"[j]], (goal_y, goal_x))
                    length = float(scenarios[i * agents + j][8])
                    self.assertTrue(length <= steps(walls, (y, x), (goal_y, goal_x)) <= 2 ** 0.5 * length + 1e-6)

    def test_one_task_of_two_agents_is_the_default(self):
        self.assertEqual(list(self.made("import", ROOMS)), ["rooms_32_1.task"])
        self.assertEqual(set(read_task(self.tasks("out")["rooms_32_1.task"])[2]), set("ABab"))

    def test_first_says_where_to_begin(self):
        five = self.made("import", ROOMS, "--count", 5)
        self.assertEqual(self.made("import", ROOMS, "--first", 7, "--count", 2, folder="late"),
                         {name: five[name] for name in ("rooms_32_7.task", "rooms_32_9.task")})

    def test_what_does_not_go_together_is_skipped_and_said(self):
        scen = self.write_tiny("0 1 0 1", "0 0 2 0", "0 0 1 0", "1 1 0 0", "1 0 2 0", "2 1 0 1", "0 0 2 0", "2 0 0 0")
        made = self.made("import", scen, "--count", 2)
        self.assertEqual(set(made), {"tiny_2.task", "tiny_7.task"})
        self.assertEqual(read_task(made["tiny_2.task"])[2], {"A": (0, 0), "a": (0, 2), "B": (1, 2), "b": (1, 0)})
        said = self.said.splitlines()
        self.assertEqual(len(said), 4)
        for line, number, reason in zip(said, (2, 4, 5, 6), ("on its goal", "starts there", "in a wall", "same goal")):
            self.assertIn(f"skipped {scen}:{number}: ", line)
            self.assertIn(reason, line)

    def test_a_goal_on_a_start_survives(self):
        made = self.made("import", self.write_tiny("0 0 2 0", "2 0 0 0"))
        self.assertEqual(read_task(made["tiny_1.task"])[2], {"A": (0, 0), "a": (0, 2), "B": (0, 2), "b": (0, 0)})
        done = run("train", self.path("out/tiny_1.task"), "--iterations", 1, "-o", self.path("x.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_line_ends_do_not_matter(self):
        expected = self.made("import", self.write_tiny("0 0 2 0", "2 0 0 0"))
        self.write("tiny.map", TINY_MAP.replace("\n", "\r\n").rstrip())
        self.write("tiny.scen", tiny_scen("0 0 2 0", "2 0 0 0").replace("\n", "\r\n").rstrip())
        self.assertEqual(self.made("import", self.path("tiny.scen"), folder="crlf"), expected)

    def test_names_of_benchmark_files(self):
        for name, task in (("tiny.map.scen", "tiny_1"), ("tiny-even-1.scen", "tiny-even-1_1"), ("other", "other_1")):
            self.assertEqual(list(self.made("import", self.write_tiny("0 0 2 0", "2 0 0 0", name=name), folder=task)),
                             [f"{task}.task"])

    def test_trains(self):
        self.made("import", ROOMS, "--count", 3)
        tasks = [os.path.join(self.path("out"), name) for name in self.tasks("out")]
        done = run("train", *tasks, "--iterations", 2, "-o", self.path("x.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rooms_32_5", done.stdout)


class Generate(MakesTasks):
    def test_tasks_are_as_asked_for(self):
        walls = read_task(self.made("generate", TWO_ROOMS, folder="one")["two_rooms_1-g001.task"])[1]
        for agents, least in ((1, 1), (2, 7), (3, 4)):
            made = self.made("generate", TWO_ROOMS, "--count", 30, "--agents", agents, "--min-steps", least,
                             folder=f"of_{agents}")
            self.assertEqual(list(made), [f"two_rooms_1-g{i:03}.task" for i in range(1, 31)])
            tasks = [read_task(text) for text in made.values()]
            self.assertEqual(len({tuple(sorted(places.items())) for _, _, places in tasks}), 30)
            for settings, own_walls, places in tasks:
                self.assertEqual(own_walls, walls)
                self.assertEqual(set(places), set("ABC"[:agents] + "abc"[:agents]))
                self.assertEqual(len({places[c] for c in "ABC"[:agents]}), agents)
                self.assertEqual(len({places[c] for c in "abc"[:agents]}), agents)
                for start, goal in zip("ABC"[:agents], "abc"):
                    self.assertGreaterEqual(steps(walls, places[start], places[goal]), least)

    def test_the_seed_says_which(self):
        ten = self.made("generate", TWO_ROOMS, "--seed", 4, "--count", 10)
        same = self.made("generate", TWO_ROOMS, "--seed", 4, "--count", 5, folder="same")
        self.assertEqual(same, {name: ten[name] for name in same})
        self.assertNotEqual(self.made("generate", TWO_ROOMS, "--seed", 5, "--count", 10, folder="other"), ten)

    def test_rules_and_agents_are_the_maps(self):
        task = self.write("own.task", "name = mine\nstep_limit = 33\nmap:\nA.ab\nB.cC\n")
        settings, _, places = read_task(self.made("generate", task)["mine-g001.task"])
        self.assertEqual(settings["step_limit"], "33")
        self.assertEqual(set(places), set("ABCabc"))

    def test_the_digit_format_and_made_tasks_are_maps_too(self):
        self.made("generate", f"{SOURCE}/data/two_rooms_4.txt", "--count", 2)
        self.made("generate", self.path("out/two_rooms_4-g002.task"), "--agents", 4, folder="again")
        self.assertEqual(list(self.tasks("again")), ["two_rooms_4-g002-g001.task"])

    def test_trains(self):
        self.made("generate", TWO_ROOMS, "--count", 3)
        tasks = [os.path.join(self.path("out"), name) for name in self.tasks("out")]
        done = run("train", *tasks, "--iterations", 2, "-o", self.path("x.h5"))
        self.assertEqual(done.returncode, 0, done.stderr)


class Files(MakesTasks):
    def test_all_or_none(self):
        os.mkdir(self.path("out"))
        self.write("out/two_rooms_1-g003.task", "mine")
        generate = ["generate", TWO_ROOMS, "--count", 5, "-o", self.path("out")]
        self.refused(*generate, says=["two_rooms_1-g003.task: is there already", "--overwrite"])
        self.write("out/other.txt", "mine too")
        self.assertEqual(run("tasks", *generate, "--overwrite").returncode, 0)
        made = self.tasks("out")
        self.assertEqual(len(made), 6)
        self.assertEqual(made["other.txt"], "mine too")
        self.assertTrue(made["two_rooms_1-g003.task"].startswith("name = two_rooms_1-g003\n"))

    def test_import_keeps_what_is_there_too(self):
        scen = self.write_tiny("0 0 2 0", "2 0 0 0")
        self.made("import", scen)
        self.refused("import", scen, "-o", self.path("out"), says=["tiny_1.task: is there already"])
        self.assertEqual(run("tasks", "import", scen, "-o", self.path("out"), "--overwrite").returncode, 0)

    def test_a_full_disk_leaves_nothing_behind(self):
        def allow_few_bytes():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))

        for folder in ("new", "old"):
            if folder == "old":
                os.mkdir(self.path(folder))
            self.refused("generate", TWO_ROOMS, "--count", 3, "-o", self.path(folder), preexec_fn=allow_few_bytes,
                         restore_signals=False, says=["two_rooms_1-g001.task: cannot be written"])

    def test_no_place_for_task_files(self):
        file = self.write("file", "")
        for folder, reason in ((file, "is no folder"), (self.path("none/out"), "cannot be made"), ("", "no name")):
            self.refused("generate", TWO_ROOMS, "-o", folder, says=[reason])
        os.makedirs(self.path("out/two_rooms_1-g001.task"))
        self.refused("generate", TWO_ROOMS, "--overwrite", "-o", self.path("out"), says=["is no regular file"])


BROKEN = {  # map, scenarios, the line that is named, and what is said of it
    "truncated map": (TINY_MAP[:-5], tiny_scen("0 0 2 0"), "tiny.map:5: the file ends here"),
    "short row": (TINY_MAP.replace("...", ".."), tiny_scen("0 0 2 0"), "tiny.map:5: this row of the map has 2 cells"),
    "huge": (TINY_MAP.replace("height 2", "height 2000000000"), tiny_scen("0 0 2 0"), "tiny.map:2: height"),
    "no number": (TINY_MAP, tiny_scen("0 zero 2 0"), "tiny.scen:2: start y \"zero\""),
    "outside": (TINY_MAP, tiny_scen("0 0 2 0", "0 0 3 0"), "tiny.scen:3: goal x \"3\""),
    "another size": (TINY_MAP.replace("width 3", "width 4").replace(".\n", "..\n"), tiny_scen("0 0 2 0"),
                     "tiny.scen:2: the map is 3 wide and 2 high here, but 4 and 2 in "),
    "no map": (TINY_MAP, tiny_scen("0 0 2 0", name="none.map"), "tiny.scen:2: there is no map \"none.map\""),
    "a NUL": (TINY_MAP + "\0", tiny_scen("0 0 2 0"), "tiny.map: is no text file"),
    "nothing": (TINY_MAP, "", "tiny.scen:1: the file ends here"),
}


class Errors(MakesTasks):
    def one_line(self, *arguments, says=()):
        said = self.refused(*arguments, says=says)
        self.assertEqual(len(said.splitlines()), 1, said)

    def test_broken_benchmarks(self):
        for name, (map_text, scenarios, says) in BROKEN.items():
            with self.subTest(name):
                self.write("tiny.map", map_text)
                scen = self.write("tiny.scen", scenarios)
                self.one_line("import", scen, "--agents", 1, "-o", self.path("out"), says=[f"{self.place}/{says}"])

    def test_import(self):
        out = ["-o", self.path("out")]
        self.one_line("import", *out, says=["expected one SCEN"])
        self.one_line("import", ROOMS, ROOMS, *out, says=["expected one SCEN"])
        self.one_line("import", ROOMS, says=["-o FOLDER"])
        self.one_line("import", self.path("none.scen"), *out, says=["none.scen"])
        self.one_line("import", ROOMS.replace(".scen", ".map"), *out, says=["rooms_32.map:1: this is a map"])
        self.one_line("import", TWO_ROOMS, *out, says=["two_rooms_1.task:1: "])
        self.one_line("import", ROOMS, "--count", 21, *out, says=["make 20 such tasks", "expected 21"])
        self.one_line("import", ROOMS, "--first", 41, *out, says=["make 0 such tasks from number 41 on, expected 1"])
        self.one_line("import", self.write_tiny("0 0 2 0", name="a b.scen"), "--agents", 1, *out,
                      says=["a b.scen: \"a b_1\" is no name for a task"])
        self.one_line("import", self.write_tiny("0 0 2 0", name="x" * 62 + ".scen"), "--agents", 1, *out,
                      says=["is no name for a task, expected 1 to 63"])
        for option, value in (("--agents", 0), ("--agents", 9), ("--agents", "two"), ("--first", 0), ("--first", "1.5"),
                              ("--count", 0), ("--count", "1e3"), ("--count", ""), ("--count", 10000), ("--seed", 1)):
            with self.subTest(option=option, value=value):
                self.one_line("import", ROOMS, f"{option}={value}", *out, says=[option.strip("-")])

    def test_not_enough_after_skipping(self):
        scen = self.write_tiny("0 0 2 0", "1 1 2 0")
        said = self.refused("import", scen, "-o", self.path("out"), says=["its 2 scenarios make 0 such tasks"])
        self.assertEqual(len(said.splitlines()), 2)

    def test_generate(self):
        out = ["-o", self.path("out")]
        self.one_line("generate", *out, says=["expected one MAP.task"])
        self.one_line("generate", TWO_ROOMS, says=["-o FOLDER"])
        self.one_line("generate", self.path("none.task"), *out, says=["none.task"])
        self.one_line("generate", self.write("bad.task", "map:\nA..\n"), *out, says=["bad.task:2: "])
        self.one_line("generate", TWO_ROOMS, "--min-steps", 11, *out, says=["two_rooms_1.task: ", "at most 10"])
        self.one_line("generate", f"{SOURCE}/data/penalty.task", *out, says=["is a matrix game"])
        small = self.write("small.task", "map:\nA.a\n")
        self.assertEqual(len(self.made("generate", small, "--count", 6, folder="six")), 6)
        self.one_line("generate", small, "--count", 7, *out, says=["small.task: ", "unlike the first 6"])
        long = self.write("long.task", f"name = {'x' * 60}\nmap:\nA.a\n")
        self.one_line("generate", long, *out, says=["is no name for a task, expected 1 to 63"])
        for option, value in (("--agents", 0), ("--agents", 9), ("--min-steps", 0), ("--min-steps", "far"), ("--seed", -1),
                              ("--seed", 2 ** 32), ("--seed", "x"), ("--count", 0), ("--count", ""), ("--first", 1)):
            with self.subTest(option=option, value=value):
                self.one_line("generate", TWO_ROOMS, f"{option}={value}", *out, says=[option.strip("-")])

    def test_help(self):
        for way, options in (("import", ("agents", "first", "count")), ("generate", ("agents", "min-steps", "seed"))):
            done = run("tasks", way, "--help")
            self.assertEqual(done.returncode, 0)
            for option in ("output", "overwrite", *options):
                self.assertIn(f"--{option}", done.stdout)
        self.assertEqual(run("tasks", "--help").returncode, 0)
        self.assertEqual(run("tasks").returncode, 2)
        self.one_line("generat", says=["did you mean generate?"])
        self.one_line("zzz", says=["expected import or generate"])


if __name__ == "__main__":
    unittest.main()
