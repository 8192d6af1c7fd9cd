"""Films of games: tools/animate. Environment: MULTIDISTRAL, SOURCE."""
import os
import subprocess
import tempfile
import unittest

from PIL import Image

from patience import patience

PROGRAM, SOURCE = os.environ["MULTIDISTRAL"], os.environ["SOURCE"]
TOOL = f"{SOURCE}/tools/animate"


class Animate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.run_file = f"{cls.place.name}/run.h5"
        subprocess.run([PROGRAM, "train", f"{SOURCE}/data/two_rooms_5.task", "--iterations", "12", "-o", cls.run_file], check=True,
                       capture_output=True)

    def animate(self, *options, status=0, says=""):
        done = subprocess.run([TOOL, *options], capture_output=True, text=True, timeout=patience(200))
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stderr.count("\n"), int(status != 0))

    def test_films(self):
        for name in ("game.gif", "game.mp4"):
            path = f"{self.place.name}/{name}"
            self.animate(self.run_file, "--greedy", "-o", path)
            if name.endswith(".gif"):
                with Image.open(path) as film:
                    self.assertGreater(film.n_frames, 16)
            else:
                with open(path, "rb") as film:
                    self.assertEqual(film.read(12)[4:8], b"ftyp")

    def test_refusals(self):
        before = os.listdir(self.place.name)
        film = f"{self.place.name}/film.gif"
        self.animate(f"{self.place.name}/none.h5", "-o", film, status=2, says="none.h5: cannot be read")
        self.animate(self.run_file, "--task", "none", "-o", film, status=2, says="no task none")
        self.animate(self.run_file, "--games", "x", "-o", film, status=2, says="games")
        self.animate(self.run_file, "-o", f"{self.place.name}/film.avi", status=2, says="expected a name that ends in .gif or .mp4")
        self.animate(self.run_file, "-o", f"{self.place.name}/none/film.gif", status=2, says="cannot be written")
        self.assertEqual(os.listdir(self.place.name), before)


if __name__ == "__main__":
    unittest.main()
