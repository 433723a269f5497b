"""The style sheet of cards: light, dark and on paper."""

from __future__ import annotations

_LIGHT = """
--bg:#f6f7f8;--card:#fff;--sunk:#f3f5f6;--ink:#1b2329;--muted:#586570;--line:#e1e5e8;
--accent:#0b6e80;--accent-soft:#dff0f2;--bar:#4a9fae;
--good:#1a7a43;--good-soft:#e2f3e8;--warn:#8a5a00;--warn-soft:#fbf0d7;--bad:#b8262f;
--bad-soft:#fbe6e6;--info:#2360b5;--info-soft:#e4edfa;
--string:#22703f;--number:#8a4a00;--keyword:#9a2a6b;--comment:#66727c;--name:#1f5aa8;
--c1:#2b7f92;--c2:#d0752f;--c3:#5b7bbf;--c4:#b8566f;--c5:#6c9a3f;--c6:#8a66b3;--c7:#a08a2e;
--c8:#6b7780;color-scheme:light
"""

_DARK = """
--bg:#11161a;--card:#181f24;--sunk:#12181c;--ink:#e3e8eb;--muted:#9aa7b1;--line:#2c363d;
--accent:#5cc0d0;--accent-soft:#15363c;--bar:#4aa3b3;
--good:#63c98a;--good-soft:#16321f;--warn:#e0b25a;--warn-soft:#382b10;--bad:#f28b8b;
--bad-soft:#3d1c1f;--info:#88b4f0;--info-soft:#1a2c47;
--string:#8fd0a4;--number:#e2b072;--keyword:#e594c3;--comment:#8b98a2;--name:#8fbaf2;
--c1:#5cc0d0;--c2:#eb9d62;--c3:#8ea9e6;--c4:#e58ba0;--c5:#a3cc76;--c6:#bb9be0;--c7:#d3c06c;
--c8:#9aa7b1;color-scheme:dark
"""

_PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 24px 56px}
code,pre,.chip,.tree,.log{
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
code,.chip{font-size:.88em}
pre{margin:0;font-size:13px;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere}
a{color:var(--accent);text-underline-offset:2px}
h1,h2,h3,h4,h5,h6{line-height:1.25;margin:0;font-weight:650}
h1{font-size:26px;letter-spacing:-.01em}
h2{font-size:17px}
h3{font-size:15.5px}
h4,h5,h6{font-size:15px}
p{margin:0}
.muted,.note{color:var(--muted)}
.note{font-size:13px;margin-top:6px}
.problem{color:var(--warn)}
.missing{color:var(--muted)}
.chip{display:inline-block;padding:1px 7px;border-radius:5px;background:var(--sunk);
color:var(--muted);white-space:nowrap}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
summary{cursor:pointer}
summary h2{display:inline}
header.card-head{margin-bottom:22px}
header .path{color:var(--muted);font-size:13px;overflow-wrap:anywhere}
header .title{display:flex;flex-wrap:wrap;align-items:center;gap:12px;margin:4px 0 14px}
.state{font-size:12.5px;font-weight:600;padding:2px 10px;border-radius:999px;
background:var(--sunk);color:var(--muted)}
.state.is-succeeded,.state.is-reused{background:var(--good-soft);color:var(--good)}
.state.is-running,.state.is-retrying{background:var(--info-soft);color:var(--info)}
.state.is-tolerated{background:var(--warn-soft);color:var(--warn)}
.state.is-failed,.state.is-lost{background:var(--bad-soft);color:var(--bad)}
.facts{display:flex;flex-wrap:wrap;gap:10px 30px;margin:0}
.facts div{min-width:0;max-width:100%}
.facts dt{font-size:12px;color:var(--muted)}
.facts dd{margin:0;font-size:14px;overflow-wrap:anywhere}
.facts.small{gap:6px 22px;margin:4px 0 10px}
.facts.small dd{font-size:13.5px}
.body>.part,.body>.row{margin:0 0 20px}
section>.part,details>.part,.folding>.part{margin:12px 0 0}
section.part>h2,.folding>summary{padding-bottom:6px;border-bottom:1px solid var(--line)}
.body>section.part{margin:30px 0 24px}
.body>section.part:first-child{margin-top:0!important}
"""

_TABLES = """
.scroll{overflow:auto;width:fit-content;max-width:100%;max-height:520px;
border:1px solid var(--line);border-radius:8px;
background:var(--card)}
table{border-collapse:separate;border-spacing:0;font-size:13.5px;min-width:100%}
th,td{padding:6px 14px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{position:sticky;top:0;background:var(--sunk);font-weight:600;white-space:nowrap;z-index:1}
tbody tr:last-child td{border-bottom:0}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td .part{margin:0!important;min-width:140px}
th .dtype{display:block;font-weight:400;font-size:11.5px;color:var(--muted)}
th svg{display:block;margin-top:4px}
.number svg{margin-left:auto}
"""

_PARTS = """
.markdown>*+*{margin-top:10px}
.markdown .level-1{font-size:22px}.markdown .level-2{font-size:18px}
.markdown .level-3{font-size:16px}
.markdown *+.level-1,.markdown *+.level-2,.markdown *+.level-3{margin-top:20px}
.markdown ul,.markdown ol{margin:10px 0;padding-left:26px}.markdown li+li{margin-top:3px}
.markdown li>ul,.markdown li>ol{margin:3px 0}
.markdown blockquote{margin:10px 0;padding:2px 0 2px 14px;border-left:3px solid var(--line);
color:var(--muted)}
.markdown hr{border:0;border-top:1px solid var(--line);margin:20px 0}
.markdown p code,.markdown li code,.markdown td code{background:var(--sunk);padding:1px 5px;
border-radius:4px}
.markdown img,.html img{max-width:100%}
.html{overflow-x:auto}
pre.code,pre.log,pre.text{padding:12px 14px;background:var(--sunk);border:1px solid var(--line);
border-radius:8px;overflow:auto;max-height:520px}
pre.code{white-space:pre}pre.code code{font-size:inherit}
figure{margin:0}
figure img{max-width:100%;height:auto;display:block;border-radius:6px;background:#fff}
figcaption{font-size:13px;color:var(--muted);margin-top:6px}
.progress{max-width:560px}
.progress-head{display:flex;justify-content:space-between;gap:16px;font-size:14px}
.progress-head span:last-child{font-variant-numeric:tabular-nums;white-space:nowrap}
.track{height:8px;margin-top:6px;border-radius:4px;background:var(--line);overflow:hidden}
.track div{height:100%;border-radius:4px;background:var(--accent)}
.track.unknown{background:repeating-linear-gradient(45deg,var(--line) 0 8px,var(--sunk) 8px 16px)}
.row{display:flex;flex-wrap:wrap;gap:14px}
.row>.part{margin:0}
.box{display:inline-block;vertical-align:top;min-width:190px;max-width:420px;padding:14px 18px;
margin-right:12px!important;background:var(--card);border:1px solid var(--line);
border-left:4px solid var(--muted);border-radius:8px}
.box-title{font-size:13px;color:var(--muted)}
.box-value{font-size:28px;line-height:1.25;font-weight:650;letter-spacing:-.01em;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.box-subtitle{font-size:13px;color:var(--muted)}
.box-change{font-size:13px;margin-top:4px;font-weight:600}
.box.theme-success{border-left-color:var(--good)}.theme-success .box-change{color:var(--good)}
.box.theme-warning{border-left-color:var(--warn)}.theme-warning .box-change{color:var(--warn)}
.box.theme-danger{border-left-color:var(--bad)}.theme-danger .box-change{color:var(--bad)}
.box.theme-bg-gradient-indigo-purple{background:linear-gradient(120deg,#4338a8,#7a2ea6);
border-color:transparent;color:#fff}
.theme-bg-gradient-indigo-purple p{color:#fff}
.chart .vega{position:relative;overflow-x:auto}
.vega svg{max-width:100%}
.vega-actions{display:flex;gap:16px;font-size:13px}
.error{padding:12px 16px;border:1px solid var(--bad);border-left-width:4px;border-radius:8px;
background:var(--bad-soft)}
.error-title{font-weight:650;color:var(--bad)}
.error-message{margin-top:2px;overflow-wrap:anywhere;white-space:pre-wrap}
.error details{margin-top:8px}.error summary{font-size:13px;color:var(--muted)}
.error pre{margin-top:6px;background:var(--card)!important}
.viewer{position:relative;border:1px solid var(--line);border-radius:8px;background:var(--card);
padding:8px 14px}
.viewer>details>summary,.viewer-title{font-size:13px;font-weight:600}
.viewer button{position:absolute;top:6px;right:10px;font:inherit;font-size:12.5px;padding:1px 9px;
color:var(--muted);background:var(--sunk);border:1px solid var(--line);border-radius:5px;
cursor:pointer}
.viewed{overflow:auto;max-height:520px;margin-top:6px}
.to-copy{display:none}
.values{font-size:13px;overflow-wrap:anywhere;
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.tree{font-size:13px;line-height:1.6}
.tree details{padding-left:0}
.tree .branch,.tree>.leaf+.leaf{padding-left:18px}
.tree .branch .leaf{padding-left:12px}
.tree .end{padding-left:12px}
.tree .leaf{overflow-wrap:anywhere}
.k-string{color:var(--string)}.k-number{color:var(--number)}.k-keyword{color:var(--keyword)}
.k-comment{color:var(--comment);font-style:italic}.k-name{color:var(--name)}
.k-decorator{color:var(--accent)}.k-builtin{color:var(--c6)}
"""

_TASK = """
.timeline h3+.note{margin-top:2px}
.timeline ol{list-style:none;margin:12px 0 0;padding:0 0 0 7px}
.event{position:relative;padding:0 0 16px 22px;border-left:2px solid var(--line)}
.event:last-child{border-left-color:transparent;padding-bottom:0}
.event::before{content:"";position:absolute;left:-7px;top:6px;width:12px;height:12px;
border-radius:50%;background:var(--muted);border:2px solid var(--bg)}
.event.theme-success::before{background:var(--good)}.event.theme-warning::before{background:var(--warn)}
.event.theme-error::before{background:var(--bad)}.event.theme-info::before,
.event.theme-primary::before{background:var(--info)}
.event.theme-tool_call::before{background:var(--c6)}
.event.theme-ai_response::before{background:var(--accent)}
.event.priority-low{opacity:.75}
.event.priority-high strong::after{content:" · high";font-weight:400;color:var(--warn)}
.event.priority-critical strong::after{content:" · critical";color:var(--bad)}
.event-head{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline}
.event-head span{font-size:12.5px;font-variant-numeric:tabular-nums}
.event details{margin-top:4px}.event summary{font-size:13px;color:var(--muted)}
.event details>.part{margin:6px 0 0}
.artifact-name{margin-bottom:4px}.artifact-name code{font-weight:650}
.artifacts{border:1px solid var(--line);border-radius:8px;background:var(--card);overflow:hidden}
.line+.line{border-top:1px solid var(--line)}
.line>summary{display:grid;align-items:center;gap:12px;padding:8px 14px;list-style:none;
grid-template-columns:minmax(90px,190px) minmax(60px,130px) minmax(0,1fr) 96px 78px}
.line>summary::-webkit-details-marker{display:none}
.line>summary:hover{background:var(--sunk)}
.line .name{font-weight:650;overflow-wrap:anywhere}
.line .name::before{content:"▸";display:inline-block;width:15px;color:var(--muted);font-weight:400}
.line[open] .name::before{content:"▾"}
.line .chip{overflow:hidden;text-overflow:ellipsis;justify-self:start;max-width:100%}
.line .gist{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--muted);
font-size:13.5px}
.line .size{text-align:right;font-size:12.5px;font-variant-numeric:tabular-nums}
.thumb svg{display:block}
.unfolded{padding:6px 14px 14px 29px}
.plot .bar{fill:var(--bar)}.plot .line{fill:none;stroke:var(--bar);stroke-width:1.6;
stroke-linejoin:round}
.plot .area{fill:var(--accent-soft)}
.distribution{width:fit-content;max-width:100%;margin:6px 0}
.distribution svg{border-bottom:1px solid var(--line);max-width:100%}
.distribution .ends{display:flex;justify-content:space-between;font-size:12px;color:var(--muted)}
figure.curve{display:inline-block;vertical-align:top;max-width:100%;
margin:12px 24px 6px 0!important}
figure.curve figcaption{margin:0 0 4px;font-variant-numeric:tabular-nums}
figure.curve svg{display:block;max-width:100%;border-bottom:1px solid var(--line)}
figure.curve .ends{display:flex;justify-content:space-between;font-size:12px;color:var(--muted)}
svg.graph{display:block;margin:14px;font-size:12.5px}
.graph .node rect{fill:var(--card);stroke:var(--line);stroke-width:1.5}
.graph .node text{fill:var(--ink);text-anchor:middle}
.graph .is-succeeded rect,.graph .is-reused rect{stroke:var(--good)}
.graph .is-failed rect,.graph .is-lost rect{stroke:var(--bad)}
.graph .is-running rect{stroke:var(--info)}
.graph .marked rect{fill:var(--accent-soft);stroke:var(--accent);stroke-width:2.5}
.graph .marked text{font-weight:700}
.graph .edge{fill:none;stroke:var(--muted);stroke-width:1.3}
.graph .many{stroke-width:2.6;stroke-dasharray:5 3}
.graph .tip{fill:var(--muted)}
footer{margin-top:44px;padding-top:12px;border-top:1px solid var(--line);font-size:12.5px;
color:var(--muted)}
@media (max-width:720px){main{padding:18px 14px 40px}
.line>summary{grid-template-columns:minmax(0,1fr) auto 72px}
.line .gist,.line .thumb{display:none}}
"""

_PAPER = """
@media print{:root{--bg:#fff}body{font-size:12px}main{max-width:none;padding:0}
.scroll,pre.code,pre.log,pre.text,.viewed{max-height:none!important;overflow:visible}
pre.code{white-space:pre-wrap}
button,.vega-actions{display:none!important}
th{position:static}
tr,figure,.box,.event,.error,svg{break-inside:avoid}h2,h3{break-after:avoid}
.track div,.bar,.box,.state,.event::before,.area{print-color-adjust:exact;
-webkit-print-color-adjust:exact}
a[href^="http"]::after{content:" (" attr(href) ")";font-size:.85em;color:var(--muted)}}
"""


def style_sheet() -> str:
    """Return the style sheet; on paper it is always light."""
    dark = "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}".format(_DARK.strip())
    light = ":root{{{}}}".format(_LIGHT.strip())
    return "\n".join((light, dark, _PAGE, _TABLES, _PARTS, _TASK, _PAPER))
