"""The same numbers at 1 to 8 ranks, and in every build: the golden hash. Environment: MULTIDISTRAL, MPIEXEC, SOURCE.

A build that optimises adds in another order, so that returns and Q values differ in their last bits. Games do not, as long as no
draw falls between two roundings: the hash is of what counts games, which a rounding cannot move: the rows that were visited, pi_0,
which comes of exact sums, lengths, finished games and steps. It changes when what is drawn, or when, is changed on purpose."""
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest

import h5py

SOURCE, MPIEXEC = os.environ["SOURCE"], os.environ["MPIEXEC"]
sys.path.insert(0, f"{SOURCE}/tests")
from h5same import differences  # noqa: E402

GOLDEN = "9d3f8551ffe650ee3c6653d06b2ff46ac4dde66e322735c6f9856c985b57055b"
COUNTS = ("row", "policy/distilled", "curves/length", "curves/finished", "curves/games", "curves/steps")
SETTINGS = [*(f"{SOURCE}/data/two_rooms_{i}.task" for i in range(1, 6)), "--iterations", "4", "--games-e", "30", "--games-m", "30",
            "--replicas", "2", "--seed", "1", "--progress", "none"]


def golden(path):
    digest = hashlib.sha256()
    with h5py.File(path) as run:
        for name in COUNTS:
            digest.update(run[name][...].tobytes())
    return digest.hexdigest()


class Golden(unittest.TestCase):
    def test_one_to_eight_ranks(self):
        with tempfile.TemporaryDirectory() as folder:
            for ranks in range(1, 9):
                done = subprocess.run([MPIEXEC, "-n", str(ranks), os.environ["MULTIDISTRAL"], "train", *SETTINGS, "-o", f"{folder}/{ranks}.h5"],
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                with self.subTest(ranks=ranks):
                    self.assertEqual(differences(f"{folder}/1.h5", f"{folder}/{ranks}.h5"), [])
            self.assertEqual(golden(f"{folder}/1.h5"), GOLDEN, "the numbers of a run have changed; if that was meant, the first of the two is the new GOLDEN")


if __name__ == "__main__":
    unittest.main()
