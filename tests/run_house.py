"""Rules of the house: who may include whom, and what the top level holds. Environment: SOURCE."""
import os
import re
import subprocess
import unittest

SOURCE = os.environ["SOURCE"]
ROOMS = ["base", "world", "learn", "run", "cli"]
TOP = {"CMakeLists.txt", "README.md", "src", "include", "jobs", "tests", "tools", "data"}


def files():
    for top in ("src", "include/multidistral"):
        for room in ROOMS:
            folder = os.path.join(SOURCE, top, room)
            for name in sorted(os.listdir(folder)):
                yield room, name, open(os.path.join(folder, name)).read()


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


if __name__ == "__main__":
    unittest.main()
