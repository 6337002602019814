//! Programs taken out of Debian packages: installing those would start servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{first_line, remove, succeed};
use crate::Workspace;

/// A package, and the programs of it that are wanted.
pub struct Package {
    name: &'static str,
    programs: &'static [Program],
}

/// A program in `usr/bin`.
pub struct Program {
    name: &'static str,
    /// Set by hand to use a program of one's own; set by us for the tests.
    variable: &'static str,
}

/// The server and promtool.
pub const PROMETHEUS: Package = Package {
    name: "prometheus",
    programs: &[
        Program { name: "promtool", variable: "QUELL_PROMTOOL" },
        Program { name: "prometheus", variable: "QUELL_PROMETHEUS" },
    ],
};

/// amtool.
pub const ALERTMANAGER: Package = Package {
    name: "prometheus-alertmanager",
    programs: &[Program { name: "amtool", variable: "QUELL_AMTOOL" }],
};

impl Package {
    /// The variables that tell the tests where the programs are.
    pub fn variables(
        &self,
        workspace: &Workspace,
    ) -> impl Iterator<Item = (&'static str, PathBuf)> {
        self.programs.iter().map(|program| (program.variable, program.path(workspace)))
    }
}

impl Program {
    /// The one named by the caller, ours, or that of the system.
    fn path(&self, workspace: &Workspace) -> PathBuf {
        if let Some(named) = std::env::var_os(self.variable) {
            return named.into();
        }
        let ours = workspace.tools.join(self.name);
        if ours.exists() { ours } else { self.name.into() }
    }

    fn version(&self, workspace: &Workspace) -> Option<String> {
        first_line(Command::new(self.path(workspace)).arg("--version"))
    }
}

/// Makes sure that the package's programs are there.
pub(super) fn provide(workspace: &Workspace, package: &Package) -> Result<()> {
    let missing = |program: &&Program| program.version(workspace).is_none();
    if let Some(program) = package.programs.iter().find(missing) {
        if std::env::var_os(program.variable).is_some() {
            let path = program.path(workspace);
            bail!("{} names {}, which does not run", program.variable, path.display());
        }
        println!("{}: taking it out of the Debian package `{}`", program.name, package.name);
        fetch(workspace, package).with_context(|| {
            format!(
                "{} is missing and could not be fetched with apt-get: install the Debian package \
                 `{}`, or set {} to the program",
                program.name, package.name, program.variable
            )
        })?;
    }
    for program in package.programs {
        let path = program.path(workspace);
        match program.version(workspace) {
            Some(version) => println!("{}: {} ({version})", program.name, path.display()),
            None => bail!("{} does not run here", path.display()),
        }
    }
    Ok(())
}

/// Downloads the package and keeps its programs.
fn fetch(workspace: &Workspace, package: &Package) -> Result<()> {
    let scratch = workspace.tools.join(format!("{}-package", package.name));
    remove(&scratch)?;
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let download = || {
        let mut command = apt_get(&scratch);
        command.args(["download", package.name]);
        command
    };
    if succeed(&mut download()).is_err() {
        // The package lists are absent or old. Fresh ones go to our own directory: that needs no
        // root and leaves the system's as they are.
        println!("{}: reading the package lists anew", package.name);
        for directory in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(scratch.join(directory))?;
        }
        succeed(apt_get(&scratch).args(own_lists(&scratch)).arg("update"))?;
        succeed(download().args(own_lists(&scratch)))?;
    }
    let file = fs::read_dir(&scratch)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get left no package behind")?;
    let unpacked = scratch.join("unpacked");
    succeed(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(&unpacked))?;
    for Program { name, .. } in package.programs {
        fs::rename(unpacked.join("usr/bin").join(name), workspace.tools.join(name))
            .with_context(|| format!("the package holds no usr/bin/{name}"))?;
    }
    remove(&scratch)
}

pub(super) fn apt_get(directory: &Path) -> Command {
    let mut command = Command::new("apt-get");
    // Root would hand the download to a user that cannot write here, and be warned of it.
    command.current_dir(directory).args(["--quiet", "--option", "APT::Sandbox::User=root"]);
    command
}

fn own_lists(scratch: &Path) -> [String; 4] {
    let lists = format!("Dir::State::Lists={}", scratch.join("lists").display());
    let cache = format!("Dir::Cache={}", scratch.join("cache").display());
    ["--option".to_owned(), lists, "--option".to_owned(), cache]
}
