//! The tools the tests need, each found or fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::Workspace;
use crate::steps::cargo;

/// Pinned: another version may judge the same `deny.toml` differently.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Set by hand to use a promtool of one's own; set by us for the tests.
const PROMTOOL_VARIABLE: &str = "QUELL_PROMTOOL";

/// Something a step cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Rustfmt,
    Clippy,
    CargoDeny,
    Promtool,
    /// With Maven: they run and fetch Apache Kafka.
    Java,
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
        Tool::Promtool => provide_promtool(workspace),
        Tool::Java => provide_java(workspace),
    }
}

/// Where the tests find promtool: the one named by the caller, ours, or that of the system.
pub fn promtool_path(workspace: &Workspace) -> PathBuf {
    if let Some(named) = std::env::var_os(PROMTOOL_VARIABLE) {
        return named.into();
    }
    let ours = fetched_promtool(workspace);
    if ours.exists() { ours } else { "promtool".into() }
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

fn provide_promtool(workspace: &Workspace) -> Result<()> {
    let path = promtool_path(workspace);
    if let Some(version) = first_line(Command::new(&path).arg("--version")) {
        println!("promtool: {} ({version})", path.display());
        return Ok(());
    }
    if std::env::var_os(PROMTOOL_VARIABLE).is_some() {
        bail!(
            "{PROMTOOL_VARIABLE} names {}, which does not run: correct or unset it",
            path.display()
        );
    }
    println!("promtool: taking it out of the Debian package `prometheus`");
    fetch_promtool(workspace).context(
        "promtool is missing and could not be fetched with apt-get: install Prometheus \
         (on Debian the package `prometheus`), or set QUELL_PROMTOOL to a promtool binary",
    )?;
    let path = fetched_promtool(workspace);
    match first_line(Command::new(&path).arg("--version")) {
        Some(version) => println!("promtool: {} ({version})", path.display()),
        None => bail!("the promtool in {} does not run here", path.display()),
    }
    Ok(())
}

/// The packages are installed: a Java taken out of its package does not run.
fn provide_java(workspace: &Workspace) -> Result<()> {
    let runs = || {
        let java = first_line(Command::new("java").arg("-version"));
        java.is_some() && first_line(Command::new("mvn").arg("--version")).is_some()
    };
    if !runs() {
        println!("java, maven: installing the Debian packages");
        let install =
            ["install", "--yes", "--no-install-recommends", "openjdk-17-jre-headless", "maven"];
        let hint = "Java 17 or Maven is missing and could not be installed with apt-get: install \
                    both (on Debian, as root: apt-get install openjdk-17-jre-headless maven)";
        let done = succeed(apt_get(&workspace.root).args(install));
        if done.is_err() {
            succeed(apt_get(&workspace.root).arg("update")).context(hint)?;
            succeed(apt_get(&workspace.root).args(install)).context(hint)?;
        }
        if !runs() {
            bail!(hint);
        }
    }
    println!("java, maven: found");
    Ok(())
}

fn fetched_promtool(workspace: &Workspace) -> PathBuf {
    workspace.tools.join("promtool")
}

/// Downloads the package and keeps one file of it: installing it would start a server.
fn fetch_promtool(workspace: &Workspace) -> Result<()> {
    let scratch = workspace.tools.join("promtool-package");
    remove(&scratch)?;
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    if succeed(&mut download(&scratch)).is_err() {
        // The package lists are absent or old. Fresh ones go to our own directory: that needs no
        // root and leaves the system's as they are.
        println!("promtool: reading the package lists anew");
        for directory in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(scratch.join(directory))?;
        }
        succeed(apt_get(&scratch).args(own_lists(&scratch)).arg("update"))?;
        succeed(download(&scratch).args(own_lists(&scratch)))?;
    }
    let package = fs::read_dir(&scratch)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package behind")?;
    let unpacked = scratch.join("unpacked");
    succeed(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unpacked))?;
    fs::rename(unpacked.join("usr/bin/promtool"), fetched_promtool(workspace))
        .context("the package holds no usr/bin/promtool")?;
    remove(&scratch)
}

fn download(scratch: &Path) -> Command {
    let mut command = apt_get(scratch);
    command.args(["download", "prometheus"]);
    command
}

fn apt_get(scratch: &Path) -> Command {
    let mut command = Command::new("apt-get");
    // Root would hand the download to a user that cannot write here, and be warned of it.
    command.current_dir(scratch).args(["--quiet", "--option", "APT::Sandbox::User=root"]);
    command
}

fn own_lists(scratch: &Path) -> [String; 4] {
    let lists = format!("Dir::State::Lists={}", scratch.join("lists").display());
    let cache = format!("Dir::Cache={}", scratch.join("cache").display());
    ["--option".to_owned(), lists, "--option".to_owned(), cache]
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
