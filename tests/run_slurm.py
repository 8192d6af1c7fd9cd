"""The job scripts, in a SLURM that tests/slurm_here starts: stopped by the time limit, requeued, resumed and finished; what must not be
requeued; arrays. Jobs are held until the scheduler's signal is there, so that no result depends on the speed of a machine.
Environment: MULTIDISTRAL, SOURCE."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from h5same import differences
from patience import patience

PROGRAM, SOURCE = os.environ["MULTIDISTRAL"], os.environ["SOURCE"]
HERE, REQUEUE = f"{SOURCE}/tests/slurm_here", f"{SOURCE}/tools/requeue"
SETTINGS = [f"{SOURCE}/jobs/quickstart.ini", "--iterations", "2000"]
ENDLESS = [f"{SOURCE}/jobs/quickstart.ini", "--iterations", "100000", "--games-e", "1000", "--checkpoint-seconds", "0"]
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")
MISSING = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]

# Runs the program. When a job starts for the first time, each process is stopped as soon as it would heed SIGUSR1, and goes on when
# that has come.
HELD = f"""#!{sys.executable}
import os, signal, sys, time

def has(pid, masks):
    with open(f"/proc/{{pid}}/status") as lines:
        return any(int(line.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1 for line in lines if line.startswith(masks))

def hold(pid):
    while not has(pid, "SigCgt"):
        time.sleep(0.002)
    os.kill(pid, signal.SIGSTOP)
    open(f"{{os.path.dirname(os.path.abspath(__file__))}}/held-{{os.environ['SLURM_JOB_ID']}}-{{pid}}", "w").close()
    while not has(pid, ("SigPnd", "ShdPnd")):
        time.sleep(0.02)
    os.kill(pid, signal.SIGCONT)

if "SLURM_RESTART_COUNT" not in os.environ:
    pid = os.getpid()
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGUSR1, signal.SIG_IGN) # srun gives it to all that a rank has started
        for descriptor in range(3):
            os.close(descriptor)
        try:
            hold(pid)
        finally:
            os._exit(0)
os.execv({PROGRAM!r}, [{PROGRAM!r}, *sys.argv[1:]])
"""


def wait_until(seconds, what, condition):
    end = time.monotonic() + patience(seconds)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what()}")
        time.sleep(0.1)


def text(path):
    with open(path) as file:
        return file.read()


def write(path, content, mode=0o644):
    """With its mode at once: a stop file may be gone as soon as it is there."""
    with open(path, "w", opener=lambda path, flags: os.open(path, flags, mode)) as file:
        file.write(content)


class Requeue(unittest.TestCase):
    """tools/requeue with a command and an scontrol of the test's own."""

    def run_with(self, command, signals=(), scontrol=0, **more):
        with tempfile.TemporaryDirectory() as place:
            write(f"{place}/scontrol", f'#!/bin/sh\necho "$@" >{place}/asked\nexit {scontrol}\n', 0o755)
            environment = os.environ | {"PATH": f"{place}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "READY": f"{place}/ready"} | more
            job = subprocess.Popen([REQUEUE, "bash", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
            for number in signals:
                wait_until(60, lambda: command, lambda: os.path.exists(f"{place}/ready"))
                job.send_signal(number)
                time.sleep(0.5)  # one at a time: bash may sleep on the second of two
            try:
                job.communicate(timeout=patience(100))
            finally:
                os.killpg(job.pid, signal.SIGKILL) if job.returncode is None else None
            asked = text(f"{place}/asked") if os.path.exists(f"{place}/asked") else None
            return job.returncode, asked

    def test_only_a_warned_command_that_saved_is_requeued(self):
        def waits(status):
            return f'trap "exit {status}" USR1; >$READY; for i in $(seq 600); do sleep 0.1; done'
        slow = 'trap warned=1 USR1; >$READY; until [ $warned ]; do sleep 0.1; done; sleep 1; exit 75'
        term = "for i in $(seq 10); do sleep 0.1; [ $i -gt 1 ] || >$READY; done; exit 75"
        for command, signals, expected in (("exit 0", (), (0, None)), ("exit 3", (), (3, None)), ("exit 75", (), (75, None)),
                                           (waits(75), [signal.SIGUSR1], (0, "requeue 7\n")), (slow, [signal.SIGUSR1], (0, "requeue 7\n")),
                                           (waits(1), [signal.SIGUSR1], (1, None)), (waits(0), [signal.SIGUSR1], (0, None)),
                                           (term, [signal.SIGTERM], (75, None)), (slow, [signal.SIGTERM, signal.SIGUSR1], (75, None))):
            with self.subTest(command=command, signals=signals):
                self.assertEqual(self.run_with(command, signals), expected)
        self.assertEqual(self.run_with(waits(75), [signal.SIGUSR1], scontrol=1), (75, "requeue 7\n"))
        element = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}
        self.assertEqual(self.run_with(waits(75), [signal.SIGUSR1], **element), (0, "requeue 7_3\n"))

    def test_refusals(self):
        outside = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
        for command, environment in (([REQUEUE, "true"], outside), ([REQUEUE], outside | {"SLURM_JOB_ID": "7"})):
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)} (tools/setup --tests)")
class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.slurm = subprocess.Popen([HERE, "sh", "-c", "echo $SLURM_CONF; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True)
        cls.conf = cls.slurm.stdout.readline().strip()
        if not cls.conf:
            raise AssertionError(f"slurm_here ended with {cls.slurm.wait()}")

    @classmethod
    def tearDownClass(cls):
        cls.slurm.communicate()
        assert cls.slurm.returncode == 0, cls.slurm.returncode
        assert not os.path.exists(os.path.dirname(cls.conf)), "slurm_here left its folder"

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="a job ")
        self.addCleanup(place.cleanup)
        self.place = place.name
        os.mkdir(self.path("bin"))
        write(self.path("bin", "held"), HELD, 0o755)

    def path(self, *names):
        return os.path.join(self.place, *names)

    def call(self, *command, **environment):
        done = subprocess.run([str(word) for word in command], env=os.environ | {"SLURM_CONF": self.conf, **environment}, cwd=SOURCE,
                              capture_output=True, text=True, timeout=patience(300))
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def submit(self, script, *arguments, options=(), program=PROGRAM):
        """The number of a job whose log is %A.log."""
        words = ["sbatch", "--parsable", "-o", self.path("%A.log"), *options, script, *arguments]
        job = self.call(*words, MULTIDISTRAL=program).strip()
        self.addCleanup(subprocess.run, ["scancel", job], env=os.environ | {"SLURM_CONF": self.conf}, capture_output=True)
        return job

    def tasks(self, job):
        """The job, or each element of an array, as scontrol shows it."""
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in self.call("scontrol", "-o", "show", "job", job).splitlines()]

    def log(self, job):
        return text(self.path(f"{job}.log")) if os.path.exists(self.path(f"{job}.log")) else "no log"

    def end(self, job, seconds=200):
        wait_until(seconds, lambda: f"{self.tasks(job)} {self.log(job)}", lambda: all(t["JobState"] in ENDED for t in self.tasks(job)))
        return self.tasks(job)

    def assert_ended(self, job, state, status, restarts=0):
        for task in self.end(job):
            self.assertEqual((task["JobState"], task["ExitCode"], int(task["Restarts"])), (state, f"{status}:0", restarts), self.log(job))

    def assert_restarted_and_done(self, job, n=1):
        tasks = self.end(job)
        self.assertEqual(len(tasks), n)
        for task in tasks:
            self.assertEqual((task["JobState"], task["ExitCode"]), ("COMPLETED", "0:0"), self.log(job))
            self.assertGreaterEqual(int(task["Restarts"]), 1, self.log(job))
        self.assertEqual(self.log(job).count("saved, and goes back into the queue"), sum(int(task["Restarts"]) for task in tasks))

    def assert_as_unstopped(self, run):
        self.call(PROGRAM, "train", *SETTINGS, "-o", self.path("unstopped.h5"))
        self.assertEqual(differences(run, self.path("unstopped.h5")), [])

    def warn(self, job, processes):
        """What the scheduler does ahead of the limit, when all processes are at work."""
        wait_until(200, lambda: self.log(job), lambda: len(os.listdir(self.path("bin"))) == 1 + processes)
        self.call("scancel", "--batch", "--signal=USR1", job)

    def test_a_run_longer_than_its_limit(self):
        run = self.path("my run.h5")
        job = self.submit("jobs/train.sbatch", *SETTINGS, "-o", run, options=["--time=2"], program=self.path("bin", "held"))
        self.assert_restarted_and_done(job)
        stopped = re.search(r"stopped after iteration (\d+) of 2000", self.log(job))
        self.assertTrue(stopped and 1 <= int(stopped[1]) < 2000, self.log(job))
        self.assert_as_unstopped(run)

    def test_srun(self):
        if "pmix" not in self.call("sh", "-c", "srun --mpi=list 2>&1"):
            self.skipTest("this SLURM has no pmix")
        script = re.sub("(?m)^launch=.*$", "", text(f"{SOURCE}/jobs/train.sbatch")).replace("# launch=(srun", "launch=(srun")
        write(self.path("srun.sbatch"), script)
        job = self.submit(self.path("srun.sbatch"), *SETTINGS, "-o", self.path("-run.h5"), program=self.path("bin", "held"))
        self.warn(job, 5)
        self.assert_restarted_and_done(job)
        self.assert_as_unstopped(self.path("-run.h5"))

    def test_what_must_not_be_requeued(self):
        done = self.path("done.h5")
        self.call(PROGRAM, "train", *SETTINGS, "-o", done)
        before = os.stat(done).st_ino, os.stat(done).st_mtime_ns
        jobs = [self.submit("jobs/train.sbatch", *words, options=["--ntasks=2"]) for words in (
            ["none.ini", "-o", self.path("none.h5")], [*SETTINGS, "-o", done],
            [*ENDLESS, "-o", self.path("cancelled.h5")], [*ENDLESS, "-o", self.path("stopped.h5")])]
        for job, run in ((jobs[2], "cancelled.h5"), (jobs[3], "stopped.h5")):
            wait_until(200, lambda job=job: self.log(job), lambda run=run: os.path.exists(self.path(run)))
        self.call("scancel", jobs[2])
        write(self.path("stopped.h5.stop"), "")
        self.assert_ended(jobs[0], "FAILED", 2)
        self.assert_ended(jobs[1], "COMPLETED", 0)
        self.assertEqual((os.stat(done).st_ino, os.stat(done).st_mtime_ns), before)
        self.assertEqual([(task["JobState"], task["Restarts"]) for task in self.end(jobs[2])], [("CANCELLED", "0")])
        self.assert_ended(jobs[3], "FAILED", 75)
        time.sleep(7)  # longer than a requeued job waits
        self.assertEqual(self.call("squeue", "-h"), "")

    def test_a_sweep_as_an_array(self):
        grid = [*SETTINGS, "--alpha", "0.5,0.9", "--seed", "1,2"]
        self.call(PROGRAM, "sweep", *grid, "-o", self.path("alone"))
        job = self.submit("jobs/sweep.sbatch", *grid, "-o", self.path("array"), options=["--array=1-3"], program=self.path("bin", "held"))
        self.warn(job, 6)
        self.assert_restarted_and_done(job, 3)
        # A run that takes longer than a second has saved before its end, and has a .prev.
        names, array = (sorted(name for name in os.listdir(self.path(folder)) if not name.endswith(".prev"))
                        for folder in ("alone", "array"))
        self.assertEqual(array, names)
        for name in names:
            if name.endswith(".h5"):
                self.assertEqual(differences(self.path("array", name), self.path("alone", name)), [], name)
        self.assertEqual(text(self.path("array", "summary.csv")), text(self.path("alone", "summary.csv")))
        before = {name: os.stat(self.path("array", name)).st_ino for name in names if "=" in name}
        self.assert_ended(self.submit("jobs/sweep.sbatch", *grid, "-o", self.path("array")), "COMPLETED", 0)
        self.assertEqual({name: os.stat(self.path("array", name)).st_ino for name in before}, before)

    def test_scaling_measures_up_to_all_ranks(self):
        os.mkdir(self.path("tools"))
        write(self.path("tools", "scaling"), '#!/bin/sh\necho "$*" >>asked\n', 0o755)
        for ranks, counts in ((1, "1"), (4, "1,2,4"), (6, "1,2,4,6")):
            job = self.submit("jobs/scaling.sbatch", "a table", options=["-D", self.place, "--ntasks", ranks])
            self.assert_ended(job, "COMPLETED", 0)
            self.assertEqual(text(self.path("asked")), "".join(f"--ranks {counts} --mode {mode} -o a table/scaling_{mode}.csv\n"
                                                               for mode in ("strong", "weak")))
            os.remove(self.path("asked"))
        self.assertTrue(os.path.isdir(self.path("a table")))

    def test_a_killed_slurm_here_leaves_nothing(self):
        write(self.path("job"), '#!/bin/sh\n: >up\nsleep 1000\n', 0o755)
        sleeper = subprocess.Popen([HERE, "sh", "-c", 'sbatch -D "$0" -o job.log "$0/job" >&2; echo $SLURM_CONF; sleep 1000', self.place],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        folder = os.path.dirname(sleeper.stdout.readline().strip())
        self.assertTrue(os.path.isdir(folder))
        wait_until(60, lambda: "the job is not up", lambda: os.path.exists(self.path("up")))
        sleeper.kill()
        sleeper.communicate()
        wait_until(60, lambda: os.listdir(folder), lambda: not os.path.exists(folder))
        for name in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(name, "rb") as environment:
                    self.assertNotIn(folder.encode(), environment.read())
            except OSError:
                pass


if __name__ == "__main__":
    unittest.main()
