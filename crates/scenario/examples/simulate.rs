//! Writes a scenario's events and truth: `simulate FILE SEED DIR`.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(seed), Some(dir)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: simulate FILE SEED DIR".into());
    };
    let scenario = quell_scenario::parse(&fs::read_to_string(&file)?, &file)?;
    fs::create_dir_all(&dir)?;
    let mut events = BufWriter::new(File::create(Path::new(&dir).join("events.ndjson"))?);
    let mut truth = BufWriter::new(File::create(Path::new(&dir).join("truth.ndjson"))?);
    let written =
        quell_scenario::write_to(&scenario, seed.parse()?, &mut events, &mut truth, &mut |_| {})?;
    println!("{written:?}");
    Ok(())
}
