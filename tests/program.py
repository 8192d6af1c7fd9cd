"""The program as tests call it, and a folder for what they write. Environment: MULTIDISTRAL, MPIEXEC, SOURCE."""
import os
import subprocess
import tempfile
import unittest

from patience import patience

PROGRAM, MPIEXEC, SOURCE = (os.environ[name] for name in ("MULTIDISTRAL", "MPIEXEC", "SOURCE"))
TWO_ROOMS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in range(1, 6)]


def run(*arguments, ranks=0, **how):
    """Under mpirun where ranks are given; `how` is for subprocess."""
    launch = [MPIEXEC, "-n", str(ranks)] if ranks else []
    return subprocess.run([*launch, PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=patience(300), **how)


class InFolder(unittest.TestCase):
    """Every test has a folder of its own, self.place."""

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = place.name

    def path(self, *names):
        return os.path.join(self.place, *names)

    def write(self, name, content):
        with open(self.path(name), "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def train(self, name, *arguments, ranks=0, status=0):
        done = run("train", *arguments, "-o", self.path(name), ranks=ranks)
        self.assertEqual(done.returncode, status, done.stderr)
        return self.path(name)


class InOneFolder(InFolder):
    """The tests of a class share a folder, and what one of them has trained: a name is one run."""

    @classmethod
    def setUpClass(cls):
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.place = place.name

    def setUp(self):
        pass

    def train(self, name, *arguments, **how):
        return self.path(name) if os.path.exists(self.path(name)) else super().train(name, *arguments, **how)
