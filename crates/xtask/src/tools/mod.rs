//! The tools the tests need, each found or fetched.

mod debian;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Workspace;
use crate::steps::cargo;

use debian::apt_get;
pub use debian::{ALERTMANAGER, PROMETHEUS};

/// Pinned: another version may judge the same `deny.toml` differently.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Something a step cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Rustfmt,
    Clippy,
    CargoDeny,
    /// promtool and the server that it belongs to.
    Prometheus,
    /// amtool alone.
    Alertmanager,
    /// With Maven: they run and fetch Apache Kafka.
    Java,
    /// With npm: they check dashboards against Grafana's types.
    Node,
    /// Python with what `deploy/check` needs.
    DeployCheck,
    /// systemd-analyze.
    Systemd,
}

/// Makes sure the tool is there.
///
/// # Errors
/// When it is missing and cannot be fetched; the message says what to install by hand.
pub fn provide(workspace: &Workspace, tool: Tool) -> Result<()> {
    match tool {
        Tool::Rustfmt => provide_component(workspace, "rustfmt", "fmt"),
        Tool::Clippy => provide_component(workspace, "clippy", "clippy"),
        Tool::CargoDeny => provide_cargo_deny(workspace),
        Tool::Prometheus => debian::provide(workspace, &PROMETHEUS),
        Tool::Alertmanager => debian::provide(workspace, &ALERTMANAGER),
        Tool::Java => provide_installed(workspace, &JAVA),
        Tool::Node => provide_installed(workspace, &NODE),
        Tool::DeployCheck => provide_deploy_check(workspace),
        Tool::Systemd => provide_installed(workspace, &SYSTEMD),
    }
}

fn provide_component(workspace: &Workspace, component: &str, command: &str) -> Result<()> {
    if let Some(version) = first_line(cargo(workspace).args([command, "--version"])) {
        println!("{component}: {version}");
        return Ok(());
    }
    println!("{component}: adding the rustup component");
    let mut rustup = Command::new("rustup");
    rustup.args(["component", "add", component]).current_dir(&workspace.root);
    succeed(&mut rustup).with_context(|| {
        format!("{component} is missing: install Rust with rustup, then `rustup component add {component}`")
    })
}

fn provide_cargo_deny(workspace: &Workspace) -> Result<()> {
    let installed = workspace.tools.join("bin/cargo-deny");
    let expected = format!("cargo-deny {CARGO_DENY_VERSION}");
    if first_line(Command::new(&installed).arg("--version")).as_ref() == Some(&expected) {
        println!("cargo-deny: {CARGO_DENY_VERSION}");
        return Ok(());
    }
    println!("cargo-deny: building version {CARGO_DENY_VERSION} (minutes, once)");
    // Its own build directory can go afterwards; a build that was broken off resumes there.
    // Unoptimised, it builds in less than half the time and is still done in seconds.
    let build = workspace.tools.join("cargo-deny-build");
    let mut install = cargo(workspace);
    install
        .args(["install", "--quiet", "--locked", "--force", "--no-default-features", "--debug"])
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args(["cargo-deny", "--version", CARGO_DENY_VERSION, "--root"])
        .arg(&workspace.tools)
        .arg("--target-dir")
        .arg(&build);
    succeed(&mut install).with_context(|| {
        format!("cannot build cargo-deny {CARGO_DENY_VERSION}: is the crate registry in reach?")
    })?;
    remove(&build)
}

/// Programs that are installed: taken out of their packages they do not run.
struct Installed {
    what: &'static str,
    runs: &'static [&'static [&'static str]],
    packages: &'static [&'static str],
}

const JAVA: Installed = Installed {
    what: "java, maven",
    runs: &[&["java", "-version"], &["mvn", "--version"]],
    packages: &["openjdk-17-jre-headless", "maven"],
};
const NODE: Installed = Installed {
    what: "node, npm",
    runs: &[&["node", "--version"], &["npm", "--version"]],
    packages: &["nodejs", "npm"],
};
const PYTHON: Installed = Installed {
    what: "python, venv",
    runs: &[&["python3", "-c", "import ensurepip, venv"]],
    packages: &["python3", "python3-venv"],
};
const SYSTEMD: Installed = Installed {
    what: "systemd-analyze",
    runs: &[&["systemd-analyze", "--version"]],
    packages: &["systemd"],
};

fn provide_installed(workspace: &Workspace, programs: &Installed) -> Result<()> {
    let Installed { what, runs, packages } = programs;
    let missing = || {
        let is_missing = |line: &&&[&str]| {
            line.split_first().is_none_or(|(program, arguments)| {
                first_line(Command::new(program).args(arguments)).is_none()
            })
        };
        runs.iter().find(is_missing)
    };
    if missing().is_some() {
        println!("{what}: installing the Debian packages");
        let names = packages.join(" ");
        let hint = format!(
            "{what}: missing, and could not be installed with apt-get; on Debian, as root: \
             apt-get install {names}"
        );
        let mut install = vec!["install", "--yes", "--no-install-recommends"];
        install.extend(*packages);
        if succeed(apt_get(&workspace.root).args(&install)).is_err() {
            succeed(apt_get(&workspace.root).arg("update")).context(hint.clone())?;
            succeed(apt_get(&workspace.root).args(&install)).context(hint.clone())?;
        }
        if let Some(line) = missing() {
            bail!("`{}` does not run. {hint}", line.join(" "));
        }
    }
    println!("{what}: found");
    Ok(())
}

/// What `deploy/check` needs, in a Python environment of its own.
fn provide_deploy_check(workspace: &Workspace) -> Result<()> {
    provide_installed(workspace, &PYTHON)?;
    let pinned = workspace.root.join("deploy/check/requirements.txt");
    let wanted = fs::read(&pinned).with_context(|| format!("cannot read {}", pinned.display()))?;
    let environment = workspace.tools.join("deploy-check");
    let done = environment.join("installed.txt");
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        println!("deploy check: installed");
        return Ok(());
    }
    println!("deploy check: installing {} (a minute, once)", pinned.display());
    remove(&environment)?;
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    succeed(
        Command::new(environment.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&pinned),
    )
    .context("is the Python package index in reach?")?;
    fs::write(&done, wanted).with_context(|| format!("cannot write {}", done.display()))
}

/// The first line a command prints, when it runs and succeeds.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // promtool of some versions writes its version to the error stream.
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    output.status.success().then_some(line)
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start `{program}`"))?;
    if !status.success() {
        bail!("`{program}` ended with {status}");
    }
    Ok(())
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}
