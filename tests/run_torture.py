"""Kills and injected faults through tools/torture in its short form. Environment: MULTIDISTRAL, FAULTS, MPIEXEC, SOURCE."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

from patience import patience

SOURCE = os.environ["SOURCE"]
COLUMNS = ("tries", "struck", "same", "refused", "missed", "hangs", "failed", "skipped")
GOT_OVER = {"open ENOENT part rank 2", "fsync lies part rank 0", "rename lies part rank 0", "semaphore left", "clock jumps", "rank stalls",
            "rank stalls for ever"}
REFUSED = {f"{fault} rank 0" for fault in (
    "open EIO part", "lseek EIO part", "write EIO part", "write ENOSPC part", "write short part", "write lies part", "fsync EIO part",
    "fsync EIO folder", "rename EIO part", "rename ENOSPC part", "fwrite ENOSPC part", "fwrite short part", "fwrite lies part")} | {
    "open EIO part rank 2", "disk full", "disk full from outside", "disk full before", "folder read only", "folder renamed", "folder removed",
    "two runs"}
NEED_MOUNTS = {"disk full", "disk full from outside", "disk full before", "semaphore left", "folder read only"}


def torture(*arguments, **environment):
    return subprocess.run([sys.executable, f"{SOURCE}/tools/torture", *map(str, arguments)], capture_output=True, text=True, timeout=patience(550),
                          env=os.environ | environment)


class Torture(unittest.TestCase):
    def counts(self, *arguments):
        done = torture(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = re.findall(r"^(\w.*?)((?: +\d+){8})$", done.stdout, re.M)
        return {name: dict(zip(COLUMNS, map(int, counts.split()))) for name, counts in lines}

    def test_kills(self):
        counts = self.counts("--kills", 12, "--faults")
        self.assertEqual(len(counts), 6)
        for name, count in counts.items():
            with self.subTest(name):
                self.assertEqual(count["tries"], 2)
                self.assertEqual(count["same"], count["struck"])
                self.assertEqual(count["same"] + count["missed"], 2)
        self.assertGreater(counts["kill in resume"]["struck"], 0)
        self.assertGreater(sum(count["struck"] for count in counts.values()), 6)

    def test_each_fault(self):
        counts = self.counts("--kills", 0)
        self.assertEqual(set(counts), GOT_OVER | REFUSED)
        for name, count in counts.items():
            with self.subTest(name):
                self.assertEqual(count["tries"], 1)
                self.assertLessEqual(count["skipped"], name in NEED_MOUNTS)
                if not count["skipped"]:
                    self.assertEqual((count["same"], count["refused"]), (1, 0) if name in GOT_OVER else (0, 1))

    def failures(self, script, *faults):
        """What is printed of faults, all of which must fail, if the program is such a shell script around it."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "multidistral")
            with open(path, "w") as file:
                file.write(f"#!/bin/sh\nprogram='{os.environ['MULTIDISTRAL']}'\n{script}\n")
            os.chmod(path, 0o755)
            done = torture("--kills", 0, "--faults", *faults, MULTIDISTRAL=path)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(re.findall(r"^.*, try 1: failed: ", done.stdout, re.M)), len(faults), done.stdout)
        return done.stdout

    def test_an_error_that_the_program_swallows_is_noticed(self):
        faults = "fsync EIO part rank 0", "fsync EIO folder rank 0", "rename EIO part rank 0"
        said = self.failures('[ -z "$FAULT" ] || export FAULT="${FAULT%EIO}lies"\nexec "$program" "$@"', *faults)
        self.assertEqual(said.count("ends as if nothing had happened"), len(faults), said)

    def test_iterations_that_the_program_loses_are_noticed(self):
        faults = [f"{name} rank 0" for name in ("write EIO part", "fsync EIO part", "fsync EIO folder", "rename EIO part", "fwrite short part")]
        lose = '"$program" "$@"; s=$?; shift $(($# > 8 ? 8 : 0)); [ $s != 1 ] || rm -f "$1" "$1.prev"; exit $s'  # -o is the eighth
        said = self.failures(lose, *faults)
        self.assertEqual(said.count("at least 1 iterations were saved, and 0 are in the file"), len(faults), said)

    def test_a_soak_notices_a_leak(self):
        done = torture("--kills", 0, "--faults", "--soak", patience(0.25), "--leak", 1 << 20)
        self.assertEqual((done.returncode, done.stdout.count("grew by")), (1, 2), done.stdout + done.stderr)
        self.assertGreater(max(map(float, re.findall(r"grew by (-?[\d.]+) %", done.stdout))), 1, done.stdout)

    def test_usage(self):
        self.assertEqual(torture("--kills", -1).returncode, 2)
        self.assertEqual(torture("--faults", "none").returncode, 2)
        self.assertEqual(torture("--leak", -1).returncode, 2)


if __name__ == "__main__":
    unittest.main()
