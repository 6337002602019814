//! One node: its configuration, its process, its log.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::secured::Secured;
use crate::{BrokerError, Kafka, User};

/// What the server writes to its log when it takes requests.
const UP: &str = "Kafka Server started";
const UP_WITHIN: Duration = Duration::from_secs(240);
const HEAP_MB: u32 = 512;
/// Any 16 bytes in URL-safe Base64: all nodes of a cluster must name the same.
const CLUSTER_ID: &str = "cXVlbGwtdGVzdC1rYWZrYQ";

/// A node that can be killed and started again over the same data.
pub(crate) struct Node {
    number: usize,
    pub(crate) port: u16,
    pub(crate) controller_port: u16,
    /// The listener with TLS, if one was asked for.
    pub(crate) secured: Option<Secured>,
    dir: PathBuf,
    process: Option<Child>,
}

impl Node {
    /// A node without a process, on ports that are free now; with a listener for `user`.
    pub(crate) fn new(number: usize, dir: &Path, user: Option<&User>) -> Result<Node, BrokerError> {
        let dir = dir.join(format!("node-{number}"));
        fs::create_dir_all(&dir).map_err(BrokerError::io(dir.display().to_string()))?;
        let (port, controller_port) = (free_port()?, free_port()?);
        let secured = user.map(|user| Secured::new(&dir, user)).transpose()?;
        Ok(Node { number, port, controller_port, secured, dir, process: None })
    }

    /// Writes the configuration and prepares the empty data folder. `voters` names every node.
    pub(crate) fn format(
        &self,
        kafka: &Kafka,
        voters: &str,
        nodes: usize,
    ) -> Result<(), BrokerError> {
        let path = self.configuration();
        fs::write(&path, self.properties(voters, nodes))
            .map_err(BrokerError::io(path.display().to_string()))?;
        let output = kafka
            .program(
                "kafka.tools.StorageTool",
                HEAP_MB,
                &["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"],
            )
            .args(["format", "--cluster-id", CLUSTER_ID, "--config"])
            .arg(&path)
            .args(self.secured.iter().flat_map(|s| ["--add-scram".to_owned(), s.credential()]))
            .output()
            .map_err(BrokerError::io("java"))?;
        if output.status.success() {
            return Ok(());
        }
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(BrokerError::Start { node: self.number, detail, log: path })
    }

    /// Starts the process; [`Node::wait`] waits until it takes requests.
    pub(crate) fn start(&mut self, kafka: &Kafka) -> Result<(), BrokerError> {
        let log = self.log();
        let file = File::create(&log).map_err(BrokerError::io(log.display().to_string()))?;
        let copy = file.try_clone().map_err(BrokerError::io(log.display().to_string()))?;
        let options = [
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
        ];
        let mut server = kafka.program("kafka.Kafka", HEAP_MB, &options);
        server.arg(self.configuration()).stdout(file).stderr(copy);
        self.process = Some(server.spawn().map_err(BrokerError::io("java"))?);
        Ok(())
    }

    /// Waits until the node takes requests.
    pub(crate) fn wait(&mut self) -> Result<(), BrokerError> {
        let begun = Instant::now();
        let detail = loop {
            let said = fs::read_to_string(self.log()).unwrap_or_default();
            if said.contains(UP) {
                return Ok(());
            }
            match self.process.as_mut().map(Child::try_wait) {
                Some(Ok(None)) => {}
                Some(Ok(Some(status))) => break format!("it ended with {status}"),
                Some(Err(error)) => break error.to_string(),
                None => break "it was not started".to_owned(),
            }
            if begun.elapsed() > UP_WITHIN {
                break format!("not ready after {} s", UP_WITHIN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        self.kill();
        Err(BrokerError::Start { node: self.number, detail, log: self.log() })
    }

    /// Ends the process at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; then there is nothing to do.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks the process to end and waits for it.
    pub(crate) fn stop(&mut self) {
        if let Some(process) = &self.process {
            let asked = Command::new("kill")
                .arg(process.id().to_string())
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status();
            let begun = Instant::now();
            while asked.is_ok() && begun.elapsed() < Duration::from_secs(20) {
                if matches!(self.process.as_mut().map(Child::try_wait), Some(Ok(Some(_)))) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        self.kill();
    }

    /// Stops (or continues) the process where it stands, as a frozen machine would.
    pub(crate) fn signal(&self, signal: &str) -> Result<(), BrokerError> {
        let Some(process) = &self.process else { return Ok(()) };
        let status = Command::new("kill").arg(signal).arg(process.id().to_string()).status();
        status.map(|_| ()).map_err(BrokerError::io("kill"))
    }

    pub(crate) fn voter(&self) -> String {
        format!("{}@127.0.0.1:{}", self.number, self.controller_port)
    }

    /// The process, if it was started.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Leaves the process running when this value goes.
    pub(crate) fn detach(&mut self) {
        self.process = None;
    }

    fn configuration(&self) -> PathBuf {
        self.dir.join("server.properties")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Small internal topics, so that a cluster is up in seconds; no topic by accident; groups that
    /// do not wait for members who never come.
    fn properties(&self, voters: &str, nodes: usize) -> String {
        let (replicas, in_sync) = (nodes.min(3), nodes.div_ceil(2).min(2));
        let Node { number, port, controller_port, dir, .. } = self;
        let data = dir.join("data");
        let (mut listeners, mut kinds) = (format!("PLAINTEXT://127.0.0.1:{port}"), String::new());
        if let Some(secured) = &self.secured {
            listeners.push_str(&format!(",SECURED://127.0.0.1:{}", secured.port));
            kinds.push_str(",SECURED:SASL_SSL");
        }
        let more = self.secured.as_ref().map(Secured::properties).unwrap_or_default();
        format!(
            "process.roles=broker,controller\n\
             node.id={number}\n\
             controller.quorum.voters={voters}\n\
             listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}\n\
             advertised.listeners={listeners}\n\
             controller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{kinds}\n\
             log.dirs={data}\n\
             auto.create.topics.enable=false\n\
             default.replication.factor={replicas}\n\
             min.insync.replicas={in_sync}\n\
             offsets.topic.num.partitions=4\n\
             offsets.topic.replication.factor={replicas}\n\
             transaction.state.log.num.partitions=4\n\
             transaction.state.log.replication.factor={replicas}\n\
             transaction.state.log.min.isr={in_sync}\n\
             share.coordinator.state.topic.num.partitions=1\n\
             share.coordinator.state.topic.replication.factor={replicas}\n\
             share.coordinator.state.topic.min.isr={in_sync}\n\
             group.initial.rebalance.delay.ms=0\n\
             group.min.session.timeout.ms=1000\n\
             log.cleaner.backoff.ms=500\n\
             {more}",
            data = data.display(),
        )
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of this machine that nobody listens on now.
pub(crate) fn free_port() -> Result<u16, BrokerError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(BrokerError::io("a free port"))?;
    Ok(listener.local_addr().map_err(BrokerError::io("a free port"))?.port())
}
