//! What is fetched from Maven Central by a pinned project file. Maven compares checksums.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::BrokerError;

/// Finds what `pom` names in the folder `home`, or fetches it with this goal of Maven's plugin
/// for dependencies, which puts it into `home`/`into`. Of several that ask at once, one fetches.
pub(crate) fn provide(
    home: &Path,
    pom: &str,
    goal: &str,
    into: &str,
    what: &'static str,
) -> Result<PathBuf, BrokerError> {
    let target = home.join(into);
    let kept = home.join("pom.xml");
    // The project file is written last: where it is the same, what it names is there.
    let is_there = || fs::read_to_string(&kept).is_ok_and(|known| known == pom);
    if is_there() {
        return Ok(target);
    }
    fs::create_dir_all(home).map_err(BrokerError::io(home.display().to_string()))?;
    let lock = home.join("lock");
    let held = File::create(&lock).map_err(BrokerError::io(lock.display().to_string()))?;
    held.lock().map_err(BrokerError::io(lock.display().to_string()))?;
    if is_there() {
        return Ok(target);
    }
    needs("mvn", "--version", "maven")?;
    let wanted = home.join("wanted.xml");
    fs::write(&wanted, pom).map_err(BrokerError::io(wanted.display().to_string()))?;
    let output = Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(&wanted)
        .arg(format!("dependency:{goal}"))
        .arg(format!("-DoutputDirectory={}", absolute(&target)?.display()))
        .stdin(Stdio::null())
        .output()
        .map_err(BrokerError::io("mvn"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find(|line| line.contains("ERROR")).unwrap_or("no reason given");
        return Err(BrokerError::Fetch { what, detail: line.to_owned() });
    }
    fs::rename(&wanted, &kept).map_err(BrokerError::io(kept.display().to_string()))?;
    Ok(target)
}

/// Fails where a program does not run here.
pub(crate) fn needs(
    program: &'static str,
    version: &str,
    package: &'static str,
) -> Result<(), BrokerError> {
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

pub(crate) fn absolute(path: &Path) -> Result<PathBuf, BrokerError> {
    std::path::absolute(path).map_err(BrokerError::io(path.display().to_string()))
}
