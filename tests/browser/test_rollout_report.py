# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rollout report in a real browser: it fits a phone, follows the reader's colours, and asks for nothing.

Run with `make test-browser`. Leaves a screenshot of each in build/reports, to be looked at.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.document import document
from ansible_collections.steadystate.ecs.plugins.module_utils._rollout._report.page import page
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollout.rollouts_for_reports import bad, good

PICTURES = Path(__file__).resolve().parents[2] / "build" / "reports"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 60
PAGES = {"good": good, "bad": bad}
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
SCHEMES = {"dark": 0, "light": 1}
"""With the number that chromium has for each."""

MEASURE = """<script>
const shown = name => document.querySelector(name) && getComputedStyle(document.querySelector(name)).display !== "none";
const luminance = color => {
  const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
const card = getComputedStyle(document.querySelector(".card:not(.facts)")).backgroundColor;
const contrasts = {};
for (const name of ["h2", ".legend", ".chart text", ".chart .id", ".chart .why", ".events time", ".events .bad", "figcaption"]) {
  const found = document.querySelector(name);
  if (found) {
    const style = getComputedStyle(found);
    contrasts[name] = ratio(luminance(found instanceof SVGElement ? style.fill : style.color), luminance(card));
  }
}
const rows = [...document.querySelectorAll(".chart")].filter(chart => chart.getBoundingClientRect().width > 0);
document.documentElement.dataset.measured = JSON.stringify({
  inner: innerWidth,
  scroll: document.documentElement.scrollWidth,
  wide: shown(".chart.wide"),
  narrow: shown(".chart.narrow"),
  background: luminance(getComputedStyle(document.body).backgroundColor),
  smallest: Math.min(...rows.map(chart => 11.5 * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width)),
  requests: performance.getEntriesByType("resource").length,
  contrasts,
});
</script>"""


@pytest.fixture(scope="session")
def browser() -> str:
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    assert found, f"no browser: install the system package chromium (tried {', '.join(PROGRAMS)})"
    return found


def run(browser: str, folder: Path, file: Path, size: tuple[int, int], scheme: int, *more: str) -> str:
    profile = folder / "profile"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}"]
    command += [f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={size[0]},{size[1]}", *more, file.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_and_can_be_read(browser: str, tmp_path: Path, name: str, size: str, scheme: str) -> None:
    text = page(document(PAGES[name]()))
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.html"
    file.write_text(text, encoding="utf-8")
    picture = PICTURES / f"{name}-{size}-{scheme}.png"
    picture.unlink(missing_ok=True)
    run(browser, tmp_path, file, SIZES[size], SCHEMES[scheme], f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")

    # The page itself forbids scripts. A copy that allows one can say how it is laid out.
    measured = tmp_path / "measured.html"
    without = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert without != text
    measured.write_text(without.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    dom = run(browser, tmp_path, measured, SIZES[size], SCHEMES[scheme], "--dump-dom")
    found: dict[str, Any] = json.loads(html.unescape(re.findall(r'data-measured="([^"]*)"', dom)[0]))

    assert found["scroll"] <= found["inner"], "something is wider than the window"
    assert (found["narrow"], found["wide"]) == ((True, False) if size == "phone" else (False, True))
    assert (found["background"] < 0.1) == (scheme == "dark")
    assert found["smallest"] >= 9.5, "the chart's smallest letters, in pixels"
    assert found["requests"] == 0
    assert {element: round(ratio, 1) for element, ratio in found["contrasts"].items() if ratio < 4.5} == {}
