//! `quell export`: configurations for others that read our topics.

use quell_index::quickwit::{index_config, is_index_id, source_config};

use crate::Outcome;
use crate::args::{Export, ExportCommand, QuickwitArgs, What};
use crate::cluster;
use crate::command::config::is_secret;
use crate::config::Config;

pub fn run(args: &Export) -> anyhow::Result<Outcome> {
    let ExportCommand::Quickwit(args) = &args.command;
    let index_id = &args.index_id;
    if !is_index_id(index_id) {
        anyhow::bail!(
            "--index-id: Quickwit takes 3 to 255 ASCII letters, digits, `-` and `_`, a letter \
             first, instead of `{index_id}`"
        );
    }
    if args.what != Some(What::Source) {
        print!("{}", index_config(index_id));
    }
    if args.what.is_none() {
        println!("---");
    }
    if args.what != Some(What::Index) {
        print!("{}", source(args)?);
    }
    Ok(Outcome::Done)
}

fn source(args: &QuickwitArgs) -> anyhow::Result<String> {
    let config = Config::load_with(&args.core, &args.kafka)?;
    let kafka = cluster::settings(&config, &args.kafka)?;
    let mut properties = vec![
        ("bootstrap.servers".to_owned(), Some(kafka.brokers)),
        ("isolation.level".to_owned(), Some("read_committed".to_owned())),
    ];
    properties.extend(kafka.properties.into_iter().map(|(name, value)| {
        let value = (!is_secret(&name)).then_some(value);
        (name, value)
    }));
    Ok(source_config(&cluster::names(&config).settled(), &properties))
}
