//! The server's jars, from Maven Central.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{BrokerError, Cluster};

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
        let jars = home.join("jars");
        let pom = home.join("pom.xml");
        // The pom is written last: where it is the same, its jars are there.
        if fs::read_to_string(&pom).is_ok_and(|known| known == POM) {
            return Ok(Kafka { jars });
        }
        needs("mvn", "--version", "maven")?;
        fs::create_dir_all(&home).map_err(BrokerError::io(home.display().to_string()))?;
        let wanted = home.join("wanted.xml");
        fs::write(&wanted, POM).map_err(BrokerError::io(wanted.display().to_string()))?;
        let output = Command::new("mvn")
            .args(["--batch-mode", "--quiet", "--file"])
            .arg(&wanted)
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", absolute(&jars)?.display()))
            .stdin(Stdio::null())
            .output()
            .map_err(BrokerError::io("mvn"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let line =
                said.lines().find(|line| line.contains("ERROR")).unwrap_or("no reason given");
            return Err(BrokerError::Fetch(line.to_owned()));
        }
        fs::rename(&wanted, &pom).map_err(BrokerError::io(pom.display().to_string()))?;
        Ok(Kafka { jars })
    }

    /// Starts a new cluster of so many nodes; its data and logs go to `dir`, which is emptied.
    ///
    /// # Errors
    /// [`BrokerError::Start`] with the log to look at.
    pub fn start(&self, dir: &Path, nodes: usize) -> Result<Cluster, BrokerError> {
        Cluster::start(self.clone(), &absolute(dir)?, nodes)
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

fn needs(program: &'static str, version: &str, package: &'static str) -> Result<(), BrokerError> {
    let ran = Command::new(program)
        .arg(version)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let detail = match ran {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Err(BrokerError::Program { program, detail, package })
}

fn absolute(path: &Path) -> Result<PathBuf, BrokerError> {
    std::path::absolute(path).map_err(BrokerError::io(path.display().to_string()))
}
