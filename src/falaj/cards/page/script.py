"""The page's own script: copying, charts, and staying in place where the page is loaded anew."""

from __future__ import annotations

import base64
import hashlib

# Colours are names of the style sheet's, so that charts follow light, dark and paper by themselves.
SCRIPT = """
document.addEventListener("click", function (event) {
  var button = event.target.closest("[data-copy]");
  if (!button) return;
  var text = document.getElementById(button.dataset.copy).textContent;
  var done = function () { button.textContent = "Copied"; };
  var select = function () {
    var area = document.createElement("textarea");
    area.value = text;
    document.body.appendChild(area);
    area.select();
    if (document.execCommand("copy")) done();
    area.remove();
    button.focus();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, select);
  else select();
});
var settle = function () {};
(function () {
  // In a frame the page is loaded anew whenever the card has changed. Its name outlives it there.
  if (window === window.parent) return;
  var here = location.pathname, folds = document.querySelectorAll("details"), kept = null;
  try { kept = JSON.parse(window.name); } catch (error) { kept = null; }
  if (kept && kept.here === here) {
    if (kept.open.length === folds.length)
      folds.forEach(function (fold, place) { fold.open = kept.open[place]; });
    settle = function () { window.scrollTo(0, kept.top); };
    settle();
  }
  var keep = function () {
    var open = Array.prototype.map.call(folds, function (fold) { return fold.open; });
    window.name = JSON.stringify({ here: here, top: window.scrollY, open: open });
  };
  window.addEventListener("scroll", keep);
  // What folds tells only those who listen on the way down.
  document.addEventListener("toggle", keep, true);
})();
(function () {
  if (typeof vegaEmbed === "undefined") return;
  var named = function (name) { return "var(--" + name + ")"; };
  // A saved image knows no style sheet.
  var found = function (name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  };
  var configure = function (colour) {
    var muted = colour("muted"), ink = colour("ink"), line = colour("line");
    var range = [1, 2, 3, 4, 5, 6, 7, 8].map(function (n) { return colour("c" + n); });
    var mark = range[0];
    return {
    background: "transparent",
    font: "system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif",
    view: { stroke: line },
    style: { "guide-label": { fill: muted, fontSize: 12 }, "guide-title": { fill: ink },
      "group-title": { fill: ink }, "group-subtitle": { fill: muted } },
    title: { color: ink, subtitleColor: muted, anchor: "start", fontSize: 14 },
    axis: { domainColor: muted, gridColor: line, tickColor: line, labelColor: muted,
      titleColor: ink, titleFontWeight: 600 },
    header: { labelColor: muted, titleColor: ink },
    legend: { labelColor: muted, titleColor: ink },
    range: { category: range },
    mark: { color: mark, tooltip: true },
    text: { color: ink },
    arc: { fill: mark }, area: { fill: mark }, path: { stroke: mark }, rect: { fill: mark },
    bar: { fill: mark }, line: { stroke: mark }, shape: { stroke: mark }, symbol: { fill: mark },
    point: { color: mark }, rule: { color: ink }, trail: { fill: mark }
    };
  };
  document.querySelectorAll(".vega").forEach(function (place) {
    var spec = JSON.parse(place.dataset.spec);
    var actions = place.dataset.controls
      ? { export: true, source: false, compiled: false, editor: false } : false;
    place.textContent = "";
    var drawing = document.createElement("div");
    drawing.style.width = "100%";
    place.appendChild(drawing);
    vegaEmbed(drawing, spec, {
      // Expressions are interpreted, never compiled: the page forbids new code.
      ast: true, renderer: "svg", defaultStyle: false,
      config: configure(actions ? found : named),
      actions: actions, downloadFileName: "chart"
    }).then(function () { settle(); }).catch(function (error) {
      place.textContent = "";
      var note = document.createElement("p");
      note.className = "note problem";
      note.textContent = "The chart can't be drawn: " + error.message;
      place.appendChild(note);
    });
  });
})();
"""


def source_hash(script: str) -> str:
    """Return the name by which a content security policy allows exactly this script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "'sha256-{}'".format(base64.b64encode(digest).decode("ascii"))
