"""How metrics and parameters that a step logs cross to control: kinds of notes, and their form.

A note of METRICS is a list of [name, value, step or null, time]; one of PARAMS a list of
[name, JSON text or null, digest of a blob that holds it or null, time].
"""

from __future__ import annotations

METRICS = "metrics"
PARAMS = "params"
