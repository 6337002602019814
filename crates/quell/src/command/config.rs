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
            let shown = shown(entry.key, &said.value);
            let value = serde_json::json!({
                "key": entry.key, "value": shown, "origin": origin, "meaning": entry.help,
            });
            let cells = vec![entry.key.to_owned(), shown, origin, entry.help.to_owned()];
            Some(Row { cells, value })
        })
        .collect();
    let whole: Vec<_> = rows.iter().map(|row| row.value.clone()).collect();
    print_rows(Format::Table, &columns, &rows, &whole)
}

/// The value, without what is nobody else's business.
fn shown(key: &str, value: &str) -> String {
    if key != "kafka.properties" {
        return value.to_owned();
    }
    let masked = value.split(',').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        Some(_) => pair.to_owned(),
        // What follows a comma may be the rest of a password.
        None => "***".to_owned(),
    });
    masked.collect::<Vec<_>>().join(",")
}

/// Whether a property's value is for nobody else.
pub fn is_secret(property: &str) -> bool {
    ["password", "passphrase", "secret", "token", "sasl.jaas", "key.pem", "oauthbearer.config"]
        .iter()
        .any(|part| property.contains(part))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn secrets_are_not_shown() {
        let value = "sasl.username=quell,sasl.password=a,b,linger.ms=5,ssl.key.pem=x";
        let shown = shown("kafka.properties", value);
        assert_eq!(shown, "sasl.username=quell,sasl.password=***,***,linger.ms=5,ssl.key.pem=***");
    }
}
