//! `quell replay`: files in, files out.

use std::time::Instant;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use quell_worker::replay::{ReplayPlan, Summary, replay};

use crate::Outcome;
use crate::args::{CoreArgs, Replay};
use crate::config::Config;
use crate::wiring;

pub fn run(args: &Replay) -> anyhow::Result<Outcome> {
    let plan = plan(&args.core, args)?;
    let begun = Instant::now();
    let bar = progress_bar();
    let mut summary = replay(&plan, &mut |read, total, records| {
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(read);
        bar.set_message(format!("{records} records"));
    })
    .context("the replay stopped; what is in the folder is not complete")?;
    bar.finish_and_clear();
    note_timing(&mut summary, begun.elapsed().as_secs_f64());
    write_summary(&plan, &summary)?;
    eprintln!(
        "{} records: {} accepted, {} rejected (dlq.ndjson), {} empty lines; {} contacts, \
         {} repeats of the same issue, {} systemic issues; written to {}",
        summary.input.records,
        summary.input.accepted,
        summary.input.rejected,
        summary.input.skipped_empty,
        summary.contacts,
        summary.repeats.get("same_issue").copied().unwrap_or(0),
        summary.issues.systemic,
        plan.out.display(),
    );
    Ok(Outcome::Done)
}

fn plan(core: &CoreArgs, args: &Replay) -> anyhow::Result<ReplayPlan> {
    let config = Config::load(core)?;
    let taxonomy = wiring::taxonomy(&config)?;
    Ok(ReplayPlan {
        inputs: args.inputs.clone(),
        adapter: wiring::adapter(&config)?,
        settings: config.core(&taxonomy).into(),
        lateness_ms: config.replay_lateness_ms(),
        until: args.until.as_deref().map(|until| wiring::time("--until", until)).transpose()?,
        taxonomy,
        out: args.out.clone(),
    })
}

/// The only part of the results that differs from run to run.
fn note_timing(summary: &mut Summary, seconds: f64) {
    summary.timing.insert("elapsed_s", seconds);
    summary.timing.insert("records_per_s", summary.input.records as f64 / seconds.max(1e-9));
}

fn write_summary(plan: &ReplayPlan, summary: &Summary) -> anyhow::Result<()> {
    let path = plan.out.join("summary.json");
    let mut json = serde_json::to_vec_pretty(summary)?;
    json.push(b'\n');
    std::fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template(
        "{bar:30} {percent:>3}% {bytes_per_sec} {msg} {elapsed} (left {eta})",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
