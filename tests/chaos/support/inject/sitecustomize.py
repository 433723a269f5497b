"""Counts what launcher, tasks and control write, and kills the chosen one at the n-th.

Python imports this at its start where this folder is on PYTHONPATH. CHAOS_TRACE names a file that
takes one line per counted event; CHAOS_KILL is `ROLE:N` or `ROLE:N:torn`: the process of that
role that is about to do its role's N-th event (from 1) kills itself instead, or, torn, in the
middle of the write. Nothing happens where CHAOS_TRACE is unset.
"""

import os

if os.environ.get("CHAOS_TRACE"):
    import chaos_events

    chaos_events.watch_interpreter()
if os.environ.get("CHAOS_BOOT"):
    import chaos_events

    chaos_events.change_control_boot(os.environ["CHAOS_BOOT"])
