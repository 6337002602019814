//! A real Apache Kafka for tests and developers: fetched from Maven Central, started on free ports
//! of this machine, killed and started again at will. Beside it a real OpenSearch. Never shipped.
//!
//! ```no_run
//! # fn main() -> Result<(), quell_broker::BrokerError> {
//! let kafka = quell_broker::Kafka::provide("target/tools".as_ref())?;
//! let cluster = kafka.start("target/kafka-example".as_ref(), 1)?;
//! println!("{}", cluster.bootstrap_servers());
//! # Ok(())
//! # }
//! ```

mod cluster;
mod fetch;
mod maven;
mod node;
mod search;
mod secured;

pub use cluster::Cluster;
pub use fetch::Kafka;
pub use search::{OpenSearch, SearchServer};

use std::path::PathBuf;

/// Somebody whom a secured listener lets in.
#[derive(Clone, Debug)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password, without commas and brackets.
    pub password: String,
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A program that is needed does not run here.
    #[error("`{program}` does not run here: {detail}; on Debian: apt-get install {package}")]
    Program {
        /// What was called.
        program: &'static str,
        /// What became of it.
        detail: String,
        /// What brings it.
        package: &'static str,
    },
    /// What is to run could not be had.
    #[error("{what} cannot be fetched from Maven Central: {detail}")]
    Fetch {
        /// What was wanted.
        what: &'static str,
        /// What Maven says.
        detail: String,
    },
    /// A node did not come up.
    #[error("node {node} did not come up: {detail}; its log is {log}")]
    Start {
        /// Its number, from 1.
        node: usize,
        /// What was seen.
        detail: String,
        /// Where to look.
        log: PathBuf,
    },
    /// Files or processes.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
}

impl BrokerError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> BrokerError {
        let what = what.into();
        move |error| BrokerError::Io { what, error }
    }
}
