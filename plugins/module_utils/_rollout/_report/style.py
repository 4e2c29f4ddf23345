# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look of the page: one style sheet, for light and dark, for a phone, a desk and paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#15181e;--muted:#566070;--line:#e2e5ea;--soft:#f0f2f5;
--placing:#b4becd;--pulling:#86b8ea;--starting:#3f86d6;--running:#f0b43c;--healthy:#23a06b;--draining:#9c89da;--stopping:#b2b8c3;
--bad:#cf2f47;--good:#14804f;--v0:#7d95b5;--v1:#23a06b;--v2:#c77dba;--v3:#e0883a;--v4:#4fb3bf;--texture:rgba(255,255,255,.55);
  --shadow:0 1px 2px rgba(16,24,40,.06),0 4px 16px rgba(16,24,40,.05)}
@media (prefers-color-scheme:dark){:root{--bg:#0e1116;--card:#171b22;--ink:#e8ecf2;--muted:#9aa5b5;--line:#2a313c;--soft:#1f252e;
--placing:#566172;--pulling:#5f9bd8;--starting:#2f74c4;--running:#dfa22c;--healthy:#2bb179;--draining:#8773cf;--stopping:#667080;
--bad:#f0566c;--good:#35c288;--v0:#6d87aa;--texture:rgba(0,0,0,.38);--shadow:none}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Helvetica,Arial,sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:0 16px 40px}
h1,h2,p,dl,dd,ol,ul,figure{margin:0;padding:0}
.hero{color:#fff;background:var(--hero)}
.hero>div{max-width:1080px;margin:0 auto;padding:28px 16px 72px}
.hero .over{font-size:14px;opacity:.86;margin-bottom:14px}
.hero .line{display:flex;gap:16px;align-items:center}
.hero svg{flex:none;width:52px;height:52px}
.hero h1{font-size:clamp(30px,6vw,44px);line-height:1.1;letter-spacing:-.02em;font-weight:700}
.hero p{font-size:clamp(16px,2.4vw,19px);margin-top:12px;max-width:44em}
.hero .chip{display:inline-block;margin-top:14px;padding:3px 12px;border-radius:99px;background:rgba(255,255,255,.18);font-size:14px;
  font-weight:600}
.succeeded{--hero:linear-gradient(135deg,#0c6b42,#14804f)}
.failed{--hero:linear-gradient(135deg,#8f1c33,#b3263c)}
.rolled_back{--hero:linear-gradient(135deg,#7a3c06,#9c5208)}
.timed_out{--hero:linear-gradient(135deg,#5f2a63,#7c3a80)}
.superseded{--hero:linear-gradient(135deg,#37435a,#4b5a75)}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:22px;margin-top:16px;box-shadow:var(--shadow)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:1px;padding:0;overflow:hidden;background:var(--line);
  margin-top:-44px;position:relative}
.facts>div{background:var(--card);padding:16px 20px}
.facts dt,.pairs dt{font-size:13px;color:var(--muted)}
.facts dd{font-size:24px;font-weight:650;letter-spacing:-.01em;line-height:1.25}
.facts dd.bad{color:var(--bad)}
.facts dd small{display:block;font-size:13px;font-weight:400;color:var(--muted);letter-spacing:0}
h2{font-size:18px;letter-spacing:-.01em;margin-bottom:12px}
h3{font-size:13px;font-weight:600;color:var(--muted);margin:18px 0 6px}
code,pre,.id,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.evidence{list-style:none}
.evidence li{padding:10px 14px;border-left:3px solid var(--bad);background:var(--soft);border-radius:0 8px 8px 0;margin-bottom:8px;
  font-size:15px}
pre{margin:0;padding:14px 16px;background:#11151b;color:#dfe6ee;border-radius:10px;font-size:13px;line-height:1.55;
  white-space:pre-wrap;max-height:420px;overflow:auto}
.todo{display:flex;gap:12px;margin-top:16px;padding:14px 16px;border-radius:10px;
  background:color-mix(in srgb,var(--starting) 12%,var(--card));border:1px solid color-mix(in srgb,var(--starting) 30%,var(--card))}
.todo strong{white-space:nowrap}
.back{margin-top:12px;color:var(--muted)}
.back.yes::before{content:"✓ ";color:var(--good);font-weight:700}
.back.no::before{content:"✕ ";color:var(--bad);font-weight:700}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin-bottom:6px;font-size:13px;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:7px}
.swatch{flex:none}
.textures{position:absolute}
.chart{display:block;width:100%;height:auto}
.chart.narrow{display:none}
.chart text{fill:var(--ink);font-size:12px}
.chart .tick,.chart .note{fill:var(--muted);font-size:11.5px}
.chart .side{font-size:13px;font-weight:650}
.chart .id{font-size:12px;fill:var(--muted)}
.chart .id.bad{fill:var(--ink)}
.chart .why{fill:var(--bad);font-size:12px;font-weight:600}
.chart .grid{stroke:var(--line);stroke-width:1}
.chart .rail{stroke:var(--line);stroke-width:1}
.p-placing{fill:var(--placing)}.p-pulling{fill:var(--pulling)}.p-starting{fill:var(--starting)}.p-running{fill:var(--running)}
.p-healthy{fill:var(--healthy)}.p-draining{fill:var(--draining)}.p-stopping{fill:var(--stopping)}.p-failed{fill:var(--bad)}
.v0{fill:var(--v0)}.v1{fill:var(--v1)}.v2{fill:var(--v2)}.v3{fill:var(--v3)}.v4{fill:var(--v4)}
.texture{fill:var(--texture)}
.gone{fill:var(--card);stroke:var(--muted);stroke-width:1.5}
.fail{fill:var(--bad);stroke:var(--card);stroke-width:1.5}
.cross{stroke:#fff;stroke-width:1.8;stroke-linecap:round;fill:none}
.verdict-mark line{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:3 3}
.verdict-mark path{fill:var(--ink)}
.chart .verdict-mark text{font-size:12px;font-weight:650}
figcaption,.note{font-size:13px;color:var(--muted);margin-top:8px}
details{margin-top:14px}
summary{cursor:pointer;font-size:14px;color:var(--muted);padding:4px 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px;white-space:nowrap}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--muted);font-weight:600}
td.reason{white-space:normal;min-width:220px}
.pairs{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px 20px}
.pairs dd{font-weight:600}
.events{list-style:none;font-size:14px}
.events li{display:grid;grid-template-columns:84px 1fr;gap:12px;padding:7px 0;border-top:1px solid var(--line)}
.events li:first-child{border-top:0}
.events time{color:var(--muted);text-align:right}
.events .bad{color:var(--bad)}
.ids .pairs{grid-template-columns:repeat(auto-fit,minmax(250px,1fr))}
.ids dd{font-weight:400;color:var(--ink);font-size:12.5px}
footer{margin-top:22px;text-align:center;font-size:13px;color:var(--muted)}
@media (max-width:640px){main{padding:0 12px 32px}.hero>div{padding:22px 16px 66px}.hero .line{gap:12px}.hero svg{width:42px;
  height:42px}.card{padding:18px 16px}
.facts{padding:0;grid-template-columns:1fr 1fr}.facts>div{padding:14px 16px}.facts>div:last-child:nth-child(odd){grid-column:1/-1}
  .facts dd{font-size:21px}.chart.wide{display:none}
  .chart.narrow{display:block}
.todo{display:block}.todo strong{display:block;margin-bottom:2px}.events li{grid-template-columns:66px 1fr;gap:10px}}
@media print{body{background:#fff}.card{break-inside:avoid;box-shadow:none}.hero{-webkit-print-color-adjust:exact;
  print-color-adjust:exact}pre{max-height:none}}
""".strip()
