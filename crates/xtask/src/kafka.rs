//! `cargo xtask kafka up|down`: a real broker for developers, on free ports of this machine.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Workspace;
use crate::tools::{self, Tool};

/// What is asked of the developer's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start a cluster of so many nodes.
    Up(usize),
    /// Stop it.
    Down,
}

impl Action {
    pub fn parse(arguments: &[&str]) -> Option<Action> {
        match arguments {
            ["up"] => Some(Action::Up(1)),
            ["up", nodes] => nodes.parse().ok().filter(|n| (1..=5).contains(n)).map(Action::Up),
            ["down"] => Some(Action::Down),
            _ => None,
        }
    }
}

/// Does it.
///
/// # Errors
/// Where Kafka cannot be had or started; where a cluster runs already.
pub fn run(workspace: &Workspace, action: Action) -> Result<()> {
    let pids = dir(workspace).join("pids");
    let running = fs::read_to_string(&pids).ok();
    match (action, running) {
        (Action::Up(_), Some(_)) => {
            bail!("a cluster was started before: `cargo xtask kafka down` first")
        }
        (Action::Up(nodes), None) => up(workspace, nodes),
        (Action::Down, Some(running)) => {
            for pid in running.split_whitespace() {
                // One that has ended already is as good as stopped.
                let _ = Command::new("kill").arg(pid).stderr(Stdio::null()).status();
            }
            std::thread::sleep(Duration::from_secs(1));
            fs::remove_file(&pids)?;
            println!(
                "stopped; its data stays in {} until the next start",
                dir(workspace).display()
            );
            Ok(())
        }
        (Action::Down, None) => bail!("no cluster was started with `cargo xtask kafka up`"),
    }
}

fn up(workspace: &Workspace, nodes: usize) -> Result<()> {
    tools::provide(workspace, Tool::Java)?;
    let kafka = quell_broker::Kafka::provide(&workspace.tools)?;
    let dir = dir(workspace);
    let cluster = kafka.start(&dir, nodes)?;
    let servers = cluster.bootstrap_servers();
    let pids: Vec<String> = cluster.leave_running().iter().map(u32::to_string).collect();
    let path = dir.join("pids");
    fs::write(&path, pids.join(" ")).with_context(|| path.display().to_string())?;
    println!("Apache Kafka takes requests; stop it with `cargo xtask kafka down`");
    println!("export KAFKA_BOOTSTRAP_SERVERS={servers}");
    Ok(())
}

fn dir(workspace: &Workspace) -> PathBuf {
    workspace.tools.with_file_name("kafka").join("dev")
}
