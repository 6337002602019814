//! From the configuration to the parts that run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use quell_codec::{Adapter, Limits};
use quell_index::IndexSettings;
use quell_store::StoreSettings;
use quell_taxonomy::learned::Learned;
use quell_taxonomy::{Severity, Taxonomy};
use quell_worker::ingest::IngestSettings;
use quell_worker::service::ServiceSettings;

use crate::config::{Config, ConfigError};

/// Labels that a warning names.
const SHOWN_LABELS: usize = 5;

/// Catalogues that are built in, by name.
const CATALOGUES: [(&str, &str); 2] = [
    ("ecommerce", include_str!("../../../taxonomies/ecommerce.yaml")),
    ("firefox", include_str!("../../../taxonomies/firefox.yaml")),
];

/// The text of a catalogue that is built in, by its name.
pub fn built_in(name: &str) -> Option<&'static str> {
    CATALOGUES.iter().find(|(known, _)| *known == name).map(|(_, yaml)| *yaml)
}

/// The taxonomy that the configuration names, with its model.
///
/// # Errors
/// [`ConfigError`] with every problem of the catalogue, each with its line, or why the model cannot
/// be used.
pub fn taxonomy(config: &Config) -> Result<Arc<Taxonomy>, ConfigError> {
    let (catalogue, model) = (catalogue(config)?, model(config)?);
    let Some(model) = model else { return Ok(Arc::new(catalogue)) };
    let taxonomy = catalogue.with_model(model);
    warn_of_unknown_labels(&taxonomy, config.get("taxonomy.accept_agent_codes") == "true");
    Ok(Arc::new(taxonomy))
}

/// Says which labels of a model can never be given.
pub fn warn_of_unknown_labels(taxonomy: &Taxonomy, accepts_agent_codes: bool) {
    let unknown: Vec<&str> = taxonomy.unknown_labels().collect();
    if !unknown.is_empty() && !accepts_agent_codes {
        let shown = unknown.iter().take(SHOWN_LABELS).copied().collect::<Vec<_>>().join(", ");
        tracing::warn!(
            labels = unknown.len(),
            shown,
            "the model has labels that are neither ids nor agent_codes of the taxonomy: they are \
             never given"
        );
    }
}

fn model(config: &Config) -> Result<Option<Learned>, ConfigError> {
    let path = config.get("taxonomy.model");
    if path.is_empty() {
        return Ok(None);
    }
    let wrong = |error: &dyn std::fmt::Display| {
        config.error("taxonomy.model", format!("`{path}` cannot be used: {error}"))
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(&error))?;
    Learned::from_bytes(&bytes).map(Some).map_err(|error| wrong(&error))
}

fn catalogue(config: &Config) -> Result<Taxonomy, ConfigError> {
    let name = config.get("taxonomy.file");
    if name == "none" {
        return Ok(Taxonomy::none());
    }
    let yaml = match built_in(name) {
        Some(yaml) => yaml.to_owned(),
        None => read(config, "taxonomy.file", name)?,
    };
    Taxonomy::parse(&yaml, name).map_err(|problems| {
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
        let lines: Vec<String> = errors.map(|problem| format!("\n  {problem}")).collect();
        config.error("taxonomy.file", format!("the catalogue has errors:{}", lines.concat()))
    })
}

/// The adapter that the configuration names.
///
/// # Errors
/// [`ConfigError`] as for the taxonomy.
pub fn adapter(config: &Config) -> Result<Adapter, ConfigError> {
    let name = config.get("adapter");
    if let Some(adapter) = Adapter::builtin(name) {
        return Ok(adapter);
    }
    let yaml = read(config, "adapter", name)?;
    Adapter::parse(&yaml, name).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|p| format!("\n  {p}")).collect();
        config.error("adapter", format!("the adapter has errors:{}", lines.concat()))
    })
}

fn read(config: &Config, key: &str, path: &str) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| {
        let known: Vec<&str> = if key == "adapter" {
            Adapter::builtin_names().collect()
        } else {
            CATALOGUES.iter().map(|(name, _)| *name).collect()
        };
        let known = known.join(", ");
        let message = format!("`{path}` is no built-in name ({known}) and cannot be read: {error}");
        config.error(key, message)
    })
}

/// The settings of the embedded mode on a folder.
///
/// # Errors
/// A wrong configuration, or a folder that cannot be made.
pub fn service(
    config: &Config,
    taxonomy: &Taxonomy,
    dir: &Path,
) -> anyhow::Result<ServiceSettings> {
    std::fs::create_dir_all(dir)
        .with_context(|| format!("cannot make the data folder {}", dir.display()))?;
    let mut core = config.core(taxonomy);
    core.customer_hash_key = hash_key(dir)?;
    Ok(ServiceSettings {
        core,
        ingest: IngestSettings {
            adapter: adapter(config)?,
            limits: Limits::default(),
            lateness_ms: config.lateness_ms(),
        },
        store: StoreSettings {
            memory_bytes: config.bytes("store.memory"),
            ..StoreSettings::default()
        },
        index: index(config),
        index_every: Duration::from_millis(config.ms("index.commit_every").unsigned_abs()),
        dead_letter_retention_ms: config.ms("dead_letters.retention"),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The index's bounds.
pub fn index(config: &Config) -> IndexSettings {
    IndexSettings {
        memory_bytes: usize::try_from(config.bytes("index.memory")).unwrap_or(usize::MAX),
        ..IndexSettings::default()
    }
}

/// The key of the customer hash: made once per folder, so that hashes of two deployments cannot
/// be compared.
///
/// # Errors
/// The folder cannot be written, or what is in it is no key.
pub fn hash_key(dir: &Path) -> anyhow::Result<[u8; 32]> {
    let path: PathBuf = dir.join("customer-hash.key");
    if let Ok(bytes) = std::fs::read(&path) {
        return bytes.try_into().map_err(|_| {
            anyhow::anyhow!("{} must hold 32 bytes; restore it from a copy", path.display())
        });
    }
    let key = random_bytes()?;
    write_private(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

/// Random bytes of the system.
///
/// # Errors
/// The system has none to give.
pub fn random_bytes() -> anyhow::Result<[u8; 32]> {
    use std::io::Read;
    let mut bytes = [0; 32];
    let mut source = std::fs::File::open("/dev/urandom").context("cannot open /dev/urandom")?;
    source.read_exact(&mut bytes).context("cannot read /dev/urandom")?;
    Ok(bytes)
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// The system's error.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A day or a time as people write it: `2026-01-31` or RFC 3339.
///
/// # Errors
/// Says what is expected.
pub fn time(flag: &str, text: &str) -> anyhow::Result<quell_model::TimeMs> {
    let day = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    day.parse().map_err(|_| {
        anyhow::anyhow!("{flag}: `{text}` is no time; write 2026-01-31 or 2026-01-31T08:00:00Z")
    })
}
