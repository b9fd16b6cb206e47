"""The longer statements of `database`, and what its tables hold.

batch     lines of some files after their headers, as they are read; the next ones take its place
file      its number, its lines after the header, and the context in which its codes and its machine are understood
line      a line, without what is in `kind`, `launch` and `failure`
kind      what became of a worker, once for all workers that say the same
launch    a timed launch that was ok
failure   timed launches of a line that were not, alike ones once
spot      a cell at a place in a context, and the group, a cell of the report, that it belongs to
worker    a worker line that counts, numbered in the order of files and lines
timed     the launches that were ok of workers that ran, of cells of the report
rank      the places, among all launches of a series, that are asked for
"""

from __future__ import annotations

CLOCKS = ("blocked", "reach", "total", "written")

SAMPLES = """STRUCT(warmup INTEGER[], command INTEGER[], outcome INTEGER[], errno INTEGER[], status INTEGER[],
    "call" BIGINT[], returned BIGINT[], reached BIGINT[], reaped BIGINT[], written BIGINT[])"""
OUTCOME = "STRUCT(kind VARCHAR, errno INTEGER, signal INTEGER, reason VARCHAR)"

LINE = {
    "type": "VARCHAR",
    "session": "INTEGER",
    "interrupted": "VARCHAR",
    "boots": "JSON",
    "round": "INTEGER",
    "position": "INTEGER",
    "cell": "JSON",
    "place": "JSON",
    "outcome": OUTCOME,
    "planned": "BIGINT",
    "census": "JSON",
    "findings": "JSON",
    "mechanism": "VARCHAR",
    "contradiction": "VARCHAR",
    "bystander_max_ns": "BIGINT",
    "bystander_control_max_ns": "BIGINT",
    "pages_written": "BIGINT",
    "inherited": "JSON",
    "broken_promises": "JSON",
    "overcommit": "STRUCT(mode INTEGER)",
    "samples": SAMPLES,
}
"""The fields that are read; what is not named here costs nothing but its parsing."""

KIND = (
    *("cell", "place", "outcome", "census", "findings", "mechanism", "contradiction", "overcommit"),
    *("pages_written", "inherited", "broken_promises"),
)
"""The fields that say what became of a worker, beside its samples."""

HAZARD = {
    "type": "VARCHAR",
    "session": "INTEGER",
    "hazard": "VARCHAR",
    "strategy": "VARCHAR",
    "mitigation": "VARCHAR",
    "started": "VARCHAR",
    "outcome": "JSON",
    "oracle": "VARCHAR",
    "planned": "BIGINT",
    "trials": "BIGINT",
    "hits": "BIGINT",
    "hangs": "BIGINT",
    "met": "BOOLEAN",
    "detail": "VARCHAR",
    "spent_ns": "JSON",
    "strays": "JSON",
    "not_made": "BIGINT",
}

SCHEMA = f"""
    CREATE TABLE file (file INTEGER, lines BIGINT, context INTEGER, run INTEGER, ok_code INTEGER);
    CREATE TABLE line (line INTEGER, file INTEGER, type VARCHAR, session INTEGER, interrupted VARCHAR, boots JSON,
                       round INTEGER, position INTEGER, kind INTEGER, not_reached BIGINT, bystander_max_ns BIGINT,
                       bystander_control_max_ns BIGINT, odd BOOLEAN);
    CREATE TABLE kind (kind INTEGER, {", ".join(f"{name} {LINE[name]}" for name in KIND)});
    CREATE TABLE launch (line INTEGER, command INTEGER, {", ".join(f"{clock} BIGINT" for clock in CLOCKS)});
    CREATE TABLE failure (line INTEGER, command INTEGER, outcome INTEGER, errno INTEGER, status INTEGER,
                          launches BIGINT);
    CREATE TABLE spot (spot INTEGER, context INTEGER, cell VARCHAR, place VARCHAR, cell_id INTEGER, grp INTEGER);
    CREATE TABLE rank (clock VARCHAR, series BIGINT, ranks BIGINT[]);
"""

UNEVEN = " OR ".join(
    f"len(samples.{name}) IS DISTINCT FROM len(samples.call)"
    for name in ("warmup", "command", "outcome", "errno", "status", "returned", "reached", "reaped")
)
HOLED = " OR ".join(
    f"list_count(samples.{name}) <> len(samples.{name})" for name in ("warmup", "command", "outcome", "errno", "call")
)

ODD = f"""
    type IS NULL OR type NOT IN ('session', 'worker', 'hazard', 'footer')
    OR type = 'worker' AND (
        session IS NULL OR round IS NULL OR position IS NULL OR cell IS NULL OR outcome.kind IS NULL
        OR planned IS NULL OR findings IS NULL
        OR samples IS NOT NULL AND ({UNEVEN} OR {HOLED})
    )
"""

BATCH = f"""
    CREATE TEMP TABLE batch AS
    SELECT {{mark}} AS file, {", ".join(LINE)}, ({ODD}) IS TRUE AS odd
    FROM read_json($parts, columns = {{columns}}, format = 'newline_delimited', compression = 'none',
                   ignore_errors = true, maximum_object_size = {{size}})
    WHERE {{mark}} IS NOT NULL
"""
"""A line that is not JSON, or whose fields are of another kind, has no file either: its file is short of a line."""

KINDS = f"""
    INSERT INTO kind
    SELECT (SELECT count(*) FROM kind) + row_number() OVER (), *
    FROM (SELECT {", ".join(KIND)} FROM batch WHERE type = 'worker' AND NOT odd
          EXCEPT SELECT {", ".join(KIND)} FROM kind)
"""

LINES = f"""
    INSERT INTO line
    SELECT $before + batch.rowid, file, type, session, interrupted, boots, round, position, kind.kind,
           greatest(0, planned - coalesce(len(samples.call), 0)), bystander_max_ns, bystander_control_max_ns, odd
    FROM batch
    LEFT JOIN kind ON {" AND ".join(f"kind.{name} IS NOT DISTINCT FROM batch.{name}" for name in KIND)}
"""

TIMED = """
    SELECT $before + line AS line, command, outcome, errno, status, outcome = ok_code AS ok,
           returned - "call" AS blocked, reached - "call" AS reach, reaped - "call" AS total, written
    FROM (
        SELECT batch.rowid AS line, ok_code, unnest(samples.warmup) AS warmup, unnest(samples.command) AS command,
               unnest(samples.outcome) AS outcome, unnest(samples.errno) AS errno, unnest(samples.status) AS status,
               unnest(samples.call) AS "call", unnest(samples.returned) AS returned,
               unnest(samples.reached) AS reached, unnest(samples.reaped) AS reaped,
               unnest(samples.written) AS written
        FROM batch
        JOIN file USING (file)
        WHERE type = 'worker' AND NOT odd AND samples IS NOT NULL
    )
    WHERE warmup = 0
"""

LAUNCHES = f"INSERT INTO launch SELECT line, command, {', '.join(CLOCKS)} FROM ({TIMED}) WHERE ok"

FAILURES = f"""
    INSERT INTO failure
    SELECT line, command, outcome, errno, status, count(*)
    FROM ({TIMED})
    WHERE NOT ok
    GROUP BY line, command, outcome, errno, status
"""

SHORT = """
    SELECT file.file, any_value(file.lines) - count(line.file) FILTER (WHERE NOT odd) AS lines
    FROM file
    LEFT JOIN line USING (file)
    GROUP BY file.file
    HAVING lines <> 0
"""
"""Files with lines that are not plainly of the format, and how many."""

SPOTS = """
    SELECT context, cell, place
    FROM (
        SELECT file.context, line.kind, min({'f': line.file, 's': session, 'r': round, 'p': position}) AS first
        FROM line
        JOIN file USING (file)
        WHERE line.type = 'worker'
        GROUP BY file.context, line.kind
    )
    JOIN kind USING (kind)
    GROUP BY context, cell, place
    ORDER BY min(first), cell, place
"""

WORKERS = """
    CREATE TABLE worker AS
    WITH placed AS MATERIALIZED (
        SELECT kind, context, spot, grp, cell_id, NOT list_contains($not_started, outcome.kind) AS ran
        FROM kind
        JOIN spot ON spot.cell = kind.cell AND spot.place IS NOT DISTINCT FROM kind.place
    )
    SELECT row_number() OVER (ORDER BY file, session, round, position, spot) AS worker, *
    FROM (
        SELECT line, file, run, context, kind, spot, grp, cell_id, session, round, position, not_reached, ran
        FROM line
        JOIN file USING (file)
        JOIN placed USING (kind, context)
        WHERE type = 'worker'
    )
"""

TIMED_WORKERS = """
    CREATE VIEW timed AS
    SELECT worker, grp, context, round, launch.*
    FROM launch
    JOIN worker USING (line)
    WHERE ran AND grp >= 0
"""

REPEATED = """
    SELECT worker.worker, worker.file, worker.cell_id, worker.round, first.file
    FROM worker
    JOIN (
        SELECT run, cell_id, round, min(worker) AS worker
        FROM worker
        GROUP BY run, cell_id, round
        HAVING count(*) > 1
    ) AS kept USING (run, cell_id, round)
    JOIN worker AS first ON first.worker = kept.worker
    WHERE worker.worker > kept.worker
    ORDER BY worker.worker
"""

SHAPES = """
    SELECT spot, outcome, census, findings, mechanism, contradiction, overcommit.mode, pages_written, inherited,
           broken_promises, workers, bystander_max_ns, bystander_control_max_ns, not_reached
    FROM (
        SELECT spot, worker.kind, count(*) AS workers, max(bystander_max_ns) AS bystander_max_ns,
               max(bystander_control_max_ns) AS bystander_control_max_ns,
               sum(worker.not_reached)::BIGINT AS not_reached, min(worker) AS first
        FROM worker
        JOIN line USING (line)
        WHERE grp >= 0
        GROUP BY spot, worker.kind
    )
    JOIN kind USING (kind)
    ORDER BY first
"""

COUNTS = """
    SELECT grp, command, sum(launches)::BIGINT, coalesce(sum(launches) FILTER (WHERE ok), 0)::BIGINT
    FROM (
        SELECT grp, command, true AS ok, count(*) AS launches FROM timed GROUP BY grp, command
        UNION ALL
        SELECT grp, command, false, launches FROM failure JOIN worker USING (line) WHERE ran AND grp >= 0
    )
    GROUP BY grp, command
    ORDER BY grp, command
"""

FAILED = """
    SELECT grp, context, outcome, errno, status, sum(launches)::BIGINT
    FROM failure
    JOIN worker USING (line)
    WHERE ran AND grp >= 0
    GROUP BY grp, context, outcome, errno, status
    ORDER BY grp, min(worker), outcome, errno, status
"""

LATENCIES = f"""
    SELECT worker, grp, command, round, {", ".join(CLOCKS)}
    FROM timed
    WHERE grp BETWEEN $low AND $high AND worker BETWEEN $first AND $last
"""

RANKED = """
    SELECT series, list(value ORDER BY place)
    FROM (
        SELECT {series} AS series, {clock} AS value,
               row_number() OVER (PARTITION BY {series} ORDER BY {clock}) AS place
        FROM timed
        WHERE {clock} IS NOT NULL AND grp = $grp
    ) AS ascending
    JOIN (SELECT series, unnest(ranks) AS place FROM rank WHERE clock = '{clock}') AS asked USING (series, place)
    GROUP BY series
"""

ROUND_MEDIANS = """
    SELECT round, avg(total)
    FROM (
        SELECT round, total, row_number() OVER (PARTITION BY round ORDER BY total) AS place,
               count(*) OVER (PARTITION BY round) AS n
        FROM timed
        WHERE total IS NOT NULL AND grp = $grp
    )
    WHERE place IN ((n + 1) // 2, n // 2 + 1)
    GROUP BY round
    ORDER BY round
"""
"""The mean of the middle two, or of the one that is both; sorted on disk, as `RANKED` is."""

COMMANDS = 1 << 32
"""More than a cell may have."""
OF_A_CELL, OF_A_COMMAND = "grp", f"(grp + 1)::BIGINT * {COMMANDS} + command"
"""Series of launches that have a latency: those of a cell, and those of one command in a cell with several."""


def series_of(group: int, command: int | None = None) -> int:
    """Return the number of a series: of a cell, or of one command of its mix."""
    return group if command is None else (group + 1) * COMMANDS + command
