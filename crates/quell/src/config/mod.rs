//! Configuration in two steps: what was said and where (a map of keys), and what it means (the
//! settings of the crates). Later sources win: default, file, environment, command line.

mod catalogue;
mod file;
mod meaning;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use catalogue::{CATALOGUE, Entry};

use crate::args::{CoreArgs, KafkaArgs};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A file's line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// The command line.
    CommandLine(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::CommandLine(flag) => write!(f, "command line {flag}"),
        }
    }
}

/// A configuration that cannot be used: where, what, and what to do.
#[derive(Debug)]
pub struct ConfigError {
    /// Where it was said.
    pub origin: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

impl std::error::Error for ConfigError {}

/// One value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// As text, whatever the source's own form.
    pub value: String,
    /// Where it was said.
    pub origin: Origin,
}

/// Every key with the value that holds.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<&'static str, Said>,
}

impl Config {
    /// Reads all sources.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown key or a value of the wrong kind, with its origin.
    pub fn load(args: &CoreArgs) -> Result<Config, ConfigError> {
        let mut config = Config::defaults();
        if let Some(path) = &args.config {
            for (key, value, line) in file::read(path)? {
                config.say(&key, value, Origin::File(path.clone(), line))?;
            }
        }
        for (name, value) in std::env::vars() {
            if let Some(key) = name.strip_prefix("QUELL__") {
                let key = key.to_lowercase().replace("__", ".");
                config.say(&key, value, Origin::Environment(name.clone()))?;
            }
        }
        if let Some(adapter) = &args.adapter {
            let origin = Origin::CommandLine("--adapter".to_owned());
            config.say("adapter", adapter.clone(), origin)?;
        }
        if let Some(taxonomy) = &args.taxonomy {
            let origin = Origin::CommandLine("--taxonomy".to_owned());
            config.say("taxonomy.file", taxonomy.clone(), origin)?;
        }
        for pair in &args.set {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(ConfigError {
                    origin: Origin::CommandLine(format!("--set {pair}")).to_string(),
                    message: "no `=` in it".to_owned(),
                    hint: Some("write KEY=VALUE, such as repeat.window=7d".to_owned()),
                });
            };
            // Without the value, which may be a secret.
            let origin = Origin::CommandLine(format!("--set {}", key.trim()));
            config.say(key.trim(), value.trim().to_owned(), origin)?;
        }
        Ok(config)
    }

    /// The same with what the command line says of a cluster.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(args: &CoreArgs, kafka: &KafkaArgs) -> Result<Config, ConfigError> {
        let mut config = Config::load(args)?;
        if let Some(brokers) = &kafka.brokers {
            let origin = Origin::CommandLine("--brokers".to_owned());
            config.say("kafka.brokers", brokers.clone(), origin)?;
        }
        Ok(config)
    }

    fn defaults() -> Config {
        let said =
            |entry: &Entry| Said { value: entry.default.to_owned(), origin: Origin::Default };
        Config { values: CATALOGUE.iter().map(|entry| (entry.key, said(entry))).collect() }
    }

    /// Sets one key, checking that it is known and that the value is of its kind.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn say(&mut self, key: &str, value: String, origin: Origin) -> Result<(), ConfigError> {
        let Some(entry) = CATALOGUE.iter().find(|entry| entry.key == key) else {
            let nearest = CATALOGUE.iter().min_by_key(|entry| distance(entry.key, key));
            return Err(ConfigError {
                origin: origin.to_string(),
                message: format!("there is no setting `{key}`"),
                hint: nearest.map(|entry| {
                    format!("did you mean `{}`? `quell config show` lists all", entry.key)
                }),
            });
        };
        entry.kind.check(&value).map_err(|expected| ConfigError {
            origin: origin.to_string(),
            message: format!("`{key}` cannot be `{value}`"),
            hint: Some(expected.to_owned()),
        })?;
        self.values.insert(entry.key, Said { value, origin });
        Ok(())
    }

    /// The value of a key of the catalogue.
    pub fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", |said| said.value.as_str())
    }

    /// The value and its origin.
    pub fn said(&self, key: &str) -> Option<&Said> {
        self.values.get(key)
    }

    /// True unless the value is the built-in default.
    pub fn is_given(&self, key: &str) -> bool {
        self.said(key).is_some_and(|said| said.origin != Origin::Default)
    }

    /// An error about one key's value, with its origin.
    pub fn error(&self, key: &str, message: String) -> ConfigError {
        let origin = self.said(key).map_or("configuration".to_owned(), |s| s.origin.to_string());
        ConfigError { origin, message, hint: None }
    }
}

/// The number of single-letter changes between two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
