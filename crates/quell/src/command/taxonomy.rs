//! `quell taxonomy check`

use anyhow::Context;

use quell_taxonomy::{Severity, Taxonomy};

use crate::Outcome;
use crate::args::{self, TaxonomyCommand};

pub fn run(args: &args::Taxonomy) -> anyhow::Result<Outcome> {
    let TaxonomyCommand::Check { file } = &args.command;
    let name = file.display().to_string();
    let yaml = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let (taxonomy, problems) = match Taxonomy::parse(&yaml, &name) {
        Ok(taxonomy) => {
            let problems = taxonomy.check();
            (Some(taxonomy), problems)
        }
        Err(problems) => (None, problems),
    };
    for problem in &problems {
        println!("{problem}");
    }
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    if let Some(taxonomy) = &taxonomy {
        let level2 = taxonomy.reasons().iter().filter(|reason| reason.level() == 2).count();
        let languages: Vec<&str> = taxonomy.languages().collect();
        println!(
            "{}: {level2} level-2 reasons in {} areas, languages {}",
            taxonomy.version(),
            taxonomy.areas().len(),
            languages.join(" "),
        );
    }
    println!("{errors} errors, {warnings} warnings");
    Ok(if errors > 0 { Outcome::Findings } else { Outcome::Done })
}
