//! `quell bench detect`: what verdicts by the hour cost, beside the least that any could.

use std::fmt::Write;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use quell_detect::hourly::{Count, Hour, HourlySettings, HourlyState};

use super::line;
use crate::output::thousands;

/// The weight of the newest hour in the exponential mean.
const NEWEST: f32 = 1.0 / 168.0;

/// What R runs: Noufaily and others 2013, as the package `surveillance` has it.
const FARRINGTON: &str = include_str!("farrington.R");
/// Series that R is given; each of its updates fits a model anew.
const SERIES_OF_R: usize = 10;
/// Hours at the end of each that R judges.
const HOURS_OF_R: u64 = 168;

/// Puts every hour of so many series through an exponential mean, then through the detector, and
/// some of them through R.
pub fn run(series: usize, hours: u64, beside_r: bool) -> anyhow::Result<()> {
    ensure!(series > 0 && hours > 0, "--series and --hours must be 1 or more");
    let updates = series as u64 * hours;
    println!(
        "{} series, {} hours, one thread\n",
        thousands(series as f64),
        thousands(hours as f64)
    );

    let mut means = vec![0.0_f32; series];
    let begun = Instant::now();
    for hour in 0..hours {
        for (at, mean) in means.iter_mut().enumerate() {
            *mean += (customers(at as u64, hour) as f32 - *mean) * NEWEST;
        }
    }
    black_box(&means);
    line("limit: an exponential mean of each series", updates, begun.elapsed());

    let mut state = HourlyState::new(0, HourlySettings::default());
    let begun = Instant::now();
    for hour in 0..hours {
        let count = |at: usize| {
            let customers = customers(at as u64, hour);
            Count { customers, contacts: customers }
        };
        let counts = (0..series).map(count).collect();
        let cells = Vec::new();
        let hour_of_all = Hour { known: true, orders: f64::NAN, holiday: false, counts, cells };
        if let Err(error) = state.push(hour, hour_of_all) {
            anyhow::bail!("hour {hour} is not taken: {error:?}");
        }
    }
    line("verdicts by the hour", updates, begun.elapsed());
    if beside_r {
        farrington(series.min(SERIES_OF_R), hours)?;
    }
    let bytes = quell_codec::rows::to_row(0, &state).len();
    let each = thousands(bytes as f64 / series as f64);
    println!("\nstored: {} bytes, {each} a series", thousands(bytes as f64));
    println!("issues: {}", state.issues().count());
    Ok(())
}

/// What judging the last week of some series takes R, its start and its reading left out.
fn farrington(series: usize, hours: u64) -> anyhow::Result<()> {
    let dir = tempfile::tempdir().context("cannot make a folder for what R reads")?;
    let mut rows = String::new();
    for hour in 0..hours {
        let counts: Vec<String> =
            (0..series).map(|at| customers(at as u64, hour).to_string()).collect();
        writeln!(rows, "{}", counts.join(","))?;
    }
    let (script, counts) = (dir.path().join("farrington.R"), dir.path().join("counts.csv"));
    std::fs::write(&script, FARRINGTON).context("cannot write what R runs")?;
    std::fs::write(&counts, rows).context("cannot write what R reads")?;
    let output = Command::new("Rscript")
        .arg(&script)
        .arg(&counts)
        .arg(HOURS_OF_R.to_string())
        .stdin(Stdio::null())
        .output()
        .context("Rscript does not run; on Debian: apt-get install r-cran-surveillance")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds = said.trim().parse::<f64>().ok().filter(|_| output.status.success());
    let Some(seconds) = seconds else {
        anyhow::bail!("R failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    };
    let updates = series as u64 * HOURS_OF_R.min(hours);
    line("R surveillance, farringtonFlexible", updates, Duration::from_secs_f64(seconds));
    Ok(())
}

/// Customers of a series in an hour: some by day, fewer by night, scattered.
fn customers(series: u64, hour: u64) -> u32 {
    let scattered = (series << 32 | hour).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let scattered = (scattered.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 60) as u32;
    let by_day = (8..20).contains(&(hour % 24));
    if by_day { scattered / 3 } else { scattered / 8 }
}
