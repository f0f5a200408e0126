#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""browse.py - what a browser without scripts makes of a page: chromium, led through a pipe (--remote-debugging-pipe).

browse.py FILE PROFILE WIDTH [PICTURE]

Prints the document, then a line "<!-- WIDTH HEIGHT -->": how large it is on a screen of this width, in pixels. PICTURE: what
is seen of it, as PNG; DARK=1 in the environment: on a dark ground, PAPER=1: as it is printed.
"""

import base64
import json
import os
import subprocess
import sys


class Browser:
    def __init__(self, profile):
        to_browser, from_browser = os.pipe(), os.pipe()
        self.out, self.into = os.fdopen(to_browser[1], "wb", 0), os.fdopen(from_browser[0], "rb", 0)

        def descriptors():
            os.dup2(to_browser[0], 13)
            os.dup2(from_browser[1], 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + profile,
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.read, self.number, self.session = b"", 0, None

    def message(self):
        while b"\0" not in self.read:
            part = self.into.read(1 << 16)
            if not part:
                sys.exit("browse.py: the browser has gone")
            self.read += part
        text, self.read = self.read.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        self.out.write(json.dumps(request).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == self.number:
                if "error" in m:
                    sys.exit("browse.py: %s: %s" % (method, m["error"]))
                return m["result"]

    def wait(self, event):
        while self.message().get("method") != event:
            pass


def main():
    path, profile, width = sys.argv[1], sys.argv[2], int(sys.argv[3])
    b = Browser(profile)
    target = b.ask("Target.createTarget", url="about:blank")["targetId"]
    b.session = b.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    b.ask("Page.enable")
    b.ask("Emulation.setScriptExecutionDisabled", value=True)
    b.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    b.ask("Emulation.setEmulatedMedia", media="print" if "PAPER" in os.environ else "screen",
          features=[{"name": "prefers-color-scheme", "value": "dark" if "DARK" in os.environ else "light"}])
    b.ask("Page.navigate", url="file://" + os.path.realpath(path))
    b.wait("Page.loadEventFired")
    size = b.ask("Page.getLayoutMetrics")["cssContentSize"]
    root = b.ask("DOM.getDocument")["root"]["nodeId"]
    print(b.ask("DOM.getOuterHTML", nodeId=root)["outerHTML"])
    print("<!-- %d %d -->" % (size["width"], size["height"]))
    if len(sys.argv) > 4:
        clip = {"x": 0, "y": 0, "width": width, "height": min(size["height"], 16000), "scale": 1}
        picture = b.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        with open(sys.argv[4], "wb") as f:
            f.write(base64.b64decode(picture))
    b.session = None
    b.ask("Browser.close")
    b.process.wait()


main()
