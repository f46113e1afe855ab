"""The page at "/" in a real browser: it renders without a complaint, in light and dark and on a
phone, and nothing that a configuration or the API says becomes part of its code."""

import json
import os
import pathlib
import tempfile
import threading
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from browser import Browser
from processes import SOURCE_DIR, EndToEndTest, config_text, executable
from web_client import fetch, wait_until

QUERIES = """
- {name: all}
- {name: dmarc_fail, agg_interval: 1h, date_range: 7d, control: true, filters: {dmarc: FAIL}}
- {name: auth, agg_interval: 1d, date_range: 28d,
   matrix: {dmarc: [PASS, FAIL], spf: [PASS, FAIL, any]}}
"""
PICTURED = """
- {name: all, agg_interval: 1h, date_range: 28d}
- {name: dmarc_fail, agg_interval: 1h, date_range: 28d, alert: ticket, filters: {dmarc: FAIL}}
- {name: dmarc_pass, agg_interval: 1d, date_range: 28d, filters: {dmarc: PASS}}
"""
LONG_NAME = "mail that failed DMARC and SPF, whatever DKIM says, " * 2 + "x" * 24
MANY = f"""
- {{name: auth, agg_interval: 1h, date_range: 28d,
   matrix: {{dmarc: [PASS, FAIL, NONE], spf: [PASS, FAIL, NONE], dkim: [PASS, FAIL]}}}}
- {{name: all, agg_interval: 1h, date_range: 28d, alert: ticket}}
- {{name: "{LONG_NAME}", agg_interval: 1h, date_range: 28d, control: true,
   filters: {{dmarc: FAIL, spf: FAIL}}}}
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


class StrippingProxy(ThreadingHTTPServer):
    """Serves what `port` has at / as /radar/, and nothing else."""

    def __init__(self, port):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if not self.path.startswith("/radar/"):
                    self.send_error(404)
                    return
                answer = fetch(port, self.path.removeprefix("/radar"))
                self.send_response(answer.status)
                for name in ("Content-Type", "Content-Security-Policy"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


def brightness(colour):
    """Of "rgb(r, g, b)", 0 to 255."""
    return sum(int(each) for each in colour[4:-1].split(",")) / 3


class LandingPageTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        """One browser for all tests: it takes seconds to start."""
        super().setUpClass()
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="radar_spoof_browser_"))
        cls.browser = Browser(directory)
        cls.addClassCleanup(cls.browser.end)
        cls.browser.wait_until_started()

    def setUp(self):
        super().setUp()
        self.browser.complaints()  # of the test before

    def show(self, exporter, name, **how):
        """Opens the page; with RADAR_SPOOF_SCREENSHOTS set, a picture of it goes there."""
        self.browser.open(f"http://127.0.0.1:{exporter.port}/", **how)
        pictures = os.environ.get("RADAR_SPOOF_SCREENSHOTS")
        if pictures:
            self.browser.screenshot(pathlib.Path(pictures) / f"{name}.png")

    def test_the_picture_in_the_readme(self):
        """Taken into the build folder; with RADAR_SPOOF_UPDATE_GOLDEN set, into docs/."""
        simulator = self.start_simulator("--scenario=spike")
        exporter = self.start_with(simulator, PICTURED)
        self.browser.open(f"http://127.0.0.1:{exporter.port}/", width=1280, height=1000)
        self.assertIn("Simulated data.", self.text())
        self.assertEqual(self.browser.complaints(), [])
        folder = (SOURCE_DIR / "docs" if os.environ.get("RADAR_SPOOF_UPDATE_GOLDEN")
                  else pathlib.Path(executable("RADAR_SPOOF_EXPORTER")).parent)
        self.browser.screenshot(folder / "page.png", x=0, y=0, width=1280, height=640)
        self.assertLess((folder / "page.png").stat().st_size, 150_000)
        self.assertTrue((SOURCE_DIR / "docs/page.png").exists())

    def serve(self, server):
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def text(self):
        return self.browser.run("return document.body.innerText")

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

    def check_fits(self, exporter, name):
        for screen, how in {"wide": {"width": 1280, "height": 1000},
                            "wide_dark": {"width": 1280, "height": 1000, "dark": True},
                            "phone": {"width": 390, "height": 844},
                            "phone_dark": {"width": 390, "height": 844, "dark": True}}.items():
            with self.subTest(screen=screen):
                self.show(exporter, f"{name}_{screen}", **how)
                self.assertEqual(self.browser.complaints(), [])
                self.assertLessEqual(self.browser.run(OVERFLOW), 0)

    def test_a_spike_stands_first_among_many_queries(self):
        exporter = self.start_with(self.start_simulator("--scenario=spike"), MANY)
        self.check_fits(exporter, "spike")
        self.assertEqual(self.browser.run(ROWS), 20)
        above = self.browser.run("return [...document.querySelectorAll('tbody tr')].map("
                                 "row => row.classList.contains('above'))")
        self.assertTrue(above[0])
        self.assertEqual(above, sorted(above, reverse=True))
        text = self.text()
        self.assertIn(f"{sum(above)} of 20 {'is' if sum(above) == 1 else 'are'} far above what was "
                      "expected.", text)
        self.assertIn("far above for 1 bucket of 1 hour", text)
        # On a phone the state comes first.
        tops = self.browser.run("const top = each => document.querySelector(each)"
                                ".getBoundingClientRect().top;"
                                " return ['td.name', 'td.state', 'td.ratio'].map(top)")
        self.assertEqual(tops, sorted(tops))

    def test_what_fails_every_query_is_told_once(self):
        simulator = self.start_simulator()
        exporter = self.start_with(simulator, """
- {name: all, poll_interval: 1s}
- {name: dmarc_fail, filters: {dmarc: FAIL}, poll_interval: 1s}
- {name: dmarc_pass, filters: {dmarc: PASS}, poll_interval: 1s}
""")
        simulator.switch("outage")
        wait_until(lambda: fetch(exporter.port, "/").body.count(b"failing:") == 3,
                   "every query to fail")
        self.check_fits(exporter, "outage")
        text = self.text()
        self.assertEqual(text.count("3 queries fail for one cause"), 1, text)
        self.assertEqual(text.count("HTTP 5"), 1, text)
        self.assertEqual(text.count("last good answer"), 3, text)

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
        api.base_url = f"http://127.0.0.1:{self.serve(api)}/client/v4"
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

    def check_links(self, address):
        """Of the navigation that stay here, as the browser resolves them against `address`."""
        links = self.browser.run("return [...document.querySelectorAll('nav a')].map(link => link.href)")
        own = [each for each in links if each.startswith(address)]
        self.assertEqual([each.removeprefix(address) for each in own],
                         ["metrics", "-/healthy", "-/ready"])
        for link in own:
            self.browser.open(link)
            status = self.browser.run(
                "return performance.getEntriesByType('navigation')[0].responseStatus")
            self.assertEqual(status, 200, link)

    def test_the_links_lead_somewhere(self):
        exporter = self.start_with(self.start_simulator(), "- {name: all}")
        self.show(exporter, "links")
        self.check_links(f"http://127.0.0.1:{exporter.port}/")

    def test_the_links_lead_somewhere_from_behind_a_proxy_that_strips_a_prefix(self):
        exporter = self.start_with(self.start_simulator(), "- {name: all}")
        address = f"http://127.0.0.1:{self.serve(StrippingProxy(exporter.port))}/radar/"
        self.browser.open(address)
        self.check_links(address)

    def test_the_links_lead_somewhere_with_an_external_url(self):
        exporter = self.start_exporter(config_text(self.start_simulator(), "- {name: all}"),
                                       "--web.external-url=/radar/", "--web.route-prefix=/")
        address = f"http://127.0.0.1:{self.serve(StrippingProxy(exporter.port))}/radar/"
        self.browser.open(address)
        self.check_links(address)

    def test_made_up_numbers_are_called_so_and_credited_to_nobody(self):
        simulator = self.start_simulator()
        self.show(self.start_with(simulator), "simulated")
        text = self.text()
        self.assertIn("Simulated data.", text)
        self.assertEqual(text.count(f"127.0.0.1:{simulator.port}"), 3)
        self.assertNotIn("Cloudflare Radar", text)
        self.assertNotIn("CC BY", text)
        self.assertEqual(self.browser.complaints(), [])

    def test_cloudflares_numbers_are_credited(self):
        # A proxy that is not there keeps the test from asking it.
        cloudflare = types.SimpleNamespace(base_url="https://api.cloudflare.com/client/v4")
        config = config_text(cloudflare, QUERIES, api="proxy: http://127.0.0.1:1")
        self.show(self.start_exporter(config), "cloudflare")
        text = self.text()
        self.assertIn("Data: Cloudflare Radar, CC BY-NC 4.0", text)
        self.assertIn("api.cloudflare.com", text)
        self.assertNotIn("Simulated", text)
        self.assertEqual(self.browser.complaints(), [])


if __name__ == "__main__":
    unittest.main()
