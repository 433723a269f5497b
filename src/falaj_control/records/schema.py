"""The schema of the records and its migrations, one script per version."""

from __future__ import annotations

VERSION = 3

# Script n brings a database from version n to n+1. A released script never changes.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        flow TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('running', 'succeeded', 'tolerated', 'failed', 'cancelled', 'lost')),
        reason TEXT NOT NULL DEFAULT '',
        cause INTEGER,
        user TEXT NOT NULL,
        script TEXT NOT NULL,
        created_at REAL NOT NULL,
        finished_at REAL,
        origin INTEGER REFERENCES runs (id),
        parameters TEXT,
        code TEXT,
        graph TEXT NOT NULL,
        options TEXT NOT NULL,
        lease TEXT NOT NULL,
        fence INTEGER NOT NULL DEFAULT 1,
        heard_at REAL NOT NULL,
        CHECK ((state = 'running') = (finished_at IS NULL))
    ) STRICT;
    CREATE INDEX runs_by_flow ON runs (flow, id);
    CREATE INDEX runs_running ON runs (state) WHERE state = 'running';

    CREATE TABLE run_tags (
        run INTEGER NOT NULL REFERENCES runs (id),
        tag TEXT NOT NULL,
        system INTEGER NOT NULL CHECK (system IN (0, 1)),
        PRIMARY KEY (run, tag)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_tags_by_tag ON run_tags (tag, run);

    CREATE TABLE steps (
        run INTEGER NOT NULL REFERENCES runs (id),
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        cause INTEGER,
        created_at REAL,
        finished_at REAL,
        PRIMARY KEY (run, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE tasks (
        run INTEGER NOT NULL REFERENCES runs (id),
        id INTEGER NOT NULL,
        step TEXT NOT NULL,
        indices TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'retrying', 'succeeded', 'reused',
            'tolerated', 'failed', 'cancelled', 'lost')),
        reason TEXT NOT NULL,
        cause INTEGER,
        parents TEXT NOT NULL,
        origin_run INTEGER,
        origin_task INTEGER,
        attempt INTEGER NOT NULL DEFAULT 0,
        manifest TEXT,
        transition TEXT,
        label TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        finished_at REAL,
        PRIMARY KEY (run, id),
        UNIQUE (run, step, indices),
        CHECK (state NOT IN ('succeeded', 'reused', 'tolerated') OR manifest IS NOT NULL)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE attempts (
        run INTEGER NOT NULL,
        task INTEGER NOT NULL,
        number INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('running', 'succeeded', 'tolerated', 'failed', 'cancelled', 'lost')),
        reason TEXT NOT NULL DEFAULT '',
        started_at REAL NOT NULL,
        finished_at REAL,
        pid INTEGER,
        exit_code INTEGER,
        error TEXT,
        manifest TEXT,
        usage TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (run, task, number),
        FOREIGN KEY (run, task) REFERENCES tasks (run, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (id),
        at REAL NOT NULL,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        task INTEGER,
        attempt INTEGER,
        reason TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX events_by_run ON events (run, id);
    """,
    # Digests of descriptions in the store: what a step's own environment was, and what the run was
    # launched in.
    """
    ALTER TABLE steps ADD COLUMN environment TEXT;
    ALTER TABLE runs ADD COLUMN environment TEXT;
    """,
    # A step that goes on to itself has several tasks at one place, told by their iteration. Metrics
    # and values that tasks log, the cards that they leave, and how their attempts used the machine.
    """
    CREATE TABLE tasks_3 (
        run INTEGER NOT NULL REFERENCES runs (id),
        id INTEGER NOT NULL,
        step TEXT NOT NULL,
        indices TEXT NOT NULL,
        iteration INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL CHECK (state IN ('running', 'retrying', 'succeeded', 'reused',
            'tolerated', 'failed', 'cancelled', 'lost')),
        reason TEXT NOT NULL,
        cause INTEGER,
        parents TEXT NOT NULL,
        origin_run INTEGER,
        origin_task INTEGER,
        attempt INTEGER NOT NULL DEFAULT 0,
        manifest TEXT,
        transition TEXT,
        label TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        finished_at REAL,
        PRIMARY KEY (run, id),
        UNIQUE (run, step, indices, iteration),
        CHECK (state NOT IN ('succeeded', 'reused', 'tolerated') OR manifest IS NOT NULL)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO tasks_3 (run, id, step, indices, state, reason, cause, parents, origin_run,
        origin_task, attempt, manifest, transition, label, created_at, finished_at)
        SELECT run, id, step, indices, state, reason, cause, parents, origin_run,
        origin_task, attempt, manifest, transition, label, created_at, finished_at FROM tasks;
    DROP TABLE tasks;
    ALTER TABLE tasks_3 RENAME TO tasks;

    ALTER TABLE attempts ADD COLUMN profile TEXT;
    ALTER TABLE runs ADD COLUMN trigger TEXT;

    CREATE TABLE metrics (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        task INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        name TEXT NOT NULL,
        step INTEGER,
        value REAL,
        at REAL NOT NULL,
        FOREIGN KEY (run, task) REFERENCES tasks (run, id)
    ) STRICT;
    CREATE INDEX metrics_by_run ON metrics (run, name, task, attempt);

    CREATE TABLE metric_summaries (
        run INTEGER NOT NULL,
        task INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        name TEXT NOT NULL,
        points INTEGER NOT NULL,
        last REAL,
        last_at REAL NOT NULL,
        least REAL,
        most REAL,
        PRIMARY KEY (run, task, attempt, name),
        FOREIGN KEY (run, task) REFERENCES tasks (run, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE logged_params (
        run INTEGER NOT NULL,
        task INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (run, task, attempt, name),
        FOREIGN KEY (run, task) REFERENCES tasks (run, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE cards (
        run INTEGER NOT NULL,
        task INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        position INTEGER NOT NULL,
        type TEXT NOT NULL,
        id TEXT,
        state TEXT NOT NULL CHECK (state IN ('open', 'rendered', 'failed')),
        reason TEXT NOT NULL DEFAULT '',
        data TEXT,
        html TEXT,
        at REAL NOT NULL,
        PRIMARY KEY (run, task, attempt, position),
        FOREIGN KEY (run, task) REFERENCES tasks (run, id)
    ) STRICT, WITHOUT ROWID;
    """,
)
