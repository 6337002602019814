//! Kafka behind the port: the only crate that knows a broker. Bytes in, bytes out.
//!
//! [`KafkaSettings`] says how to reach the cluster and refuses what would break exactly-once;
//! [`topics`] says what topics there must be, compares them with the cluster and makes them;
//! [`KafkaLog`] is a stage's log in and transaction out, [`KafkaChangelog`] reads its state back,
//! [`KafkaReplica`] follows whole topics; [`first_seal`] lets workers agree on one.

mod catalogue;
mod changelog;
mod ends;
mod log;
mod rebalance;
mod replica;
mod seal;
mod settings;
mod topic_settings;
pub mod topics;
mod transaction;
mod writer;

pub use catalogue::catalogue;
pub use changelog::KafkaChangelog;
pub use log::{KafkaLog, StageSpec};
pub use replica::KafkaReplica;
pub use seal::first_seal;
pub use settings::{KafkaSettings, SettingsError};
pub use writer::KafkaWriter;
