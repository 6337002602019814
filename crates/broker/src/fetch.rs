//! The server's jars, from Maven Central.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::maven::{absolute, needs, provide};
use crate::{BrokerError, Cluster, User};

/// What is fetched, and in which version.
const POM: &str = include_str!("../pom.xml");

/// An installed Apache Kafka.
#[derive(Clone, Debug)]
pub struct Kafka {
    jars: PathBuf,
}

impl Kafka {
    /// Finds the jars under `tools`, or fetches them.
    ///
    /// # Errors
    /// [`BrokerError::Program`] without Java 17 or Maven, [`BrokerError::Fetch`] where Maven
    /// Central cannot be reached.
    pub fn provide(tools: &Path) -> Result<Kafka, BrokerError> {
        needs("java", "-version", "openjdk-17-jre-headless")?;
        let home = tools.join("kafka");
        let jars = provide(&home, POM, "copy-dependencies", "jars", "Apache Kafka")?;
        Ok(Kafka { jars })
    }

    /// Starts a new cluster of so many nodes; its data and logs go to `dir`, which is emptied.
    ///
    /// # Errors
    /// [`BrokerError::Start`] with the log to look at.
    pub fn start(&self, dir: &Path, nodes: usize) -> Result<Cluster, BrokerError> {
        Cluster::start(self.clone(), &absolute(dir)?, nodes, None)
    }

    /// Starts a new cluster of one node that also listens with TLS, for one user with
    /// SCRAM-SHA-512: [`Cluster::secured_servers`], [`Cluster::certificate`].
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start_secured(&self, dir: &Path, user: &User) -> Result<Cluster, BrokerError> {
        Cluster::start(self.clone(), &absolute(dir)?, 1, Some(user))
    }

    /// A Java program of the server, yet without its arguments.
    pub(crate) fn program(&self, class: &str, heap_mb: u32, options: &[&str]) -> Command {
        let mut java = Command::new("java");
        java.arg(format!("-Xmx{heap_mb}m"))
            .args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .args(options)
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg(class)
            .stdin(Stdio::null());
        java
    }
}
