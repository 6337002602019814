//! How to reach the cluster. Any librdkafka property passes, but for those that exactly-once rests
//! on.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use crate::ends;

/// Properties that are ours: another value would lose or double records without a word.
const OWN: &[(&str, &str)] = &[
    ("bootstrap.servers", "it is given by --brokers"),
    ("enable.auto.commit", "positions are committed inside the transactions"),
    ("enable.auto.offset.store", "positions are committed inside the transactions"),
    ("enable.idempotence", "transactions need it on"),
    ("group.id", "each stage has a group of its own"),
    ("isolation.level", "a stage must not read what another one took back"),
    ("message.max.bytes", "it is the setting kafka.max_record_bytes"),
    ("statistics.interval.ms", "the lag is computed from them"),
    ("transactional.id", "it tells the broker which of two instances is the old one"),
];

/// Properties that the broker decides under the new group protocol (KIP-848).
const BROKER_DECIDES: &[&str] =
    &["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"];

/// The largest record unless said otherwise: a contact with all that was said in it is larger than
/// what most clusters allow without being told.
const MAX_RECORD_BYTES: usize = 16 << 20;
/// Below, a record of the largest payload that is taken in would have no room. Above, clients would
/// need other settings to read it back.
const RECORD_BYTES: std::ops::RangeInclusive<usize> = (1 << 16)..=(64 << 20);

/// How to reach a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// `HOST:PORT`, with commas between.
    pub brokers: String,
    /// Properties for librdkafka, as `-X key=value` gives them.
    pub properties: BTreeMap<String, String>,
    /// The largest record that is written, in bytes.
    pub max_record_bytes: usize,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        KafkaSettings {
            brokers: String::new(),
            properties: BTreeMap::new(),
            max_record_bytes: MAX_RECORD_BYTES,
        }
    }
}

/// A property that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No broker is named.
    #[error("no broker is named; give --brokers HOST:PORT")]
    NoBrokers,
    /// A bound that makes no sense.
    #[error(
        "kafka.max_record_bytes cannot be {found}: from {} to {}",
        RECORD_BYTES.start(),
        RECORD_BYTES.end()
    )]
    RecordBytes {
        /// What was said.
        found: usize,
    },
    /// One of ours.
    #[error("-X {name}=… cannot be set: {reason}; leave it out")]
    Own {
        /// The property.
        name: String,
        /// Why it is ours.
        reason: &'static str,
    },
    /// The build has no TLS.
    #[error(
        "security.protocol={protocol} needs TLS, which this build leaves out; build with \
         `--features kafka-tls` or take a release image"
    )]
    NoTls {
        /// What was asked for.
        protocol: String,
    },
    /// A property that the new group protocol leaves to the broker.
    #[error(
        "-X {name}=… and group.protocol=consumer exclude each other: under KIP-848 the broker \
         decides it; leave out one of them"
    )]
    BrokerDecides {
        /// The property.
        name: &'static str,
    },
    /// librdkafka does not know it, or refuses the value.
    #[error("librdkafka refuses the properties: {0}")]
    Refused(String),
}

impl KafkaSettings {
    /// Checks all that can be known without a broker.
    ///
    /// # Errors
    /// [`SettingsError`] says what to leave out or to build with.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.check_for(cfg!(feature = "kafka-tls"))
    }

    /// The same for a build with or without TLS.
    fn check_for(&self, tls: bool) -> Result<(), SettingsError> {
        if self.brokers.trim().is_empty() {
            return Err(SettingsError::NoBrokers);
        }
        if !RECORD_BYTES.contains(&self.max_record_bytes) {
            return Err(SettingsError::RecordBytes { found: self.max_record_bytes });
        }
        for name in self.properties.keys() {
            if let Some((_, reason)) = OWN.iter().find(|(own, _)| own == name) {
                return Err(SettingsError::Own { name: name.clone(), reason });
            }
        }
        let protocol = self.properties.get("security.protocol").map_or("plaintext", |p| p.as_str());
        if !tls && protocol.to_ascii_lowercase().contains("ssl") {
            return Err(SettingsError::NoTls { protocol: protocol.to_owned() });
        }
        let group_protocol = self.properties.get("group.protocol").map(String::as_str);
        if group_protocol == Some("consumer") {
            let clash = BROKER_DECIDES.iter().find(|name| self.properties.contains_key(**name));
            if let Some(name) = clash {
                return Err(SettingsError::BrokerDecides { name });
            }
        }
        self.client().create_native_config().map(|_| ()).map_err(|error| {
            SettingsError::Refused(match error {
                // It names the property and what it would take. Its value may be a password.
                KafkaError::ClientConfig(_, why, name, _) => format!("{name}: {why}"),
                other => other.to_string(),
            })
        })
    }

    /// What a reader of committed records starts from. It keeps its positions itself.
    pub(crate) fn reader(&self, group: &str) -> ClientConfig {
        // Fetched ahead per consumer; the default of 64 MiB is more than a turn ever needs.
        let mut config = self.client_with(&[("queued.max.messages.kbytes", "16384")]);
        config
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("statistics.interval.ms", ends::EVERY_MS);
        config
    }

    /// What a producer starts from, with these values where the user says nothing else.
    pub(crate) fn producer(&self, unless_said: &[(&str, &str)]) -> ClientConfig {
        // Java's, so that others who write a key find the same partition.
        let own = [("partitioner", "murmur2_random"), ("linger.ms", "5")];
        let mut config = self.client_with(&[&own, unless_said].concat());
        config.set("enable.idempotence", "true");
        config.set("message.max.bytes", self.max_record_bytes.to_string());
        config
    }

    /// What a client starts from, with these values where the user says nothing else.
    fn client_with(&self, unless_said: &[(&str, &str)]) -> ClientConfig {
        let mut config = self.client();
        for (name, value) in unless_said {
            if !self.properties.contains_key(*name) {
                config.set(*name, *value);
            }
        }
        config
    }

    /// What every client starts from.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "quell");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(properties: &[(&str, &str)]) -> KafkaSettings {
        let properties =
            properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let brokers = "localhost:9092".to_owned();
        KafkaSettings { brokers, properties, ..KafkaSettings::default() }
    }

    fn check(properties: &[(&str, &str)]) -> Result<(), SettingsError> {
        with(properties).check()
    }

    #[test]
    fn properties_pass_unless_exactly_once_rests_on_them() {
        assert_eq!(check(&[("fetch.min.bytes", "1"), ("linger.ms", "20")]), Ok(()));
        for (name, _) in OWN {
            let refused = check(&[(name, "x")]);
            assert!(matches!(refused, Err(SettingsError::Own { .. })), "{name}: {refused:?}");
        }
        assert!(matches!(check(&[("no.such.property", "1")]), Err(SettingsError::Refused(_))));
        assert!(matches!(check(&[("linger.ms", "soon")]), Err(SettingsError::Refused(_))));
        assert_eq!(KafkaSettings::default().check(), Err(SettingsError::NoBrokers));
        let brokers = "localhost:9092".to_owned();
        let tiny = KafkaSettings { brokers, max_record_bytes: 5, ..KafkaSettings::default() };
        assert_eq!(tiny.check(), Err(SettingsError::RecordBytes { found: 5 }));
    }

    #[test]
    fn the_new_group_protocol_names_what_it_excludes() {
        assert_eq!(check(&[("group.protocol", "consumer")]), Ok(()));
        let clash = check(&[("group.protocol", "consumer"), ("session.timeout.ms", "9000")]);
        assert_eq!(clash, Err(SettingsError::BrokerDecides { name: "session.timeout.ms" }));
        assert_eq!(check(&[("session.timeout.ms", "9000")]), Ok(()));
    }

    #[test]
    fn tls_names_the_feature_it_needs() {
        for protocol in ["SSL", "SASL_SSL", "sasl_ssl"] {
            let asked = with(&[("security.protocol", protocol)]);
            let error = asked.check_for(false).unwrap_err();
            assert!(error.to_string().contains("kafka-tls"), "{error}");
            assert!(!matches!(asked.check_for(true), Err(SettingsError::NoTls { .. })));
        }
    }
}
