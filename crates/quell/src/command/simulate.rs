//! `quell simulate`

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;

use crate::Outcome;
use crate::args::Simulate;
use crate::command::replay::progress_bar;

pub fn run(args: &Simulate) -> anyhow::Result<Outcome> {
    let name = args.scenario.display().to_string();
    let yaml =
        std::fs::read_to_string(&args.scenario).with_context(|| format!("cannot read {name}"))?;
    let scenario = quell_scenario::parse(&yaml, &name)?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make {}", args.out.display()))?;
    let mut events = create(&args.out, "events.ndjson")?;
    let mut truth = create(&args.out, "truth.ndjson")?;
    let bar = progress_bar();
    let written =
        quell_scenario::write_to(&scenario, args.seed, &mut events, &mut truth, &mut |contacts| {
            bar.set_message(format!("{contacts} contacts"));
            bar.tick();
        })
        .with_context(|| format!("cannot write into {}", args.out.display()))?;
    bar.finish_and_clear();
    eprintln!(
        "{} events and {} truth rows of {} contacts written to {}",
        written.events,
        written.truths,
        written.contacts,
        args.out.display()
    );
    Ok(Outcome::Done)
}

fn create(dir: &Path, name: &str) -> anyhow::Result<BufWriter<File>> {
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}
