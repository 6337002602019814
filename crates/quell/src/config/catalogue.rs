//! Every setting there is: its key, kind, default and meaning.

use super::meaning::{bytes, days, duration_ms};

/// The largest number of a [`Kind::Limit`].
const LIMIT_MAX: u32 = 10_000;

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `7d`, `5m`, `30s`, `250ms`.
    Duration,
    /// A duration or `unlimited`.
    DurationOrUnlimited,
    /// true or false
    Switch,
    /// A whole number, 1 or more.
    Count,
    /// A whole number, 0 for none at all.
    Limit,
    /// A number from 0 to 1.
    Share,
    /// `256MiB` or a number of bytes.
    Bytes,
    /// Words with commas between.
    Words,
    /// Days such as 2026-12-25 with commas between.
    Days,
    /// Any text, a file's name say.
    Text,
}

impl Kind {
    /// # Errors
    /// What was expected.
    pub fn check(self, value: &str) -> Result<(), &'static str> {
        let fits = match self {
            Kind::Duration => duration_ms(value).is_some(),
            Kind::DurationOrUnlimited => value == "unlimited" || duration_ms(value).is_some(),
            Kind::Switch => matches!(value, "true" | "false"),
            Kind::Count => value.parse::<u32>().is_ok_and(|count| count > 0),
            Kind::Limit => value.parse::<u32>().is_ok_and(|count| count <= LIMIT_MAX),
            Kind::Share => value.parse::<f64>().is_ok_and(|share| (0.0..=1.0).contains(&share)),
            Kind::Bytes => bytes(value).is_some(),
            Kind::Days => days(value).is_some(),
            Kind::Words | Kind::Text => true,
        };
        if fits { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(self) -> &'static str {
        match self {
            Kind::Duration => "a duration with its unit, such as 7d, 12h, 5m, 30s or 250ms",
            Kind::DurationOrUnlimited => "a duration such as 1d or 2h, or `unlimited`",
            Kind::Switch => "`true` or `false`",
            Kind::Count => "a whole number from 1 to 4294967295",
            Kind::Limit => "a whole number from 0 to 10000",
            Kind::Share => "a number from 0 to 1",
            Kind::Bytes => "a size such as 256MiB or 1GiB",
            Kind::Days => "days such as 2026-12-25, with commas between",
            Kind::Words | Kind::Text => "a text",
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its key, as in `--set` and in the file (the part before the dot is the section).
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds when nothing is said.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn entry(key: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Entry {
    Entry { key, kind, default, help }
}

/// All settings, in order of their keys.
pub const CATALOGUE: &[Entry] = &[
    entry("adapter", Kind::Text, "canonical", "How records become events: a name or a YAML file"),
    entry("dead_letters.retention", Kind::Duration, "14d", "Rejected records are kept this long"),
    entry("index.commit_every", Kind::Duration, "1s", "New contacts can be found after this time"),
    entry("index.memory", Kind::Bytes, "128MiB", "Memory of the index writer"),
    entry("kafka.brokers", Kind::Text, "", "Brokers as HOST:PORT with commas between"),
    entry(
        "kafka.commit_every",
        Kind::Duration,
        "100ms",
        "Records are gathered this long for a transaction",
    ),
    entry(
        "kafka.idle_after",
        Kind::Duration,
        "1m",
        "An input partition without new records for this long: its event time follows the clock",
    ),
    entry("kafka.inputs", Kind::Words, "tickets", "Topics to read events from"),
    entry(
        "kafka.max_record_bytes",
        Kind::Bytes,
        "16MiB",
        "The largest record that is written; what makes a larger one is put aside",
    ),
    entry("kafka.partitions", Kind::Count, "12", "Partitions of the topics that are made"),
    entry(
        "kafka.prefix",
        Kind::Text,
        "quell.",
        "What the names of our topics and groups begin with",
    ),
    entry("kafka.properties", Kind::Words, "", "librdkafka properties as NAME=VALUE"),
    entry(
        "kafka.properties_file",
        Kind::Text,
        "",
        "A file of such properties, one a line: the place for passwords",
    ),
    entry(
        "kafka.stages",
        Kind::Words,
        "intake,tag,link,trend,serve",
        "Stages that this worker runs",
    ),
    entry(
        "kafka.static_membership",
        Kind::Switch,
        "false",
        "A restart within the session's timeout moves no partition",
    ),
    entry(
        "kafka.worker",
        Kind::Text,
        "",
        "This worker's name, no other's; default: one kept in the data folder",
    ),
    entry("language.default", Kind::Text, "en", "Language of a text that nothing else decides"),
    entry(
        "lateness",
        Kind::DurationOrUnlimited,
        "1d",
        "How long after its time an event is waited for; a replay waits for ever unless set",
    ),
    entry("log.format", Kind::Text, "text", "Log lines as `text` or `json`"),
    entry("repeat.duplicate_window", Kind::Duration, "5m", "Same customer, same text: duplicate"),
    entry("repeat.max_active_contacts", Kind::Count, "4096", "Linked contacts of one customer"),
    entry("repeat.same_issue_likeness", Kind::Share, "0.25", "Texts this alike: the same issue"),
    entry(
        "repeat.window",
        Kind::Duration,
        "7d",
        "Repeat window; given here, it overrides those of the reasons",
    ),
    entry("retention", Kind::Duration, "400d", "A contact's state is kept this long"),
    entry("run.data", Kind::Text, "./quell-data", "Folder for log, state and index"),
    entry("run.listen", Kind::Text, "127.0.0.1:7717", "Address of the HTTP API"),
    entry("run.tls_cert", Kind::Text, "", "Certificate chain (PEM)"),
    entry("run.tls_key", Kind::Text, "", "Private key (PEM)"),
    entry("run.tokens", Kind::Text, "", "Token file"),
    entry(
        "search.backend",
        Kind::Text,
        "",
        "Where the settled contacts are searched: an address that /_search is appended to",
    ),
    entry("search.backend_timeout", Kind::Duration, "30s", "It is waited for this long"),
    entry(
        "search.backend_token_file",
        Kind::Text,
        "",
        "A file with its bearer token, or with user:password",
    ),
    entry("store.memory", Kind::Bytes, "256MiB", "Memory of the store's caches and buffers"),
    entry(
        "taxonomy.accept_agent_codes",
        Kind::Switch,
        "false",
        "An agent's code that the taxonomy does not know becomes a reason of its own",
    ),
    entry("taxonomy.file", Kind::Text, "ecommerce", "Reason catalogue: a YAML file or `none`"),
    entry(
        "taxonomy.model",
        Kind::Text,
        "",
        "A model of `quell tagger train`: it decides where no rule does and it is sure",
    ),
    entry("tenant", Kind::Text, "default", "Whose contacts these are; part of issue ids"),
    entry(
        "trend.cells",
        Kind::Limit,
        "100",
        "Frequent dimension values of reasons that get verdicts of their own; 0 for none",
    ),
    entry(
        "trend.dimensions",
        Kind::Words,
        "channel,language,product,segment,team,topic,version,os",
        "What counts are broken down by: fields or attributes",
    ),
    entry(
        "trend.exposure_unit",
        Kind::Text,
        "orders",
        "The unit of volumes that contacts follow from",
    ),
    entry(
        "trend.holidays",
        Kind::Days,
        "",
        "Public holidays (UTC): neither they nor the day after are judged by ordinary days",
    ),
    entry("trend.max_dimension_values", Kind::Count, "1000", "Values of one dimension"),
];
