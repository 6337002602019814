//! Kafka behind the port: the only crate that knows a broker. Bytes in, bytes out.
//!
//! [`KafkaSettings`] says how to reach the cluster and refuses what would break exactly-once;
//! [`topics`] says what topics there must be, compares them with the cluster and makes them.

mod settings;
pub mod topics;

pub use settings::{KafkaSettings, SettingsError};
