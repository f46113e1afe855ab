"""The page at "/" in a real browser: it renders without a complaint, in light and dark and on a
phone, and nothing that a configuration or the API says becomes part of its code."""

import json
import os
import pathlib
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from browser import Browser
from processes import EndToEndTest, config_text

QUERIES = """
- {name: all}
- {name: dmarc_fail, agg_interval: 1h, date_range: 7d, control: true, filters: {dmarc: FAIL}}
- {name: auth, agg_interval: 1d, date_range: 28d,
   matrix: {dmarc: [PASS, FAIL], spf: [PASS, FAIL, any]}}
"""
INJECTION = """<script>document.title='taken'</script><img src=x onerror="document.title='taken'">"""
ROWS = "return document.querySelectorAll('tbody tr').length"
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
COLOURS = ("const style = getComputedStyle(document.body);"
           " return [style.backgroundColor, style.color]")


class HostileApi(BaseHTTPRequestHandler):
    """Refuses everything, in words that are HTML."""

    def do_GET(self):
        body = json.dumps({"success": False, "result": None, "messages": [],
                           "errors": [{"code": 2001, "message": INJECTION}]}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def brightness(colour):
    """Of "rgb(r, g, b)", 0 to 255."""
    return sum(int(each) for each in colour[4:-1].split(",")) / 3


class LandingPageTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.browser = self.started(Browser(self.directory))

    def show(self, exporter, name, **how):
        """Opens the page; with RADAR_SPOOF_SCREENSHOTS set, a picture of it goes there."""
        self.browser.open(f"http://127.0.0.1:{exporter.port}/", **how)
        pictures = os.environ.get("RADAR_SPOOF_SCREENSHOTS")
        if pictures:
            self.browser.screenshot(pathlib.Path(pictures) / f"{name}.png")

    def start_with(self, api, queries=QUERIES):
        return self.start_exporter(config_text(api, queries)).wait_until_ready()

    def test_it_renders_in_light_and_dark_and_on_a_phone(self):
        exporter = self.start_with(self.start_simulator())
        screens = {"light": {}, "dark": {"dark": True},
                   "small_phone": {"width": 320, "height": 568},
                   "phone": {"width": 360, "height": 740},
                   "phone_dark": {"width": 360, "height": 740, "dark": True}}
        for name, how in screens.items():
            with self.subTest(screen=name):
                self.show(exporter, name, **how)
                self.assertEqual(self.browser.complaints(), [])
                self.assertEqual(self.browser.run(ROWS), 8)
                self.assertEqual(self.browser.run("return document.querySelectorAll('svg').length"),
                                 8)
                self.assertLessEqual(self.browser.run(OVERFLOW), 0)
                background, ink = (brightness(each) for each in self.browser.run(COLOURS))
                self.assertEqual(background < ink, how.get("dark", False))
                self.assertGreater(abs(background - ink), 150)
        # The style is the page's own, and was let in by its policy.
        self.assertEqual(self.browser.run("return getComputedStyle(document.querySelector("
                                          "'table')).borderCollapse"), "collapse")

    def test_a_line_is_drawn_where_the_trend_says(self):
        exporter = self.start_with(self.start_simulator(), "- {name: all}")
        self.show(exporter, "one")
        box = self.browser.run("const box = document.querySelector('svg path').getBBox();"
                               " return [box.x, box.y, box.width, box.height]")
        x, y, width, height = box
        self.assertAlmostEqual(x, 3, delta=0.5)
        self.assertGreater(width, 150)
        self.assertGreaterEqual(y, 3)
        self.assertLessEqual(y + height, 33)
        self.assertIn("buckets between",
                      self.browser.run("return document.querySelector('svg').ariaLabel"))

    def test_nothing_hostile_becomes_part_of_the_page(self):
        api = ThreadingHTTPServer(("127.0.0.1", 0), HostileApi)
        api.base_url = f"http://127.0.0.1:{api.server_address[1]}/client/v4"
        self.addCleanup(api.server_close)
        self.addCleanup(api.shutdown)
        threading.Thread(target=api.serve_forever, daemon=True).start()
        exporter = self.start_with(api, f"- {{name: {json.dumps(INJECTION)}}}")
        self.show(exporter, "hostile")
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual(self.browser.run("return document.title"), "radar_spoof_exporter")
        self.assertEqual(self.browser.run("return document.querySelectorAll('script, img').length"),
                         0)
        cells = self.browser.run("return [...document.querySelectorAll('td')].map("
                                 "cell => cell.textContent)")
        self.assertTrue(cells[0].startswith(INJECTION), cells[0])
        self.assertIn("the API does not accept the request", cells[-1])
        self.assertIn(INJECTION[:60], cells[-1])

    def test_the_policy_lets_no_script_run_and_nothing_load(self):
        exporter = self.start_with(self.start_simulator(), "- {name: all}")
        self.show(exporter, "policy")
        self.browser.run("""
            const script = document.createElement('script');
            script.textContent = "document.title = 'taken'";
            document.body.append(script);
            const picture = document.createElement('img');
            picture.src = '/metrics';
            document.body.append(picture);""")
        self.assertEqual(self.browser.run("return document.title"), "radar_spoof_exporter")
        complaints = self.browser.complaints()
        self.assertTrue(any("script-src" in each or "script" in each for each in complaints),
                        complaints)
        self.assertTrue(any("img-src" in each or "image" in each for each in complaints),
                        complaints)

    def test_the_links_lead_somewhere(self):
        exporter = self.start_with(self.start_simulator(), "- {name: all}")
        self.show(exporter, "links")
        own = self.browser.run("return [...document.querySelectorAll('nav a')].map("
                               "link => link.getAttribute('href')).filter(to => to[0] == '/')")
        self.assertEqual(own, ["/metrics", "/-/healthy", "/-/ready"])
        for path in own:
            self.assertEqual(exporter.fetch(path).status, 200, path)


if __name__ == "__main__":
    unittest.main()
