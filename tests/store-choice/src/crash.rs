//! Kills a process that works on a store, again and again, and looks at what is left.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::engines::Engine;
use crate::turn::{BATCH, Load, check};

/// Few enough for keys to be written again and again.
const CONTACTS: u64 = 20_000;

pub fn crash<E: Engine>(name: &str, dir: &Path, rounds: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(dir)?;
    let mut acknowledged = 0;
    for round in 0..rounds {
        let mut victim = Command::new(std::env::current_exe()?)
            .args(["victim", name])
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(victim.stdout.take().ok_or("no output")?).lines();
        let reader = thread::spawn(move || lines.map_while(Result::ok).last());
        thread::sleep(Duration::from_millis(300 + round * 37 % 400));
        victim.kill()?;
        victim.wait()?;
        if let Some(last) = reader.join().map_err(|_| "reading failed")? {
            acknowledged = last.parse()?;
        }
        let (position, end) = check(&mut E::open(dir)?)?;
        if end < acknowledged {
            return Err(format!("{acknowledged} acknowledged, the log ends at {end}").into());
        }
        if position + 2 * BATCH < end {
            return Err(format!("log {end}, position {position}: commits were lost").into());
        }
    }
    println!("{name}: {rounds} kills, {acknowledged} records acknowledged, nothing lost");
    Ok(())
}

/// Works until killed, and says what was acknowledged.
pub fn victim<E: Engine>(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut engine = E::open(dir)?;
    let (position, mut end) = check(&mut engine)?;
    let mut load = Load::new(CONTACTS, end + 1);
    for first in (position..end).step_by(BATCH as usize) {
        load.turn(&mut engine, first)?;
    }
    loop {
        load.append(&mut engine, end)?;
        // In one piece, so that no number is cut by the kill.
        std::io::stdout().write_all(format!("{}\n", end + BATCH).as_bytes())?;
        load.turn(&mut engine, end)?;
        end += BATCH;
    }
}
