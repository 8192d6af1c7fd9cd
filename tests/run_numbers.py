"""Numbers as nobody means them, in every option that takes one. Environment: MULTIDISTRAL, SOURCE."""
import os
import re
import subprocess
import unittest

from program import SOURCE, InFolder, run

NONE, TASK = "/nowhere/none.h5", f"{SOURCE}/data/four_rooms.task"
SCEN = f"{SOURCE}/data/rooms_32.scen"

# No number, or none in the range of any option. With '=' in front of it an option takes also what begins with '-'.
NEVER = ("", " ", " 1", "1 ", "nan", "-nan", "inf", "-inf", "infinity", "0x10", "1_000", "1,5", "1e", "--1", "+-1", "-", "1e999",
         "1e308", "-1e308", "99999999999999999999", "-99999999999999999999", "9223372036854775808", "1e1e1", "1.2.3", "-1", "\u0661")
# A whole number is none of these either.
NO_WHOLE = ("1e3", "1.0", "1.", ".5", "1e-320", "2147483648.5", "9223372036854775807")

WITH_MPI = ("train", "sweep", "evaluate")  # take half a second to say no: every eighth text; all options are read by the same reader

# Command: its options with numbers, and whether they are whole.
OPTIONS = {
    ("train", TASK, "-o", "{place}/x.h5"): {"stop-after": True, "checkpoint-seconds": False, "max-time": False},
    ("sweep", TASK, "--alpha", "0.5,0.9", "-o", "{place}/x"): {"max-time": False},
    ("evaluate", NONE): {"games": True, "seed": True},
    ("replay", NONE): {"replica": True, "game": True, "games": True, "speed": False},
    ("solve", TASK): {"max-states": True, "budget": True},
    ("tasks", "import", SCEN, "-o", "{place}/tasks"): {"agents": True, "first": True, "count": True},
    ("tasks", "generate", TASK, "-o", "{place}/tasks"): {"agents": True, "count": True, "min-steps": True, "seed": True},
}


class Numbers(InFolder):
    def refused(self, name, *arguments):
        done = run(*arguments, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertRegex(done.stderr, rf'^multidistral {arguments[0]}.*: option: {name.replace("-", "[-_]")} = ".*": expected')
        self.assertEqual(os.listdir(self.place), [])

    def test_options_of_commands(self):
        for command, options in OPTIONS.items():
            command = [word.format(place=self.place) for word in command]
            for name, whole in options.items():
                texts = NEVER + (NO_WHOLE if whole else ())
                for text in texts[::8] if command[0] in WITH_MPI else texts:
                    with self.subTest(command=command[0], option=name, text=text):
                        self.refused(name, *command, f"--{name}={text}")

    def test_settings_as_options(self):
        """The rest of the table is test_numbers'; here some rows that --help lists."""
        shown = run("train", "--help").stdout
        settings = re.findall(r"^ +--([a-z-]+)=VALUE", shown, re.M)
        self.assertGreater(len(settings), 25)
        for name in settings[::6]:
            with self.subTest(option=name):
                self.refused(name, "train", TASK, "-o", f"{self.place}/x.h5", f"--{name}=nan")

    def test_values_of_a_sweep(self):
        for values in ("1,nan", "1,,2", "1,", "0x1,1"):
            with self.subTest(values):
                self.refused("beta", "sweep", TASK, "-o", f"{self.place}/sweep", f"--beta={values}")


if __name__ == "__main__":
    unittest.main()
