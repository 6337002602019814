//! `quell adapter list|test`

use std::io::Write;

use quell_codec::{Adapter, Limits, RawRecord, decode, encode_event, is_blank};
use quell_engine::intake;
use quell_model::TimeMs;
use quell_worker::lines::Lines;

use crate::Outcome;
use crate::args::{self, AdapterCommand, CoreArgs};
use crate::config::Config;
use crate::wiring;

pub fn run(args: &args::Adapter) -> anyhow::Result<Outcome> {
    match &args.command {
        AdapterCommand::List => {
            for name in Adapter::builtin_names() {
                println!("{name}");
            }
            Ok(Outcome::Done)
        }
        AdapterCommand::Test { adapter, input } => {
            let core = CoreArgs {
                adapter: Some(adapter.clone()),
                taxonomy: None,
                set: Vec::new(),
                config: None,
            };
            let adapter = wiring::adapter(&Config::load(&core)?)?;
            test(&adapter, &mut Lines::open(input)?)
        }
    }
}

/// Prints what the pipeline would take in, redacted as it would be; rejects go to the messages.
fn test(adapter: &Adapter, lines: &mut Lines) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let mut outcome = Outcome::Done;
    let name = lines.name().to_owned();
    while let Some((number, line)) = lines.next_line()? {
        if is_blank(line) {
            continue;
        }
        let record =
            RawRecord { value: Some(line), headers: &[], key: None, log_time: TimeMs::MAX };
        match decode(&record, adapter, &Limits::default()) {
            Ok(decoded) => {
                for unmapped in &decoded.unmapped {
                    eprintln!("{name}:{number}: no map for {}={}", unmapped.field, unmapped.value);
                }
                for mut event in decoded.events {
                    intake::redact(&mut event);
                    out.write_all(&encode_event(&event))?;
                    out.write_all(b"\n")?;
                }
            }
            Err(reject) => {
                outcome = Outcome::Findings;
                eprintln!("{name}:{number}: rejected: {reject}");
            }
        }
    }
    Ok(outcome)
}
