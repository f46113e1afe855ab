"""Debian's headless Chromium, driven through chromedriver by the W3C WebDriver protocol."""

import base64
import json
import pathlib
import shutil
import urllib.request

from processes import Child


class Browser(Child):
    """One window. `directory` is its own, for the profile."""

    _ARGUMENTS = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ]

    def __init__(self, directory):
        driver = shutil.which("chromedriver")
        if not driver:
            raise RuntimeError("chromedriver is missing; run scripts/install-deps test")
        self._directory = pathlib.Path(directory)
        self._session = None
        super().__init__([driver, "--port=0"])

    def wait_until_started(self):
        self.port = int(self.wait_for_line(r"started successfully on port (\d+)").group(1))
        profile = self._directory / "profile"
        self._session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": [*self._ARGUMENTS, f"--user-data-dir={profile}"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})["sessionId"]

    def end(self):
        if self._session:
            self._call("DELETE", f"/session/{self._session}")
        super().end()

    def open(self, url, width=1280, height=900, dark=False):
        """Shows `url` as a screen of that size would, phones included."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self._ask("url", {"url": url})

    def run(self, script):
        """What the function body `script` returns. Not bound by the page's own policy."""
        return self._ask("execute/sync", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        return self._ask("goog/cdp/execute", {"cmd": command, "params": parameters})

    def complaints(self):
        """What the console said since the last call: errors, refused loads, broken policies."""
        return [each["message"] for each in self._ask("se/log", {"type": "browser"})]

    def screenshot(self, file, **part):
        """Of the whole page, or of its `x`, `y`, `width` and `height`."""
        clip = {"clip": {**part, "scale": 1}} if part else {}
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, **clip)
        pathlib.Path(file).write_bytes(base64.b64decode(picture["data"]))

    def _ask(self, what, body):
        return self._call("POST", f"/session/{self._session}/{what}", body)

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
