#!/usr/bin/env python3
"""Loads 1,000,000 bars, beside read_csv of pandas and polars with the same file in the same run.

    cargo build --release -p impresario-bench
    python3 benches/csv_peers.py [ROWS]

It makes a temporary environment for pandas and polars. Each figure is the median of alternating rounds
with its quartiles. `data_load` parses times and numbers (exactly, to the last bit), checks every row,
hashes, writes and syncs; the others parse into memory. By default pandas rounds some numbers slightly
wrong, and polars uses every core.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import venv

ROUNDS = 11
HERE = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
PROGRAM = TARGET / "release" / "csv"

PANDAS = """
import sys, time, pandas
began, used = time.perf_counter(), time.process_time()
frame = pandas.read_csv(sys.argv[1]{more})
print(time.perf_counter() - began, time.process_time() - used)
assert len(frame) == int(sys.argv[2])
"""
POLARS = """
import sys, time, polars
began, used = time.perf_counter(), time.process_time()
frame = polars.read_csv(sys.argv[1]{more})
print(time.perf_counter() - began, time.process_time() - used)
assert len(frame) == int(sys.argv[2])
"""


def main():
    rows = sys.argv[1] if len(sys.argv) > 1 else "1000000"
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: cargo build --release -p impresario-bench")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        python = environment(folder / "venv")
        file = str(folder / "bars.csv")
        subprocess.run([PROGRAM, "--write", file, rows], check=True)
        print(f"{rows} rows, {os.path.getsize(file)} bytes, {os.cpu_count()} cores, "
              f"load {os.getloadavg()[0]:.2f}, {ROUNDS} alternating rounds")
        compare(contenders(python, file, rows), int(rows))
        print(f"load {os.getloadavg()[0]:.2f}")


def environment(path):
    venv.create(path, with_pip=True)
    python = str(path / "bin" / "python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *quiet, "pandas", "polars"], check=True)
    versions = "import pandas, polars; print('pandas', pandas.__version__, 'polars', polars.__version__)"
    subprocess.run([python, "-c", versions], check=True)
    return python


def contenders(python, file, rows):
    def run(code, more, **env):
        return [python, "-c", code.format(more=more), file, rows], {**os.environ, **env}

    dates, tried = ", parse_dates=['timestamp']", ", try_parse_dates=True"
    return {
        "impresario data_load": ([PROGRAM, "--once", file], dict(os.environ)),
        "pandas, times as text": run(PANDAS, ""),
        "pandas, times parsed": run(PANDAS, dates),
        "pandas, exact numbers": run(PANDAS, dates + ", float_precision='round_trip'"),
        "polars, times as text": run(POLARS, ""),
        "polars, times parsed": run(POLARS, tried),
        "polars, times parsed, 1 thread": run(POLARS, tried, POLARS_MAX_THREADS="1"),
    }


def compare(contenders, rows):
    samples = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, (command, env) in contenders.items():
            done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            samples[name].append([float(seconds) for seconds in done.stdout.split()])
    ours = samples["impresario data_load"]
    for place, clock in enumerate(["by the clock", "of processor time, all threads"]):
        print(f" million rows per second {clock}; their time divided by data_load's")
        for name, theirs in samples.items():
            rate = spread([rows / one[place] / 1e6 for one in theirs])
            ratio = spread([one[place] / own[place] for one, own in zip(theirs, ours)])
            print(f"  {name:32} {rate}   {ratio}")


def spread(samples):
    low, middle, high = statistics.quantiles(samples, n=4)
    return f"{middle:5.2f} ({low:5.2f} to {high:5.2f})"


if __name__ == "__main__":
    main()
