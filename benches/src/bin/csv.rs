//! Loads bars from a CSV file with the kind `data_load` (each row is checked, hashed, written and synced),
//! beside three floors: reading the bytes of the same file, reading its records with the csv crate alone, and
//! writing and syncing as many bytes as the dataset has.
//!
//! `csv [ROWS]` measures a file that it writes itself, `csv --write FILE ROWS` only writes one, and
//! `csv --once FILE` loads one and prints the seconds, for `benches/csv_peers.py`.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use impresario::operation::{SyncOptions, run_sync_operation};
use impresario_bench::{Samples, machine};
use impresario_server::domain::market::{DataLoad, DataLoadParams, Library};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 11;
const ROWS: u64 = 1_000_000;
const NAMES: [&str; 4] = [
    "reading the bytes alone",
    "records of the csv crate",
    "writing and syncing as many",
    "data_load",
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--write", file, rows] => write(Path::new(file), number(rows)),
        ["--once", file] => once(Path::new(file)),
        [] => measure(ROWS),
        [rows] => measure(number(rows)),
        _ => panic!("usage: csv [ROWS] | --write FILE ROWS | --once FILE"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number of rows")
}

fn measure(rows: u64) {
    machine();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bars.csv");
    write(&file, rows);
    let bytes = std::fs::metadata(&file).expect("it was written").len();
    println!("{rows} rows, {bytes} bytes, {ROUNDS} alternating rounds: median (quartiles)");
    let mut seconds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        seconds[0].push(timed(|| assert_eq!(bytes, read(&file))));
        seconds[1].push(timed(|| assert_eq!(rows + 1, records(&file))));
        seconds[2].push(timed(|| write_and_sync(folder.path(), 48 * rows)));
        let (time, loaded) = load(&file);
        assert_eq!(rows, loaded);
        seconds[3].push(time);
    }
    for (name, seconds) in NAMES.iter().zip(&seconds) {
        let rates = seconds.iter().map(|seconds| rows as f64 / seconds / 1e6);
        println!(
            "  {name:30} {} million rows/s",
            Samples::new(rates.collect()).spread()
        );
    }
    let floor: Vec<f64> = seconds[1]
        .iter()
        .zip(&seconds[2])
        .map(|(a, b)| a + b)
        .collect();
    let ratio = Samples::ratios(&seconds[3], &floor).spread();
    println!("  data_load / (csv crate + writing) takes {ratio} times as long");
    println!("  most memory at any time        {}", peak());
    machine();
}

fn timed(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn read(file: &Path) -> u64 {
    let mut file = File::open(file).expect("it was written");
    let (mut chunk, mut sum) = (vec![0; 1 << 17], 0);
    loop {
        match file.read(&mut chunk).expect("it is read") {
            0 => return sum,
            read => sum += read as u64,
        }
    }
}

fn write_and_sync(folder: &Path, bytes: u64) {
    let mut file = tempfile::tempfile_in(folder).expect("a new file");
    let chunk = vec![7; 192 * 1024];
    let mut left = bytes as usize;
    while left > 0 {
        let now = left.min(chunk.len());
        file.write_all(&chunk[..now]).expect("it is written");
        left -= now;
    }
    file.sync_all().expect("it is synced");
}

fn records(file: &Path) -> u64 {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(file)
        .expect("it was written");
    let (mut record, mut count) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).expect("it is whole") {
        count += 1;
    }
    count
}

/// Prints the elapsed seconds and the CPU seconds, with those of the system.
fn once(file: &Path) {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let began = now();
    let (seconds, _) = load(file);
    println!("{seconds:.6} {:.6}", now() - began);
}

/// Loads a file. Returns the seconds and the number of bars.
fn load(file: &Path) -> (f64, u64) {
    let target = tempfile::tempdir().expect("a temporary folder");
    let library = Library::new(target.path()).open().expect("an empty folder");
    let folder = file.parent().expect("a file is in a folder");
    let kind = DataLoad::new(folder, library);
    let mut params = DataLoadParams::new("BENCH", "1m".parse().expect("a timeframe"));
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    params.file = name;
    let began = Instant::now();
    let loaded = run_sync_operation(&kind, params, SyncOptions::default()).expect("it loads");
    (began.elapsed().as_secs_f64(), loaded.rows)
}

/// Writes one bar per minute, with prices of a slow wave in cents and times in the usual form.
fn write(file: &Path, rows: u64) {
    let mut out = BufWriter::new(File::create(file).expect("a new file"));
    let mut line = |text: String| out.write_all(text.as_bytes()).expect("it is written");
    line("timestamp,open,high,low,close,volume\n".to_owned());
    for row in 0..rows {
        let time = chrono::DateTime::from_timestamp(1_000_000_020 + row as i64 * 60, 0);
        let time = time.expect("this century").format("%Y-%m-%d %H:%M:%S");
        let price = |row: u64| 100.0 + 50.0 * (row as f64 / 700.0).sin() + (row % 7) as f64 / 100.0;
        let (open, close) = (price(row), price(row + 1));
        let (high, low) = (open.max(close) + 0.05, open.min(close) - 0.05);
        let volume = 1_000 + row * 7_919 % 100_000;
        line(format!(
            "{time},{open:.2},{high:.2},{low:.2},{close:.2},{volume}\n"
        ));
    }
    out.flush().expect("it is written");
}

/// The largest resident set of the process so far, if the system reports it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
