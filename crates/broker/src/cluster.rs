//! A running cluster of one node or more.

use std::fs;
use std::path::Path;

use crate::node::Node;
use crate::secured::Secured;
use crate::{BrokerError, Kafka, User};

/// A cluster; its processes end with it.
pub struct Cluster {
    kafka: Kafka,
    nodes: Vec<Node>,
}

impl Cluster {
    pub(crate) fn start(
        kafka: Kafka,
        dir: &Path,
        nodes: usize,
        user: Option<&User>,
    ) -> Result<Cluster, BrokerError> {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(BrokerError::io(dir.display().to_string()))?;
        }
        let nodes: Result<Vec<Node>, _> = (1..=nodes).map(|n| Node::new(n, dir, user)).collect();
        let mut cluster = Cluster { kafka, nodes: nodes? };
        let voters: Vec<String> = cluster.nodes.iter().map(Node::voter).collect();
        let voters = voters.join(",");
        for node in &cluster.nodes {
            node.format(&cluster.kafka, &voters, cluster.nodes.len())?;
        }
        for node in &mut cluster.nodes {
            node.start(&cluster.kafka)?;
        }
        cluster.nodes.iter_mut().try_for_each(Node::wait)?;
        Ok(cluster)
    }

    /// Where clients find it: `HOST:PORT`, with commas between.
    pub fn bootstrap_servers(&self) -> String {
        let servers: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        servers.join(",")
    }

    /// Where clients find the listeners with TLS, if they were asked for.
    pub fn secured_servers(&self) -> String {
        let servers = self.nodes.iter().filter_map(|node| node.secured.as_ref());
        let servers: Vec<String> = servers.map(|s| format!("127.0.0.1:{}", s.port)).collect();
        servers.join(",")
    }

    /// What clients of the first listener with TLS trust, as a PEM file.
    pub fn certificate(&self) -> Option<&Path> {
        let mut secured = self.nodes.iter().filter_map(|node| node.secured.as_ref());
        secured.next().map(|Secured { certificate, .. }| certificate.as_path())
    }

    /// Ends a node at once, as a power cut would. Nodes are numbered from 0.
    pub fn kill(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.kill();
        }
    }

    /// Stops a node in good order.
    pub fn stop(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.stop();
        }
    }

    /// Starts a stopped or killed node over its data, and waits until it takes requests.
    ///
    /// # Errors
    /// [`BrokerError::Start`]
    pub fn restart(&mut self, node: usize) -> Result<(), BrokerError> {
        let Some(node) = self.nodes.get_mut(node) else { return Ok(()) };
        node.start(&self.kafka)?;
        node.wait()
    }

    /// Freezes a node where it stands.
    ///
    /// # Errors
    /// [`BrokerError::Io`] where no signal can be sent.
    pub fn freeze(&self, node: usize) -> Result<(), BrokerError> {
        self.nodes.get(node).map_or(Ok(()), |node| node.signal("-STOP"))
    }

    /// Lets a frozen node go on.
    ///
    /// # Errors
    /// As [`Cluster::freeze`].
    pub fn thaw(&self, node: usize) -> Result<(), BrokerError> {
        self.nodes.get(node).map_or(Ok(()), |node| node.signal("-CONT"))
    }

    /// Leaves the processes running and returns their ids.
    pub fn leave_running(mut self) -> Vec<u32> {
        let ids = self.nodes.iter().filter_map(Node::id).collect();
        self.nodes.iter_mut().for_each(Node::detach);
        ids
    }
}
