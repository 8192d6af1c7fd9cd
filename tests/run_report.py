"""The HTML report: its file, its errors, and the page in a real browser. Environment: MULTIDISTRAL, SOURCE."""
import os
import re
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import h5py
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from patience import patience

PROGRAM, SOURCE = os.environ["MULTIDISTRAL"], os.environ["SOURCE"]
TOOL = f"{SOURCE}/tools/report"
UPLOT = os.path.join(os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "multidistral", "uplot")
TASKS = [f"{SOURCE}/data/two_rooms_{i}.task" for i in range(1, 6)]


def browser(width):
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--window-size={width},900"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
                              if hasattr(webdriver, "ChromeService") else None)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    return driver


def waited(condition):
    """A page may be slow; it has a minute."""
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(cls.place.cleanup)
        folders = mock.patch.dict(os.environ, {"TMPDIR": cls.place.name})  # browsers leave some there
        folders.start()
        cls.addClassCleanup(folders.stop)
        cls.run_file, cls.second = f"{cls.place.name}/run.h5", f"{cls.place.name}/<i>second.h5"
        for path, options in ((cls.run_file, ["--behaviour", "yes"]), (cls.second, ["--alpha", "0.5", "--sharing", "team"])):
            subprocess.run([PROGRAM, "train", *TASKS, "--iterations", "8", "--replicas", "3", *options, "-o", path], check=True,
                           capture_output=True)

    def report(self, *options, status=0, says="", environment={}):
        done = subprocess.run([TOOL, *options], capture_output=True, text=True, timeout=patience(200), env=os.environ | environment)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(done.stderr.count("\n"), int(bool(says)))

    def open(self, width, *runs):
        page = f"{self.place.name}/report.html"
        self.report(*runs, "-o", page)
        self.assertLess(os.path.getsize(page), 3_000_000)
        driver = browser(width)
        self.addCleanup(driver.quit)
        driver.get(f"file://{page}")
        return driver

    def assert_quiet(self, driver):
        """No message in the console, nothing fetched, nothing wider than the window."""
        self.assertEqual(driver.get_log("browser"), [])
        self.assertEqual(driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)"), [])
        wide, window = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        self.assertLessEqual(wide, window)

    def test_the_page_needs_nothing_else(self):
        page = f"{self.place.name}/alone.html"
        self.report(self.run_file, "-o", page)
        with open(page, encoding="utf-8") as text:
            page = text.read()
        self.assertEqual(re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*|@import|url\(""", page), [])
        for name in ("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"):
            with open(f"{UPLOT}/{name}", encoding="utf-8") as part:
                self.assertIn(part.read(), page)
        self.assertIn("Permission is hereby granted", page)

    def test_without_what_draws_the_curves(self):
        """One line that names the command; and that command, when nobody answers, leaves things as they were."""
        home, page = f"{self.place.name}/home", f"{self.place.name}/no.html"
        os.makedirs(f"{home}/multidistral/uplot/dist")
        self.report(self.run_file, "-o", page, status=2, says="uPlot.iife.min.js: a part of the page", environment={"XDG_DATA_HOME": home})
        self.report(self.run_file, "-o", page, status=2, says="tools/setup --charts", environment={"XDG_DATA_HOME": f"{home}/none"})
        self.assertFalse(os.path.exists(page))
        done = subprocess.run([f"{SOURCE}/tools/setup", "--charts"], capture_output=True, text=True,
                              env=os.environ | {"XDG_DATA_HOME": home, "npm_config_registry": "http://127.0.0.1:9/"})
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("127.0.0.1:9/uplot", done.stderr)
        self.assertEqual(os.listdir(f"{home}/multidistral"), ["uplot"])

    def test_a_game_is_played(self):
        for width in (1280, 360):
            driver = self.open(width, self.run_file)
            state, play = driver.find_element(By.ID, "state"), driver.find_element(By.ID, "play")
            self.assertRegex(state.text, r"^Step 0 of \d+$")
            play.click()
            waited(lambda: re.match(r"Step [1-9]", state.text))
            if play.text == "Pause":
                play.click()
            last = int(re.search(r"of (\d+)", state.text)[1])
            slider = driver.find_element(By.ID, "step")
            slider.send_keys(Keys.END)
            waited(lambda: state.text == f"Step {last} of {last}")
            with h5py.File(self.run_file) as file:
                for agent, stored in enumerate(file["games/return_m"][0, 0, 0]):
                    cells = driver.find_elements(By.CSS_SELECTOR, f"#players tbody tr:nth-child({agent + 1}) td")
                    for cell in cells[1:]:  # so far, and at the end
                        self.assertAlmostEqual(float(cell.text.split(",")[0]), stored, delta=0.006)
            driver.find_element(By.ID, "back").click()
            self.assertEqual(state.text, f"Step {last - 1} of {last}")
            self.assert_quiet(driver)

    def test_a_curve_is_read(self):
        driver = self.open(1280, self.run_file)
        chart = driver.find_elements(By.CSS_SELECTOR, ".chart")[1]
        driver.find_element(By.CSS_SELECTOR, "#legend button:last-child").send_keys(Keys.TAB)
        webdriver.ActionChains(driver).send_keys(Keys.TAB).perform()
        for iteration in (8, 7):
            reading = driver.find_element(By.ID, "reading").text.replace("\n", " ")
            self.assertIn(f"two_rooms_1, iteration {iteration} ", reading)
            self.assertIn(f"two_rooms_1, iteration {iteration}, ", chart.get_attribute("aria-valuetext"))
            with h5py.File(self.run_file) as file:
                for agent in (0, 1):
                    mean = file["curves/return"][:, iteration - 1, 0, agent].mean()
                    shown = float(re.search(rf"agent {agent + 1} (-?[\d.]+)", reading)[1])
                    self.assertAlmostEqual(shown, mean, delta=1e-3 * abs(mean) + 1e-3)
            webdriver.ActionChains(driver).send_keys(Keys.ARROW_LEFT).perform()
        webdriver.ActionChains(driver).move_to_element(chart.find_element(By.CSS_SELECTOR, ".u-over")).perform()
        self.assertRegex(driver.find_element(By.ID, "reading").text, "iteration [45]\n")
        self.assert_quiet(driver)

    def test_lines_are_hidden_and_zoomed(self):
        driver = self.open(1280, self.run_file)
        see = lambda what: driver.execute_script(f"return charts.map(({{chart}}) => {what})")
        shown = see("chart.series.filter(series => series.show).length")
        button = driver.find_element(By.CSS_SELECTOR, "#legend button")
        button.click()
        self.assertEqual(button.get_attribute("aria-pressed"), "false")
        for before, after in zip(shown, see("chart.series.filter(series => series.show).length")):
            self.assertEqual(after, before - 3)  # a mean and the ends of its interval
        webdriver.ActionChains(driver).click_and_hold(driver.find_element(By.CSS_SELECTOR, ".u-over")).move_by_offset(60, 0).release().perform()
        self.assertEqual(len(set(see("chart.scales.x.max"))), 1)
        self.assertLess(see("chart.scales.x.max")[0], 8)
        webdriver.ActionChains(driver).double_click(driver.find_element(By.CSS_SELECTOR, ".u-over")).perform()
        self.assertEqual(set(see("chart.scales.x.max")), {8})
        self.assert_quiet(driver)

    def test_the_policy_and_where_agents_are(self):
        driver = self.open(1280, self.run_file)
        arrows = lambda: len(driver.find_elements(By.CSS_SELECTOR, "#policy line"))
        anywhere = arrows()
        self.assertGreater(anywhere, 10)
        driver.find_element(By.ID, "policy_other").send_keys(Keys.ARROW_DOWN)
        self.assertNotEqual(arrows(), anywhere)
        says = driver.find_element(By.ID, "policy_says")
        self.assertRegex(says.text, r"stands at row \d, column \d; [1-9]")
        driver.execute_script("document.querySelector('#policy .agent + rect').dispatchEvent(new Event('click'))")  # take it away again
        self.assertEqual(arrows(), anywhere)
        self.assertIn("anywhere", says.text)
        self.assertEqual(len(driver.find_elements(By.CSS_SELECTOR, "#heat svg")), 2)
        with h5py.File(self.run_file) as file:
            share = file["curves/choke_share"][:, -1, 0, 1].mean()
        row = driver.find_element(By.CSS_SELECTOR, "#behaviour tbody tr")
        self.assertIn("steps on choke points", row.text)
        self.assertAlmostEqual(float(row.find_elements(By.TAG_NAME, "td")[1].text.split()[0]), share, delta=0.006)
        self.assert_quiet(driver)

    def test_two_runs(self):
        driver = self.open(360, self.run_file, self.second)
        self.assertIn("<i>second.h5", driver.find_element(By.TAG_NAME, "h1").text)
        self.assertEqual(driver.execute_script("return charts[0].chart.series.filter(series => series.width > 1).length"), 4)
        markers = [path.get_attribute("d") for path in driver.find_elements(By.CSS_SELECTOR, "#legend path")]
        self.assertEqual((len(markers), len(set(markers))), (2, 2))  # the runs are told apart in grey, too
        differs = [row.get_attribute("textContent") for row in driver.find_elements(By.CSS_SELECTOR, "tr.differs")]
        for name in ("alpha", "behaviour", "sharing"):
            self.assertTrue(any(row.startswith(name) for row in differs), name)
        self.assertEqual(len(differs), 3)
        self.assert_quiet(driver)

    def test_runs_of_the_same_name_and_long_numbers_are_told_apart(self):
        for folder, seed in (("one", 1234567), ("other", 1234568)):
            os.makedirs(f"{self.place.name}/{folder}")
            subprocess.run([PROGRAM, "train", TASKS[0], "--iterations", "2", "--seed", str(seed), "-o", f"{self.place.name}/{folder}/run.h5"],
                           check=True, capture_output=True)
        page = f"{self.place.name}/both.html"
        self.report(f"{self.place.name}/one/run.h5", f"{self.place.name}/other/run.h5", "-o", page)
        with open(page, encoding="utf-8") as text:
            page = text.read()
        for what in ('"seed":"1234567"', '"seed":"1234568"', '"alpha":"0.9"', '"beta":"5"', 'one/run.h5"', 'other/run.h5"'):
            self.assertIn(what, page)
        self.assertNotIn('"name":"run.h5"', page)

    def test_contrast(self):
        """WCAG AA: text and the colours of agents, against what they are drawn on, in both themes."""
        def luminance(colour):
            parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            return sum(w * (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4) for w, x in zip((0.2126, 0.7152, 0.0722), parts))

        with open(f"{SOURCE}/tools/report.html", encoding="utf-8") as page:
            themes = re.findall(r":root[^{]*\{([^}]*)\}", page.read())
        self.assertEqual(len(themes), 2)
        for theme in themes:
            colour = dict(re.findall(r"--(\w+): (#\w{6})", theme))
            pairs = [("ink", "paper"), ("ink", "soft"), ("quiet", "paper"), *((f"c{i}", "paper") for i in range(8)), *(("on", f"c{i}") for i in range(8))]
            for front, back in pairs:
                low, high = sorted((luminance(colour[front]), luminance(colour[back])))
                self.assertGreaterEqual((high + 0.05) / (low + 0.05), 4.5, (front, back, colour[front], colour[back]))

    def test_other_runs(self):
        """One agent and no M-step; three in a team; a matrix game; no choke point: what cannot be drawn is said, and nothing fails."""
        for name, options in (("maze_alone", ["--games-m", "0"]), ("doorway_three", ["--learner", "team_soft_q"]), ("penalty", []),
                              ("swap_open", ["--replicas", "2", "--behaviour", "yes", "--games-m", "1"])):
            path = f"{self.place.name}/{name}.h5"
            subprocess.run([PROGRAM, "train", f"{SOURCE}/data/{name}.task", "--iterations", "1", *options, "-o", path], check=True,
                           capture_output=True)
            driver = self.open(360, path)
            self.assert_quiet(driver)
            games = [game.get_attribute("textContent") for game in driver.find_elements(By.CSS_SELECTOR, "#game_number option")]
            self.assertEqual([" (new, " in game for game in games],
                             {"maze_alone": [True] * 3, "penalty": [], "swap_open": [False, True, True]}.get(name, [False] * 3))
            self.assertNotIn("unknown \u00b1", driver.find_element(By.TAG_NAME, "body").text)

    def test_long_names(self):
        """Neither a run's name nor a task's makes the page wider than a phone, or pushes the values out of sight."""
        task, path = f"{self.place.name}/long.task", f"{self.place.name}/a_run_with_a_name_that_is_longer_than_a_phone_is_wide.h5"
        with open(TASKS[0], encoding="utf-8") as short, open(task, "w", encoding="utf-8") as long:
            long.write(f"name = a_task_with_a_name_that_is_longer_than_a_phone_is_wide\n{short.read()}")
        subprocess.run([PROGRAM, "train", task, "--iterations", "1", "--behaviour", "yes", "-o", path], check=True, capture_output=True)
        for runs in ([path], [path, self.run_file]):
            driver = self.open(390, *runs)
            self.assert_quiet(driver)
            driver.execute_script("document.querySelector('#last').scrollLeft = 1000")
            for cell in driver.find_elements(By.CSS_SELECTOR, "#last tbody tr > :first-child"):
                self.assertGreaterEqual(cell.rect["x"], 0)
                self.assertLess(cell.rect["x"] + cell.rect["width"], 200)

    def test_what_is_not_there(self):
        """No optimum, no policy that is shared, no map: no empty column, no idle buttons, but why."""
        none, matrix = f"{self.place.name}/alone_each.h5", f"{self.place.name}/no_map.h5"
        subprocess.run([PROGRAM, "train", TASKS[0], "--iterations", "1", "--replicas", "2", "--sharing", "none", "-o", none], check=True,
                       capture_output=True)
        subprocess.run([PROGRAM, "train", f"{SOURCE}/data/penalty.task", "--iterations", "1", "-o", matrix], check=True, capture_output=True)
        with h5py.File(none, "r+") as file:
            file["tasks/optimum"][...] = float("nan")
        subprocess.run([f"{SOURCE}/tools/seal.py", none], check=True, capture_output=True)
        driver = self.open(1280, none)
        self.assertNotIn("optimum", driver.find_element(By.ID, "last").text)
        self.assertEqual(driver.find_element(By.ID, "policy_why").text, "The tasks share no policy: sharing is none.")
        self.assertFalse(driver.find_element(By.ID, "policy_how").is_displayed())
        over = "chart.ctx.getImageData(Math.round(chart.valToPos(1, 'x', true)), Math.round(chart.valToPos(chart.data[1][0], 'y', true)) + 2, 1, 1).data"
        pixel = driver.execute_script(f"const {{chart}} = charts[0]; return [...{over}]")
        self.assertGreater(max(pixel[:3]) - min(pixel[:3]), 60, pixel)  # the interval of the only iteration is drawn, in colour
        self.assert_quiet(driver)
        driver = self.open(1280, matrix)
        self.assertFalse(driver.find_element(By.ID, "play").is_displayed())
        for where in ("no_games", "policy_why", "heat_why"):
            self.assertIn("Matrix games have no map", driver.find_element(By.ID, where).text)
        self.assert_quiet(driver)

    def test_print(self):
        """Charts are as wide as the paper has room for, and what answers to nobody there is gone."""
        driver = self.open(1280, self.run_file, self.second)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        driver.execute_script("for (const {chart} of charts) chart.setSize({width: 2000, height: 230})")  # a wide window, and narrow paper
        self.assertFalse(driver.find_element(By.CSS_SELECTOR, "#curves ~ .controls").is_displayed())
        for chart in driver.find_elements(By.CSS_SELECTOR, ".chart"):
            self.assertLessEqual(chart.find_element(By.TAG_NAME, "canvas").size["width"], chart.size["width"])
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 720, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.assertEqual(len({chart.rect["y"] for chart in driver.find_elements(By.CSS_SELECTOR, ".chart")[:2]}), 1)  # side by side on A4

    def test_without_the_program(self):
        self.report(self.run_file, "-o", f"{self.place.name}/none.html", says="no games",
                    environment={"MULTIDISTRAL": "", "PATH": "/usr/bin"} if not os.path.exists(f"{SOURCE}/build/multidistral")
                    else {"MULTIDISTRAL": "/bin/false"})

    def test_refusals(self):
        cut, bare, other, page = (f"{self.place.name}/{name}" for name in ("cut.h5", "bare.h5", "other.h5", "no.html"))
        with open(self.run_file, "rb") as whole, open(cut, "wb") as part:
            part.write(whole.read()[:20000])
        with open(self.run_file, "rb") as whole, open(bare, "wb") as rest:
            rest.write(whole.read()[16384:])
        with h5py.File(other, "w") as file:
            file.attrs["format_version"] = 99
        self.report(cut, "-o", page, status=2, says="cut.h5: no complete run file")
        self.report(bare, "-o", page, status=2, says="bare.h5: has lost its seal")
        self.report(other, "-o", page, status=2, says="format version 99, expected 3")
        self.report(f"{self.place.name}/none.h5", "-o", page, status=2, says="none.h5")
        self.report(TASKS[0], "-o", page, status=2, says="two_rooms_1.task")
        self.report(self.run_file, "-o", self.run_file, status=2, says="is a run file")
        self.report(self.run_file, "-o", f"{self.place.name}/none/report.html", status=2, says="cannot be written")
        self.assertFalse(os.path.exists(page))


if __name__ == "__main__":
    unittest.main()
