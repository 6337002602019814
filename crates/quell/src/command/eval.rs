//! `quell eval detect`

use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context;

use crate::Outcome;
use crate::args::{self, EvalCommand};

pub fn run(args: &args::Eval) -> anyhow::Result<Outcome> {
    let EvalCommand::Detect { task, input, out } = &args.command;
    let place = || format!("cannot write {}", out.display());
    let mut predictions = BufWriter::new(File::create(out).with_context(place)?);
    quell_eval::run(*task, input, &mut predictions)?;
    predictions.flush().with_context(place)?;
    Ok(Outcome::Done)
}
