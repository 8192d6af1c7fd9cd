"""cmake --install, and the use of what it installs: it needs neither source nor build folder. Environment: CMAKE, MULTIDISTRAL, MPIEXEC."""
import json
import os
import subprocess
import tempfile
import unittest

from h5same import differences
from patience import patience

CMAKE, PROGRAM, MPIEXEC = (os.environ[name] for name in ("CMAKE", "MULTIDISTRAL", "MPIEXEC"))


class Installed(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="a prefix ")
        self.addCleanup(place.cleanup)
        self.prefix = place.name
        subprocess.run([CMAKE, "--install", os.path.dirname(PROGRAM), "--prefix", self.prefix], check=True, capture_output=True)
        self.share = os.path.join(self.prefix, "share", "multidistral")
        self.path = f"{self.prefix}/bin:{os.environ['PATH']}"

    def sh(self, command, status=0, **more):
        """In the folder of jobs and data."""
        done = subprocess.run(["bash", "-c", command], cwd=self.share, capture_output=True, text=True, timeout=patience(200),
                              env=os.environ | {"PATH": self.path, "MPIEXEC": MPIEXEC, **more})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_training(self):
        self.sh('. tools/environment && "$MPIEXEC" -n 2 multidistral train jobs/quickstart.ini --iterations 3 -o ../run.h5')
        subprocess.run([PROGRAM, "train", f"{self.share}/jobs/quickstart.ini", "--iterations", "3", "-o", f"{self.prefix}/own.h5"],
                       check=True, capture_output=True)
        self.assertEqual(differences(f"{self.prefix}/own.h5", f"{self.prefix}/share/run.h5"), [])
        self.sh("tools/plot ../run.h5 -o ../curves.png && tools/report ../run.h5 -o ../report.html && tools/animate ../run.h5 -o ../game.gif",
                XDG_DATA_HOME=self.prefix)  # nothing of a user's
        own = self.sh("env -u MULTIDISTRAL tools/animate ../run.h5 -o ../own.gif", PATH=os.environ["PATH"])  # its own program
        self.assertIn("own.gif", own)

    def test_the_job_script(self):
        """Without a scheduler: it is its environment and its way to the program that count."""
        self.sh("bash jobs/train.sbatch jobs/quickstart.ini --iterations 2 --stop-after 1 -o ../run.h5", status=75,
                MULTIDISTRAL="multidistral", SLURM_NTASKS="2", SLURM_JOB_ID="7")
        self.sh("bash jobs/train.sbatch jobs/quickstart.ini --iterations 2 -o ../run.h5",
                MULTIDISTRAL="multidistral", SLURM_NTASKS="2", SLURM_JOB_ID="7")
        self.assertEqual(json.loads(self.sh("multidistral info --json ../run.h5"))["iterations_done"], 2)


if __name__ == "__main__":
    unittest.main()
