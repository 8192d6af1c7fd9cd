"""Runs on several hosts, which tests/hosts makes, and hosts that are lost. Environment: MULTIDISTRAL, MPIEXEC, SOURCE."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, MPIEXEC, SOURCE = (os.environ[name] for name in ("MULTIDISTRAL", "MPIEXEC", "SOURCE"))
HOSTS = f"{SOURCE}/tests/hosts"
TWO_ROOMS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in range(1, 6)]
LONG = [*TWO_ROOMS, "--iterations", "20000", "--games-e", "300"]  # minutes
END = 30  # seconds after which a job that lost a host has ended: what README promises


def setUpModule():
    if "HOSTS" not in os.environ:  # set by tests/hosts
        raise unittest.SkipTest(os.environ["NO_HOSTS"])


def hosts(*arguments):
    subprocess.run([HOSTS, *arguments], check=True)


def environment():
    """What `. tools/environment` gives a user, and with two cores for all hosts."""
    lines = subprocess.run(["bash", "-c", ". tools/environment && env -0"], cwd=SOURCE, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in lines.stdout.split("\0") if line)


def processes():
    """Those of the job: everything but a job is told from outside. {process: name}"""
    found = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat") as stat:
                name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name in ("mpirun", "mpiexec", "orted", "prted", "prterun", "multidistral") and rest.split()[0] != "Z":
            found[int(process)] = name
    return found


def wait_until(true, seconds):
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


class Hosts(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = place.name
        self.addCleanup(self.end_all)
        self.cut = []

    def end_all(self):
        for host in self.cut:
            hosts("mend", host)
        for process in processes():
            os.kill(process, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not processes(), 10))

    def path(self, name):
        return os.path.join(self.place, name)

    def cut_off(self, *names):
        self.cut += names
        for name in names:
            hosts("cut", name)

    def start(self, where, *arguments):
        """mpirun on h1; `where` is h2:1,h1:3 for rank 0 on h2 and three more on h1: of --host alone mpirun takes its own first."""
        command = [HOSTS, "mpirun"]
        for host in where.split(","):
            command += ["-np", host.split(":")[1], "--host", host, PROGRAM, "train", *arguments, ":"]
        command.pop()
        self.said = tempfile.TemporaryFile("w+")  # no pipe: whoever is left holds it open
        self.addCleanup(self.said.close)
        return subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=self.said)

    def heard(self):
        self.said.seek(0)
        return self.said.read()

    def finish(self, where, *arguments, status=0):
        job = self.start(where, *arguments)
        self.assertEqual(job.wait(timeout=300), status, self.heard())

    def start_long(self, where, *settings):
        """A long run that has saved already."""
        job = self.start(where, *LONG, *settings, "-o", self.path("run.h5"))
        there = wait_until(lambda: os.path.exists(self.path("run.h5")) or job.poll() is not None, 200)
        self.assertTrue(there and job.poll() is None, "no run to disturb")
        return job

    def ends_in_time(self, job, began, says="."):
        """All of it, on either side of the cut; and the last run file is whole."""
        gone = wait_until(lambda: not processes() and job.poll() is not None, END + began - time.monotonic())
        self.assertTrue(gone, f"after {END} seconds there are {processes()}, mpirun's status is {job.poll()}")
        self.assertNotIn(job.returncode, (0, 75))
        self.assertRegex(self.heard(), says)
        self.assertEqual(self.info(), 0)
        print(f"{self.id()}: {time.monotonic() - began:.1f} s", file=sys.stderr)

    def info(self):
        return subprocess.run([PROGRAM, "info", self.path("run.h5")], capture_output=True).returncode

    def assert_same(self, a, b):
        self.assertEqual(differences(self.path(a), self.path(b)), [])
        compared = subprocess.run(["h5diff", "--exclude-path", "/provenance", self.path(a), self.path(b)], capture_output=True)
        self.assertEqual((compared.returncode, compared.stdout), (0, b""))

    def resume_for(self, more):
        """Goes on with the disturbed run on h1, and compares with one that nothing disturbed."""
        with h5py.File(self.path("run.h5")) as file:
            total = str(file.attrs["iterations_done"] + more)
        # a resumed run may have more iterations, not fewer: the undisturbed one stops on the way
        self.finish("h1:3", "--resume", self.path("run.h5"), "--stop-after", total, status=75)
        self.finish("h1:1", *LONG, "-o", self.path("whole.h5"), "--stop-after", total, status=75)
        self.assert_same("whole.h5", "run.h5")
        self.assertEqual(sorted(os.listdir(self.place)), ["run.h5", "run.h5.prev", "whole.h5"])


class SeveralHosts(Hosts):
    def test_two_hosts_give_the_bytes_of_one(self):
        self.finish("h1:4", *TWO_ROOMS, "-o", self.path("one.h5"))
        self.finish("h1:2,h2:2", *TWO_ROOMS, "-o", self.path("two.h5"))
        self.assert_same("one.h5", "two.h5")
        with h5py.File(self.path("two.h5")) as file:
            self.assertEqual(file["provenance"].attrs["hosts"], "h1 h2")

    def test_a_short_cut_is_survived(self):
        self.finish("h1:2", *LONG, "-o", self.path("one.h5"), "--stop-after", "40", status=75)
        job = self.start_long("h1:1,h2:1", "--stop-after", "40", "--checkpoint-seconds", "0")
        self.cut_off("h2")
        time.sleep(3)
        hosts("mend", self.cut.pop())
        self.assertEqual(job.wait(timeout=300), 75, self.heard())
        self.assert_same("one.h5", "run.h5")


class LostHosts(Hosts):
    def test_a_run_ends_and_can_be_resumed(self):
        job = self.start_long("h1:2,h2:2", "--checkpoint-seconds", "1")
        began = time.monotonic()
        self.cut_off("h2")
        self.ends_in_time(job, began, "lost communication|has not answered")
        self.resume_for(3)

    def test_while_the_run_file_is_written(self):
        job = self.start_long("h1:2,h2:2", "--checkpoint-seconds", "0", "--replicas", "20")
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("run.h5.part")), 100))
        began = time.monotonic()
        self.cut_off("h2")
        self.ends_in_time(job, began, "lost communication|has not answered")

    def test_the_host_of_rank_0(self):
        job = self.start_long("h2:2,h1:2", "--checkpoint-seconds", "1")
        began = time.monotonic()
        self.cut_off("h2")
        self.ends_in_time(job, began, "lost communication|has not answered")
        self.resume_for(2)

    def test_the_host_of_mpirun(self):
        job = self.start_long("h1:1,h2:1,h3:1", "--checkpoint-seconds", "1")
        began = time.monotonic()
        self.cut_off("h1")
        self.ends_in_time(job, began, "lost communication|has not answered")

    def test_ranks_end_without_their_daemons(self):
        """mpirun and its daemons see and do nothing, being stopped."""
        job = self.start_long("h1:2,h2:3", "--checkpoint-seconds", "1")
        for process, name in processes().items():
            if name != "multidistral":
                os.kill(process, signal.SIGSTOP)
        self.cut_off("h2")
        gone = wait_until(lambda: "multidistral" not in processes().values(), END)
        self.assertTrue(gone, processes())
        self.assertEqual(self.info(), 0)
        self.end_all()
        job.wait(timeout=60)

    def test_resumed_while_the_far_side_is_alive(self):
        """The near side is killed, and the run resumed at once; the far side, that knows nothing of it, spoils nothing."""
        job = self.start_long("h1:2,h2:2", "--checkpoint-seconds", "0")
        far = self.ranks_on("h2")
        self.assertEqual(len(far), 2)
        self.cut_off("h2")
        for process in set(processes()) - set(far) - set(self.named_on("orted", "h2")):
            os.kill(process, signal.SIGKILL)
        job.wait(timeout=60)
        self.assertTrue(set(far) <= set(processes()))
        self.resume_for(3)
        hosts("mend", self.cut.pop())
        self.assertTrue(wait_until(lambda: not processes(), END), processes())
        self.assert_same("whole.h5", "run.h5")

    def named_on(self, name, host):
        inode = os.stat(f"/run/netns/{host}").st_ino
        return [process for process, named in processes().items()
                if named == name and os.stat(f"/proc/{process}/ns/net").st_ino == inode]

    def ranks_on(self, host):
        return self.named_on("multidistral", host)

    def test_rank_0_alive_on_the_far_side_keeps_others_off(self):
        job = self.start_long("h2:1,h1:1", "--checkpoint-seconds", "0")
        far = self.ranks_on("h2")
        self.cut_off("h2")
        for process in set(processes()) - set(far) - set(self.named_on("orted", "h2")):
            os.kill(process, signal.SIGKILL)
        job.wait(timeout=60)
        self.assertTrue(set(far) <= set(processes()))
        done = subprocess.run([PROGRAM, "train", "--resume", self.path("run.h5")], env=environment(), capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another run writes there", done.stderr)
        self.assertTrue(wait_until(lambda: not processes(), END), processes())
        self.resume_for(2)


if __name__ == "__main__":
    if "HOSTS" not in os.environ:
        possible = subprocess.run([HOSTS, "1", "true"], capture_output=True, text=True)
        if possible.returncode == 0:
            os.execv(HOSTS, [HOSTS, "3", sys.executable, "-B", *sys.argv])
        os.environ["NO_HOSTS"] = possible.stderr.strip()
    else:
        import h5py
        from h5same import differences
    unittest.main()
