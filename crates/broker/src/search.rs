//! A real OpenSearch of one node, for what a search backend is asked.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::BrokerError;
use crate::maven::{absolute, needs, provide};
use crate::node::free_port;

/// What is fetched, and in which version.
const POM: &str = include_str!("../opensearch.xml");
/// The folder in the archive.
const FOLDER: &str = "opensearch-2.19.6";
/// What the server writes to its log when it takes requests.
const UP: &str = "] started";
const UP_WITHIN: Duration = Duration::from_secs(120);
/// The user and group `nobody`: the server refuses to run as root.
const NOBODY: u32 = 65_534;

/// An unpacked OpenSearch.
#[derive(Clone, Debug)]
pub struct OpenSearch {
    home: PathBuf,
}

impl OpenSearch {
    /// Finds the server under `tools`, or fetches it.
    ///
    /// # Errors
    /// [`BrokerError::Program`] without Java 11 or Maven, [`BrokerError::Fetch`] where Maven
    /// Central cannot be reached.
    pub fn provide(tools: &Path) -> Result<OpenSearch, BrokerError> {
        needs("java", "-version", "openjdk-17-jre-headless")?;
        let home = tools.join("opensearch");
        let dist = provide(&home, POM, "unpack-dependencies", "dist", "OpenSearch")?;
        Ok(OpenSearch { home: absolute(&dist.join(FOLDER))? })
    }

    /// Starts a server without data on a free port; its data and log go to `dir`, which is emptied.
    ///
    /// # Errors
    /// [`BrokerError::Start`] with the log to look at.
    pub fn start(&self, dir: &Path) -> Result<SearchServer, BrokerError> {
        let dir = absolute(dir)?;
        let io = |path: &Path| BrokerError::io(path.display().to_string());
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(io(&dir))?;
        }
        let [conf, data, logs, scratch] =
            ["conf", "data", "logs", "tmp"].map(|name| dir.join(name));
        for folder in [&conf, &data, &logs, &scratch] {
            fs::create_dir_all(folder).map_err(io(folder))?;
        }
        let port = free_port()?;
        let settings = conf.join("opensearch.yml");
        fs::write(&settings, configuration(port, free_port()?, &data, &logs))
            .map_err(io(&settings))?;
        let logging = conf.join("log4j2.properties");
        fs::copy(self.home.join("config/log4j2.properties"), &logging).map_err(io(&logging))?;
        let is_root = fs::metadata(&conf).map_err(io(&conf))?.uid() == 0;
        if is_root {
            for path in [&conf, &data, &logs, &scratch, &settings, &logging] {
                chown(path, Some(NOBODY), Some(NOBODY)).map_err(io(path))?;
            }
        }
        let log = dir.join("server.log");
        let file = File::create(&log).map_err(io(&log))?;
        let copy = file.try_clone().map_err(io(&log))?;
        let process = self
            .program(is_root, &conf, &scratch)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .spawn()
            .map_err(BrokerError::io("java"))?;
        let mut server = SearchServer { port, log, process };
        server.wait()?;
        Ok(server)
    }

    /// The server's program; as root it becomes `nobody` first.
    fn program(&self, is_root: bool, conf: &Path, scratch: &Path) -> Command {
        let mut program = Command::new(if is_root { "setpriv" } else { "java" });
        if is_root {
            let [user, group] = ["reuid", "regid"].map(|id| format!("--{id}={NOBODY}"));
            program.args([&user, &group, "--clear-groups", "java"]);
        }
        let path = |name: &str, value: &Path| format!("-D{name}={}", value.display());
        program
            .args(["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg(path("java.io.tmpdir", scratch))
            .arg(path("opensearch.path.home", &self.home))
            .arg(path("opensearch.path.conf", conf))
            .args(["-Dopensearch.distribution.type=zip", "-Dopensearch.bundled_jdk=false"])
            .args(["-Dlog4j2.disable.jmx=true", "-cp"])
            .arg(self.home.join("lib").join("*"))
            .arg("org.opensearch.bootstrap.OpenSearch");
        program
    }
}

/// A running server; its process ends with it.
pub struct SearchServer {
    port: u16,
    log: PathBuf,
    process: Child,
}

impl SearchServer {
    /// Where it is asked: `http://HOST:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn wait(&mut self) -> Result<(), BrokerError> {
        let begun = Instant::now();
        let detail = loop {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            if said.contains(UP) {
                return Ok(());
            }
            match self.process.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => break format!("it ended with {status}"),
                Err(error) => break error.to_string(),
            }
            if begun.elapsed() > UP_WITHIN {
                break format!("not ready after {} s", UP_WITHIN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        Err(BrokerError::Start { node: 1, detail, log: self.log.clone() })
    }
}

impl Drop for SearchServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One node that finds nobody, listens on this machine alone, and works on a full disk too.
fn configuration(port: u16, transport_port: u16, data: &Path, logs: &Path) -> String {
    format!(
        "cluster.name: quell-tests\n\
         node.name: one\n\
         discovery.type: single-node\n\
         http.host: 127.0.0.1\n\
         http.port: {port}\n\
         transport.host: 127.0.0.1\n\
         transport.port: {transport_port}\n\
         path.data: {}\n\
         path.logs: {}\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n",
        data.display(),
        logs.display(),
    )
}
