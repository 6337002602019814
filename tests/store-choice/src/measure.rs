//! Processor time, contacts per second, the slowest turns, memory and disk.

use std::error::Error;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::engines::Engine;
use crate::turn::{BATCH, Load};

/// Turns with a long history behind them: the last part of the run.
const LATE_TURNS: usize = 500;

pub fn measure<E: Engine>(name: &str, dir: &Path, contacts: u64) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    let mut engine = E::open(dir)?;
    let mut load = Load::new(contacts, 42);
    let mut turns = Vec::new();
    let cpu_before_s = cpu_s()?;
    let began = Instant::now();
    for first in (0..contacts).step_by(BATCH as usize) {
        let turn = Instant::now();
        load.append(&mut engine, first)?;
        load.turn(&mut engine, first)?;
        turns.push(turn.elapsed());
    }
    let whole = began.elapsed();
    let cpu_s = cpu_s()? - cpu_before_s;
    let (resident, peak) = (memory_mib("VmRSS:")?, memory_mib("VmHWM:")?);
    drop(engine);
    let late = turns.len().saturating_sub(LATE_TURNS);
    let mut late: Vec<Duration> = turns[late..].to_vec();
    let late_s: f64 = late.iter().map(Duration::as_secs_f64).sum();
    late.sort_unstable();
    let p99 = late[(late.len() * 99 / 100).min(late.len() - 1)];
    println!(
        "{name}: {contacts} contacts, {:.1} µs of processor each, {:.0} contacts/s over all, \
         {:.0} over the last {} turns, p50 {:.1} ms, \
         p99 {:.1} ms, max {:.1} ms, resident {resident} MiB, peak {peak} MiB, disk {} MiB",
        cpu_s * 1e6 / contacts as f64,
        contacts as f64 / whole.as_secs_f64(),
        late.len() as f64 * BATCH as f64 / late_s,
        late.len(),
        late[late.len() / 2].as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3,
        late[late.len() - 1].as_secs_f64() * 1e3,
        disk_bytes(dir)? / (1 << 20),
    );
    Ok(())
}

/// Processor time of all threads: unlike the clock, it does not count what others run here.
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().ok_or("no processor time")?;
    let ticks: Result<Vec<u64>, _> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<u64>() as f64 / 100.0)
}

fn memory_mib(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).ok_or("no memory figure")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no memory figure")?.parse()?;
    Ok(kib / 1024)
}

/// What the files take, without the holes in them.
fn disk_bytes(dir: &Path) -> Result<u64, Box<dyn Error>> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        bytes += if about.is_dir() { disk_bytes(&path)? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}
