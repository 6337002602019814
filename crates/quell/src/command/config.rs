//! `quell config check|show`

use crate::Outcome;
use crate::args::{self, ConfigCommand, Format};
use crate::config::{CATALOGUE, Config};
use crate::output::{Row, print_rows, text};
use crate::wiring;

pub fn run(args: &args::Config) -> anyhow::Result<Outcome> {
    match &args.command {
        ConfigCommand::Check(core) => {
            let config = Config::load(core)?;
            let taxonomy = wiring::taxonomy(&config)?;
            let adapter = wiring::adapter(&config)?;
            println!(
                "the configuration is right: taxonomy {}, adapter {}",
                taxonomy.version(),
                adapter.name()
            );
        }
        ConfigCommand::Show(core) => show(&Config::load(core)?)?,
    }
    Ok(Outcome::Done)
}

fn show(config: &Config) -> anyhow::Result<()> {
    let columns = [text("key"), text("value"), text("origin"), text("meaning")];
    let rows: Vec<Row> = CATALOGUE
        .iter()
        .filter_map(|entry| {
            let said = config.said(entry.key)?;
            let origin = said.origin.to_string();
            let value = serde_json::json!({
                "key": entry.key, "value": said.value, "origin": origin, "meaning": entry.help,
            });
            let cells =
                vec![entry.key.to_owned(), said.value.clone(), origin, entry.help.to_owned()];
            Some(Row { cells, value })
        })
        .collect();
    let whole: Vec<_> = rows.iter().map(|row| row.value.clone()).collect();
    print_rows(Format::Table, &columns, &rows, &whole)
}
