"""Games played again, and what `info` says, through the program. Environment: MULTIDISTRAL, SOURCE."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import unittest

import h5py
import numpy as np

from patience import patience
from program import PROGRAM, SOURCE, InOneFolder, run

TASKS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in (1, 4)]


def screen(shown, rows, columns):
    """The lines that a terminal of that size has on its screen in the end, of what was written to it so far."""
    lines, row, column, wraps = [[" "] * columns for _ in range(rows)], 0, 0, True

    def feed():
        nonlocal row
        row += 1
        if row == rows:
            lines.append([" "] * columns)
            lines.pop(0)
            row -= 1

    for code, final, control, sign in re.findall(r"\033\[([\d;?]*)([A-Za-z])|([\r\n])|([^\033])", shown):
        if final == "A":
            row = max(0, row - int(code or 1))
        elif final == "J":
            lines[row][column:] = [" "] * (columns - column)
            lines[row + 1:] = [[" "] * columns for _ in lines[row + 1:]]
        elif code == "?7":
            wraps = final == "h"
        elif control == "\r":
            column = 0
        elif control == "\n":
            feed()
        elif sign:
            if column == columns and wraps:
                feed()
                column = 0
            column = min(column, columns - 1)
            lines[row][column] = sign
            column += 1
    return ["".join(line).rstrip() for line in lines]


class Replay(InOneFolder):
    def train(self, name, *options, tasks=TASKS):
        return super().train(name, *tasks, "--iterations", 6, "--games-m", 100, "--replicas", 2, *options)

    def games(self, path, *options):
        done = run("replay", path, "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["games"]

    def refused(self, says, *arguments):
        done = run("replay", *arguments)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_a_hundred_games_have_the_returns_that_were_stored(self):
        with open(f"{SOURCE}/include/multidistral/learn/learners.def") as rows:
            learners = re.findall(r"^LEARNER\((\w+)", rows.read(), re.M)
        for learner in learners:
            path = self.train(f"{learner}.h5", "--learner", learner)
            for task, name in enumerate(("two_rooms_1", "two_rooms_4")):
                games = self.games(path, "--task", name, "--replica", 1, "--games", 100)
                with h5py.File(path) as file:
                    stored = file["games/return_m"][1, task]
                    np.testing.assert_allclose([game["returns"] for game in games], stored, rtol=1e-12)
                    np.testing.assert_allclose(stored.mean(0), file["curves/return_m"][1, -1, task], rtol=1e-12)

    def test_a_game_is_one_of_its_world(self):
        moves = {"stay": (0, 0), "down": (1, 0), "up": (-1, 0), "left": (0, -1), "right": (0, 1)}
        for game in self.games(self.train("soft_q.h5"), "--task", "two_rooms_4", "--games", 20):
            self.assertEqual(game["map"][0], "#########")
            self.assertEqual(game["states"][0], [[3, 2], [1, 7]])
            self.assertEqual(len(game["states"]), len(game["actions"]) + 1)
            returns = [0, 0]
            for t, (before, actions, after) in enumerate(zip(game["states"], game["actions"], game["states"][1:])):
                for j in (0, 1):
                    to = [before[j][0] + moves[actions[j]][0], before[j][1] + moves[actions[j]][1]]
                    self.assertIn(after[j], (to, before[j]))
                    self.assertEqual(game["map"][after[j][0]][after[j][1]], ".")
                    returns[j] += 0.99 ** t * game["rewards"][t][j]
            np.testing.assert_allclose(returns, game["returns"], rtol=1e-9)
            for j in (0, 1):
                self.assertEqual(game["finished"][j], game["states"][-1][j] == game["goal"][j])

    def test_other_policies(self):
        path = self.train("soft_q.h5")
        greedy = self.games(path, "--greedy", "--games", 5)
        self.assertEqual(len({json.dumps(game["actions"]) for game in greedy}), 1)
        distilled = self.games(path, "--policy", "distilled", "--games", 5)
        self.assertNotEqual(json.dumps(distilled), json.dumps(self.games(path, "--games", 5)))
        self.assertEqual([(game["game"], game["new"]) for game in self.games(path, "--game", 98, "--games", 4)],
                         [(98, False), (99, False), (100, True), (101, True)])  # the M-step has 100 games
        self.assertTrue(greedy[0]["new"] and distilled[0]["new"])

    def test_text(self):
        path = self.train("soft_q.h5")
        short = run("replay", path).stdout
        self.assertRegex(short, r"^two_rooms_1, replica 0, game 0: A -?[\d.]+.* B .*steps\n$")
        self.assertIn("game 100 (new): A ", run("replay", path, "--game", 100).stdout)
        steps = run("replay", path, "--step", "--ascii").stdout
        self.assertTrue(steps.isascii())
        self.assertIn("#A.###.B#\n", steps)
        self.assertNotIn("\033", steps)
        self.assertIn("█A·███·B█", run("replay", path, "--step").stdout)

    def test_matrix_games(self):
        path = self.train("matrix.h5", tasks=[f"{SOURCE}/data/penalty.task"])
        self.assertEqual(len(self.games(path, "--games", 3)), 3)
        shown = run("replay", path, "--step").stdout
        self.assertIn("step 1 of 1", shown)
        self.assertRegex(shown, "; 1 step\n")
        self.assertNotIn("finished", shown)

    def on_a_terminal(self, keys, *options, locale="C.UTF-8", size=(0, 0), kind="xterm"):
        """What a terminal shows, and the status. keys: pairs of what is waited for and what is then pressed."""
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.execve(PROGRAM, [PROGRAM, "replay", self.path("soft_q.h5"), *options], os.environ | {"LC_ALL": locale, "TERM": kind})
        shown, looked, keys = b"", 0, list(keys)
        while True:
            ready = select.select([terminal], [], [], patience(60))[0]
            try:
                part = os.read(terminal, 65536) if ready else b""
            except OSError:  # the end of a terminal
                break
            if not part:
                os.kill(pid, signal.SIGKILL)
                break
            shown += part
            while keys and (found := re.compile(keys[0][0], re.S).search(shown, looked)):
                looked = found.end()
                os.write(terminal, keys.pop(0)[1])
        return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_on_a_terminal(self):
        self.train("soft_q.h5")
        shown, status = self.on_a_terminal([(b"step 0 of", b"q")], "--speed", "0.1")
        self.assertEqual(status, 0)
        self.assertIn("\033[1;34mA", shown)
        self.assertIn("█", shown)
        shown, status = self.on_a_terminal([(b"step 0 of", b"q")], "--speed", "0.1", locale="C")
        self.assertTrue(shown.isascii())
        shown, status = self.on_a_terminal([], kind="dumb")
        self.assertEqual((status, shown.count("\n")), (0, 1))
        self.assertNotIn("\033", shown)
        shown, status = self.on_a_terminal([(b"step 0 of", b"\x03")], "--step")  # Ctrl-C
        self.assertEqual(status, 0)
        shown, status = self.on_a_terminal([], "--speed", "100")
        self.assertEqual(status, 0)
        last = re.findall(r"step (\d+) of (\d+)", shown)[-1]
        self.assertEqual(last[0], last[1])

    def test_keys(self):
        """Each waits for what the one before has done. Begun paused, so that nothing goes on by itself."""
        self.train("soft_q.h5")
        up, down, right, left = (b"\033[" + letter for letter in (b"A", b"B", b"C", b"D"))
        shown, status = self.on_a_terminal([
            (b"game 98\r.*step 0 of [0-9]+  paused", right), (b"step 1 of", b"\n"), (b"step 2 of", b"x"), (b"step 2 of", left + left),
            (b"step 1 of.*step 0 of", left), (b"step 0 of", up + down), (b"step 0 of", b"n"), (b"game 99\r.*step 0 of", b"n"),
            (b"game 100 [(]new[)]\r.*step 0 of", b"q")], "--step", "--game", "98")
        self.assertEqual(status, 0)
        self.assertEqual(re.findall(r"game \d+", shown)[-1], "game 100")
        self.assertNotIn("\033[A", shown)

    def test_small_terminals(self):
        self.train("soft_q.h5")
        last = [(b"step 0 ", b"\033[C"), (b"step 1 ", b"\033[C"), (b"step 2 ", b"\033[D"), (b"step 1 ", b"q")]
        for rows, columns, task in ((12, 40, "two_rooms_1"), (11, 40, "two_rooms_1"), (24, 80, "two_rooms_4")):
            shown, status = self.on_a_terminal(last, "--step", "--task", task, "--ascii", size=(rows, columns))
            self.assertEqual(status, 0)
            lines = screen(shown[:shown.rindex("\r\n")], rows, columns)  # with what is left for the prompt
            self.assertEqual((lines[0], lines[1], lines[7]), (f"{task}, replica 0, game 0", "#" * 9, "#" * 9))
            self.assertRegex(lines[8], r"^step 1 of \d+  paused$")
            self.assertEqual([line[:10] for line in lines[9:11]], ["  A return", "  B return"])
            self.assertFalse(any(lines[11:]))
        for rows, columns, says in ((5, 15, "map needs 9x11,"), (10, 40, "map needs 9x11, here are 40x10"), (12, 8, "map need")):
            shown, status = self.on_a_terminal(last, "--step", size=(rows, columns))
            lines = screen(shown[:shown.rindex("\r\n")], rows, columns)
            self.assertEqual((lines[0], lines[1], lines[2][:6]), ("two_rooms_1, replica 0, game 0"[:columns], says, "step 1"))
            self.assertFalse(any(lines[5:]))
        shown, status = self.on_a_terminal(last, "--step", size=(3, 40))
        self.assertEqual(screen(shown[:shown.rindex("\r\n")], 3, 40)[2][:6], "step 1")

    def test_refusals(self):
        path = self.train("soft_q.h5")
        self.refused("did you mean two_rooms_1?", path, "--task", "two_room_1")
        self.refused("no replica 2, expected 0 to 1", path, "--replica", 2)
        self.refused("option: games", path, "--games", 0)
        self.refused("none.h5", self.path("none.h5"))
        self.refused("expected one run file")
        with open(path, "rb") as whole, open(self.path("cut.h5"), "wb") as cut:
            cut.write(whole.read()[:5000])
        self.refused("cut.h5", self.path("cut.h5"))

    def test_info(self):
        path = self.train("soft_q.h5")
        text = run("info", path).stdout
        self.assertIn("6 of 6 iterations; tasks: 2, agents: 2, replicas: 2", text)
        self.assertRegex(text, r"two_rooms_1 +[\d.]+ +[\d.]+ +[\d.]+ of +175\.09")
        about = json.loads(run("info", path, "--json").stdout)
        with h5py.File(path) as file:
            for i, task in enumerate(about["tasks"]):
                np.testing.assert_allclose(task["last_return"], file["curves/return"][:, -1, i].mean(0), rtol=1e-9)
                self.assertAlmostEqual(task["optimum"], file["tasks/optimum"][i], 6)
            self.assertEqual(about["provenance"]["commit"], file["provenance"].attrs["commit"].decode()
                             if isinstance(file["provenance"].attrs["commit"], bytes) else file["provenance"].attrs["commit"])
        self.assertEqual((about["bytes"], about["iterations_done"]), (os.path.getsize(path), 6))
        self.assertEqual(about["settings"]["replicas"], "2")


if __name__ == "__main__":
    unittest.main()
