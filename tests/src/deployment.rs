//! Workers of `quell run --brokers` as processes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::quell;
use crate::topics::prefix;

/// What all workers of a deployment hash customers with.
const HASH_KEY: [u8; 32] = *b"one key for every worker, 32 B..";
/// How long a worker may take to start.
const PATIENCE: Duration = Duration::from_secs(180);

/// A deployment on a cluster, apart from others by its prefix.
pub struct Deployment {
    /// Where clients find the cluster.
    pub brokers: String,
    /// What all its topics begin with.
    pub prefix: String,
    /// Where its workers keep their folders.
    pub dir: PathBuf,
    /// A file with what its clients need to reach the cluster, beyond the address.
    pub properties: Option<PathBuf>,
}

impl Deployment {
    /// A deployment with a prefix that begins with `name`, and no other deployment has.
    pub fn new(brokers: String, name: &str, dir: &Path) -> Deployment {
        Deployment { brokers, prefix: prefix(name), dir: dir.to_owned(), properties: None }
    }

    /// The topic of events.
    pub fn input(&self) -> String {
        format!("{}tickets", self.prefix)
    }

    /// What tells `quell` of this deployment.
    pub fn settings(&self) -> Vec<String> {
        let mut pairs = vec![
            format!("kafka.prefix={}", self.prefix),
            format!("kafka.inputs={}", self.input()),
            format!("kafka.brokers={}", self.brokers),
        ];
        let file = self.properties.iter();
        pairs.extend(file.map(|file| format!("kafka.properties_file={}", file.display())));
        pairs.into_iter().flat_map(|pair| ["--set".to_owned(), pair]).collect()
    }

    /// Makes its topics.
    ///
    /// # Panics
    /// When it cannot.
    pub fn make_topics(&self, partitions: usize) {
        let made = Command::new(quell())
            .args(["topics", "apply", "--output", "table"])
            .args(["--partitions", &partitions.to_string()])
            .args(self.settings())
            .output()
            .expect("quell runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts a worker of this name.
    ///
    /// # Panics
    /// When it does not start.
    pub fn worker(&self, name: &str) -> Worker {
        self.worker_with_key(name, HASH_KEY)
    }

    /// Starts a worker of this name that hashes customers with this key.
    ///
    /// # Panics
    /// When it does not start.
    pub fn worker_with_key(&self, name: &str, key: [u8; 32]) -> Worker {
        let data = self.data(name, key);
        let child = self.spawn(&data);
        Worker { data, child }
    }

    /// Starts a worker on a folder.
    ///
    /// # Panics
    /// When it does not start.
    pub fn spawn(&self, data: &Path) -> Child {
        self.start("run", data, &[])
    }

    /// Starts a worker of this name with further settings, each KEY=VALUE.
    ///
    /// # Panics
    /// When it does not start.
    pub fn worker_with(&self, name: &str, settings: &[&str]) -> Worker {
        let data = self.data(name, HASH_KEY);
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let child = self.start("run", &data, &settings);
        Worker { data, child }
    }

    /// Starts a worker of this name that serves alone, over a search backend.
    ///
    /// # Panics
    /// When it does not start.
    pub fn serving(&self, name: &str, backend: &str) -> Worker {
        let data = self.data(name, HASH_KEY);
        let backend = ["--search-backend", backend, "--set", "search.backend_timeout=20s"];
        let child = self.start("serve", &data, &backend);
        Worker { data, child }
    }

    fn data(&self, name: &str, key: [u8; 32]) -> PathBuf {
        let data = self.dir.join(name);
        std::fs::create_dir_all(&data).expect("a folder");
        std::fs::write(data.join("customer-hash.key"), key).expect("a key");
        data
    }

    fn start(&self, command: &str, data: &Path, arguments: &[&str]) -> Child {
        // A former process's: it would be asked where nobody listens any more.
        let _ = std::fs::remove_file(data.join("listening.json"));
        let log = File::options().create(true).append(true).open(data.join("log.txt"));
        Command::new(quell())
            .args([command, "-X", "session.timeout.ms=6000", "--set", "kafka.idle_after=1h"])
            .args(["--set", "lateness=1d", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(self.settings())
            .args(arguments)
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("quell starts")
    }
}

/// A running worker; killed when dropped.
pub struct Worker {
    /// Its folder.
    pub data: PathBuf,
    /// Its process.
    pub child: Child,
}

impl Worker {
    /// Sends it a signal.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{signal} is sent");
    }

    /// Waits until it listens, and says where. Before, a signal ends it where it stands.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn await_start(&self) -> String {
        let begun = Instant::now();
        loop {
            let note = std::fs::read(self.data.join("listening.json")).unwrap_or_default();
            if let Ok(note) = serde_json::from_slice::<Value>(&note) {
                return note["url"].as_str().expect("an address").to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it is ready to be asked, and says where.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn await_ready(&self) -> String {
        let url = self.await_start();
        let begun = Instant::now();
        while ureq::get(format!("{url}/readyz")).call().is_err() {
            assert!(begun.elapsed() < PATIENCE, "it is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        url
    }

    /// What it said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("log.txt")).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
