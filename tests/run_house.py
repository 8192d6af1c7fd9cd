"""Rules of the house: who may include whom, what the top level holds, and how tools answer. Environment: SOURCE."""
import os
import re
import subprocess
import unittest

from patience import patience

SOURCE = os.environ["SOURCE"]
ROOMS = ["base", "world", "learn", "run", "cli"]
TOP = {"CMakeLists.txt", "README.md", "src", "include", "jobs", "tests", "tools", "data"}


def files():
    for top in ("src", "include/multidistral"):
        for room in ROOMS:
            folder = os.path.join(SOURCE, top, room)
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name)) as file:
                    yield room, name, file.read()


class House(unittest.TestCase):
    def test_a_room_includes_only_rooms_before_it(self):
        seen = 0
        for room, name, text in files():
            for other in re.findall(r'"multidistral/(\w+)/', text):
                self.assertLessEqual(ROOMS.index(other), ROOMS.index(room), f"{room}/{name} includes {other}")
                seen += 1
        self.assertGreater(seen, 100)

    def test_mpi_and_hdf5_stay_in_their_rooms(self):
        for room, name, text in files():
            if "<mpi.h>" in text:
                self.assertIn(room, ("run", "cli"), name)
            if re.search(r"<hdf5(_hl)?\.h>", text):
                self.assertTrue(room == "run" and name.startswith("runfile"), name)

    def test_the_top_level(self):
        listed = subprocess.run(["git", "-C", SOURCE, "ls-files"], capture_output=True, text=True)
        if listed.returncode:
            self.skipTest("not a git checkout")
        top = {name.split("/")[0] for name in listed.stdout.splitlines()}
        self.assertEqual({name for name in top if not name.startswith(".")} - TOP, set())

    def test_tools_say_what_they_do_and_do_nothing_unasked(self):
        tools = [name for name in sorted(os.listdir(f"{SOURCE}/tools")) if os.access(f"{SOURCE}/tools/{name}", os.X_OK)]
        self.assertGreater(len(tools), 12)
        for name in tools:
            for argument, status in (("--help", 0), ("--bogus", 2)):
                with self.subTest(f"{name} {argument}"):
                    done = subprocess.run([f"{SOURCE}/tools/{name}", argument], capture_output=True, text=True, timeout=patience(60))
                    self.assertEqual(done.returncode, status, done.stderr)
                    self.assertRegex(done.stderr if status else done.stdout, name if status else r"\w")

    def test_a_missing_package_is_named(self):
        for name in ("plot", "report", "animate", "reproduce", "torture", "damage", "seal.py"):
            with self.subTest(name):
                done = subprocess.run(["/usr/bin/python3", "-S", f"{SOURCE}/tools/{name}", "--help"], capture_output=True, text=True, timeout=patience(60))
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
                self.assertRegex(done.stderr, rf"^tools/{name}: no .* for Python; tools/setup installs")


if __name__ == "__main__":
    unittest.main()
