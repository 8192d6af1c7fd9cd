"""Where tools/plot, tools/report and tools/animate write: files and links to files, nothing else, and never over a run.
Environment: MULTIDISTRAL, SOURCE."""
import os
import resource
import shutil
import stat
import subprocess
import tempfile
import unittest

from patience import patience

PROGRAM, SOURCE = os.environ["MULTIDISTRAL"], os.environ["SOURCE"]
ENDINGS = {"plot": "png", "report": "html", "animate": "gif"}


class Outputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.place.cleanup)
        cls.run_file = cls.path("run.h5")
        subprocess.run([PROGRAM, "train", f"{SOURCE}/data/two_rooms_5.task", "--iterations", "12", "-o", cls.run_file], check=True,
                       capture_output=True)
        with open(cls.run_file, "rb") as file:
            cls.run_bytes = file.read()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.place.name, name)

    def each(self):
        for tool, ending in ENDINGS.items():
            with self.subTest(tool):
                yield [f"{SOURCE}/tools/{tool}", self.run_file], ending

    def refused(self, command, path, says):
        done = subprocess.run([*command, "-o", path], capture_output=True, text=True, timeout=patience(200))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_no_regular_file_is_replaced(self):
        for command, ending in self.each():
            pipe, nowhere = self.path(f"pipe.{ending}"), self.path(f"nowhere.{ending}")
            os.mkfifo(pipe)
            os.symlink(self.path("none"), nowhere)
            self.refused(command, pipe, "is no regular file")
            self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
            self.refused(command, nowhere, "is a link to nowhere")
            self.assertTrue(os.path.islink(nowhere))

    def test_no_file_is_called_by_a_dash(self):
        for command, ending in self.each():
            self.refused(command, "-", "-: ")
            self.assertEqual([name for name in os.listdir() if name.startswith("-")], [])

    def test_a_run_stays_what_it_is(self):
        for command, ending in self.each():
            link = self.path(f"link.{ending}")
            os.symlink(self.run_file, link)
            self.refused(command, link, "is a run file")
            with open(self.run_file, "rb") as file:
                self.assertEqual(file.read(), self.run_bytes)

    def test_a_disk_that_takes_no_more(self):
        """Files of more than a kilobyte are refused, as on a full disk: what was there stays, and nothing is left."""
        room = shutil.which("ffmpeg") and [([f"{SOURCE}/tools/animate", self.run_file], "mp4")] or []
        for command, ending in [*self.each(), *room, ([f"{SOURCE}/tools/plot", self.run_file], "pdf")]:
            with self.subTest(ending), tempfile.TemporaryDirectory() as place:
                path = f"{place}/old.{ending}"
                with open(path, "w") as file:
                    file.write("old")
                done = subprocess.run([*command, "-o", path], capture_output=True, text=True, timeout=patience(200),
                                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)))
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
                self.assertIn(f"old.{ending}: cannot be ", done.stderr)
                with open(path) as file:
                    self.assertEqual(file.read(), "old")
                self.assertEqual(os.listdir(place), [f"old.{ending}"])

    def test_a_link_stays_a_link(self):
        os.mkdir(self.path("elsewhere"))
        for command, ending in self.each():
            real, link = self.path(f"elsewhere/real.{ending}"), self.path(f"to_real.{ending}")
            with open(real, "w") as file:
                file.write("old")
            os.symlink(real, link)
            subprocess.run([*command, "-o", link], check=True, capture_output=True, timeout=patience(200))
            self.assertTrue(os.path.islink(link))
            self.assertGreater(os.path.getsize(real), 100)
            self.assertEqual([name for name in os.listdir(self.path("elsewhere")) if not name.startswith("real.")], [])

    def test_nobody_needs_to_read_what_is_said(self):
        for command, ending in self.each():
            path, (reading, writing) = self.path(f"unread.{ending}"), os.pipe()
            os.close(reading)
            done = subprocess.run([*command, "-o", path], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=patience(200))
            os.close(writing)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
