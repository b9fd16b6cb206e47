"""The longer statements of `database`, and what its tables hold.

line      a line of a file after its header, as far as it is read
file      its number, its lines after the header, and the context in which its codes and its machine are understood
spot      a cell at a place in a context, and the group, a cell of the report, that it belongs to
worker    a worker line that counts, numbered in the order of files and lines
launch    a timed launch of a worker that ran
median    a worker's medians, one row for each series of launches that has a latency
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
    CREATE TABLE line (file INTEGER, {", ".join(f"{name} {type_}" for name, type_ in LINE.items())});
    CREATE TABLE spot (spot INTEGER, context INTEGER, cell VARCHAR, place VARCHAR, cell_id INTEGER, grp INTEGER);
    CREATE TABLE median (worker BIGINT, series BIGINT, {", ".join(f"{clock} DOUBLE" for clock in CLOCKS)},
                         {", ".join(f"{clock}_n BIGINT" for clock in CLOCKS)});
    CREATE TABLE rank (clock VARCHAR, series BIGINT, ranks BIGINT[]);
"""

LOAD = """
    INSERT INTO line
    SELECT {mark}, {names}
    FROM read_json($parts, columns = {columns}, format = 'newline_delimited', compression = 'none',
                   ignore_errors = true, maximum_object_size = {size})
    WHERE {mark} IS NOT NULL
"""
"""A line that is not JSON, or whose fields are of another kind, has no file either: its file is short of a line."""

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

SHORT = f"""
    SELECT file.file, any_value(file.lines) - count(line.file) FILTER (WHERE ({ODD}) IS NOT TRUE) AS lines
    FROM file
    LEFT JOIN line USING (file)
    GROUP BY file.file
    HAVING lines <> 0
"""
"""Files with lines that are not plainly of the format, and how many."""

WORKERS = """
    CREATE TABLE worker AS
    SELECT row_number() OVER (ORDER BY file, session, round, position, spot) AS worker, *
    FROM (
        SELECT line.rowid AS line, line.file, file.run, file.context, file.ok_code, spot.spot, spot.grp, spot.cell_id,
               line.session, line.round, line.position,
               greatest(0, line.planned - coalesce(len(line.samples.call), 0)) AS not_reached,
               NOT list_contains($not_started, line.outcome.kind) AS ran
        FROM line
        JOIN file USING (file)
        JOIN spot ON spot.context = file.context AND spot.cell = line.cell
                 AND spot.place IS NOT DISTINCT FROM line.place
        WHERE line.type = 'worker'
    )
"""
"""What a worker line says stays in `line`: what is sorted here is numbers only."""

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

LAUNCHES = """
    CREATE TABLE launch AS
    SELECT worker, grp, context, round, command, outcome, errno, status, outcome = ok_code AS ok,
           returned - "call" AS blocked, reached - "call" AS reach, reaped - "call" AS total, written
    FROM (
        SELECT worker.worker, worker.grp, worker.context, worker.round, worker.ok_code,
               unnest(samples.warmup) AS warmup, unnest(samples.command) AS command,
               unnest(samples.outcome) AS outcome, unnest(samples.errno) AS errno, unnest(samples.status) AS status,
               unnest(samples.call) AS "call", unnest(samples.returned) AS returned,
               unnest(samples.reached) AS reached, unnest(samples.reaped) AS reaped,
               unnest(samples.written) AS written
        FROM line
        JOIN worker ON worker.line = line.rowid
        WHERE worker.ran AND worker.grp >= 0 AND line.samples IS NOT NULL
    )
    WHERE warmup = 0
"""

SHAPES = """
    SELECT spot, outcome, census, findings, mechanism, contradiction, overcommit.mode AS mode, pages_written, inherited,
           broken_promises, count(*) AS workers, max(bystander_max_ns) AS bystander_max_ns,
           max(bystander_control_max_ns) AS bystander_control_max_ns, sum(not_reached)::BIGINT AS not_reached
    FROM worker
    JOIN line ON line.rowid = worker.line
    WHERE grp >= 0
    GROUP BY spot, outcome, census, findings, mechanism, contradiction, mode, pages_written, inherited, broken_promises
    ORDER BY min(worker)
"""

MEDIANS = f"""
    INSERT INTO median
    SELECT worker, {{series}} AS series, {", ".join(f"median({clock})" for clock in CLOCKS)},
           {", ".join(f"count({clock})" for clock in CLOCKS)}
    FROM launch
    WHERE ok AND worker BETWEEN $low AND $high AND {{only}}
    GROUP BY worker, series
"""

LATENCIES = """
    SELECT {series} AS series, {clocks}
    FROM launch
    WHERE ok AND grp BETWEEN $low AND $high AND {only}
    ORDER BY series
"""

RANKED_LARGE = """
    SELECT series, list(value ORDER BY place)
    FROM (
        SELECT {series} AS series, {clock} AS value,
               row_number() OVER (PARTITION BY {series} ORDER BY {clock}) AS place
        FROM launch
        WHERE ok AND {clock} IS NOT NULL AND grp BETWEEN $low AND $high AND {only}
    ) AS ascending
    JOIN (SELECT series, unnest(ranks) AS place FROM rank WHERE clock = '{clock}') AS asked USING (series, place)
    GROUP BY series
"""
"""What is asked of `LATENCIES`, sorted on disk where memory does not hold all of a group."""

ROUND_MEDIANS = """
    SELECT grp, round, median(total)
    FROM launch
    WHERE ok AND total IS NOT NULL AND grp BETWEEN $low AND $high
    GROUP BY grp, round
    ORDER BY grp, round
"""

ROUND_MEDIANS_LARGE = """
    SELECT grp, round, avg(total)
    FROM (
        SELECT grp, round, total, row_number() OVER (PARTITION BY grp, round ORDER BY total) AS place,
               count(*) OVER (PARTITION BY grp, round) AS n
        FROM launch
        WHERE ok AND total IS NOT NULL AND grp BETWEEN $low AND $high
    )
    WHERE place IN ((n + 1) // 2, n // 2 + 1)
    GROUP BY grp, round
    ORDER BY grp, round
"""
"""As `ROUND_MEDIANS`, likewise: the mean of the middle two, or of the one that is both."""

OF_A_CELL, OF_A_COMMAND = "grp", f"(grp + 1)::BIGINT * {1 << 32} + command"
"""Series of launches that have a latency: those of a cell, and those of one command in a cell with several."""
ANY = "true"


def series_of(group: int, command: int | None = None) -> int:
    """Return the number of a series: of a cell, or of one command of its mix."""
    return group if command is None else (group + 1) * (1 << 32) + command
