//! Rules over the Cargo files: who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use crate::Violation;

/// A crate imports only from lower ranks, never from its own.
pub const RANKS: &[(u8, &str)] = &[
    (0, "model"),
    (1, "codec"),
    (1, "text"),
    (2, "taxonomy"),
    (2, "detect"),
    (3, "engine"),
    (3, "ports"),
    (4, "store"),
    (4, "kafka"),
    (4, "index"),
    (4, "eval"),
    (5, "worker"),
    (6, "api"),
    (6, "scenario"),
    (7, "quell"),
];

/// Crates up to this rank are pure: the same input gives the same result, everywhere, always.
pub const LAST_PURE_RANK: u8 = 3;

/// Crates that serve tests and developers.
const SERVING: &[&str] = &["broker", "faults"];

/// Crates without a rank; nothing depends on those that do not serve.
const OUTSIDE: &[&str] = &["broker", "faults", "tests", "xtask"];

/// Libraries that belong to some crates alone, and why.
const OWNED: &[(&str, &[&str], &str)] = &[
    // The tests read the topics as any other service would.
    ("rdkafka", &["kafka", "tests"], "the broker stays behind the port"),
    ("tantivy", &["index"], "the index format stays behind one crate"),
    ("fjall", &["store"], "the store can be replaced behind the port"),
    ("anyhow", &["quell", "tests", "xtask"], "a library says whose fault an error is, in a type"),
];

/// What a pure crate may not reach, not even through a library it uses.
const IMPURE: &[&str] = &[
    "axum", "fastrand", "fjall", "hyper", "mio", "rand", "rdkafka", "redb", "reqwest", "rocksdb",
    "rusqlite", "socket2", "tantivy", "tempfile", "tokio", "ureq",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Normal,
    Dev,
    Build,
}

#[derive(Debug)]
pub struct Dependency {
    pub package: String,
    pub section: Section,
    pub line: usize,
}

/// One crate of the workspace.
#[derive(Debug)]
pub struct Manifest {
    pub path: String,
    /// The package's name without `quell-`.
    pub name: String,
    pub dependencies: Vec<Dependency>,
}

impl Manifest {
    /// Reads a `Cargo.toml`; `workspace` is the `[workspace.dependencies]` it may refer to.
    pub fn parse(path: &str, text: &str, workspace: &Table) -> Result<Self, Violation> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            Violation::new(path, 1, format!("cannot be read: {error}"), "correct the file")
        })?;
        let name = table.get("package").and_then(|package| package.get("name"));
        let name = name.and_then(Value::as_str).unwrap_or_default();
        let mut manifest = Self {
            path: path.to_owned(),
            name: short_name(name).to_owned(),
            dependencies: Vec::new(),
        };
        manifest.collect(&table, text, workspace);
        if let Some(targets) = table.get("target").and_then(Value::as_table) {
            for target in targets.values().filter_map(Value::as_table) {
                manifest.collect(target, text, workspace);
            }
        }
        Ok(manifest)
    }

    pub fn rank(&self) -> Option<u8> {
        rank(&self.name)
    }

    pub fn is_pure(&self) -> bool {
        self.rank().is_some_and(|rank| rank <= LAST_PURE_RANK)
    }

    fn collect(&mut self, table: &Table, text: &str, workspace: &Table) {
        let sections = [
            ("dependencies", Section::Normal),
            ("dev-dependencies", Section::Dev),
            ("build-dependencies", Section::Build),
        ];
        for (key, section) in sections {
            let Some(entries) = table.get(key).and_then(Value::as_table) else {
                continue;
            };
            for (name, value) in entries {
                let shared = value.get("workspace").and(workspace.get(name)).unwrap_or(value);
                let package = shared.get("package").and_then(Value::as_str).unwrap_or(name);
                let line = text.lines().position(|line| {
                    let rest = line.trim_start().strip_prefix(name.as_str());
                    rest.is_some_and(|rest| rest.starts_with([' ', '.', '=']))
                });
                self.dependencies.push(Dependency {
                    package: package.to_owned(),
                    section,
                    line: line.map_or(1, |line| line + 1),
                });
            }
        }
    }
}

fn rank(name: &str) -> Option<u8> {
    RANKS.iter().find(|(_, known)| *known == name).map(|(rank, _)| *rank)
}

fn short_name(package: &str) -> &str {
    package.strip_prefix("quell-").unwrap_or(package)
}

/// Each crate has a rank and imports only lower ones.
pub fn check_ranks(manifests: &[Manifest]) -> Vec<Violation> {
    let names: BTreeSet<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut violations = Vec::new();
    for manifest in manifests {
        let from = &manifest.name;
        if manifest.rank().is_none() && !OUTSIDE.contains(&from.as_str()) {
            violations.push(Violation::new(
                &manifest.path,
                1,
                format!("the crate `{from}` has no rank"),
                "give it one in tests/tidy/manifests.rs and in ARCHITECTURE.md",
            ));
        }
        for dependency in &manifest.dependencies {
            let to = short_name(&dependency.package);
            if !names.contains(to) {
                continue;
            }
            if let Some((what, remedy)) = judge(manifest, to, dependency.section) {
                violations.push(Violation::new(&manifest.path, dependency.line, what, remedy));
            }
        }
    }
    violations
}

fn judge(from: &Manifest, to: &str, section: Section) -> Option<(String, String)> {
    let name = &from.name;
    match (from.rank(), rank(to)) {
        (_, None) if !SERVING.contains(&to) => Some((
            format!("`{name}` depends on `{to}`, which serves the repository alone"),
            "move what is needed into a crate with a rank".to_owned(),
        )),
        (Some(_), None) if section != Section::Dev => Some((
            format!("`{name}` ships `{to}`, which is for tests"),
            "make it a dev-dependency".to_owned(),
        )),
        (Some(own), Some(other)) if other >= own => Some((
            format!("`{name}` (rank {own}) depends on `{to}` (rank {other})"),
            "depend on lower ranks only: move the shared part down, or the test to tests/"
                .to_owned(),
        )),
        _ => None,
    }
}

/// Some libraries belong to one crate; what is impure is no part of the pure crates.
pub fn check_libraries(manifests: &[Manifest], lock: &Lock) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in manifests {
        for dependency in &manifest.dependencies {
            let library = dependency.package.as_str();
            let owned = OWNED.iter().find(|(name, _, _)| *name == library);
            if let Some((_, owners, reason)) = owned
                && !owners.contains(&manifest.name.as_str())
            {
                violations.push(Violation::new(
                    &manifest.path,
                    dependency.line,
                    format!("`{}` depends on {library}: {reason}", manifest.name),
                    format!("only {} may: use what that offers", owners.join(", ")),
                ));
            }
            if !manifest.is_pure() || dependency.section == Section::Dev {
                continue;
            }
            if let Some(chain) = lock.chain_to(library, IMPURE) {
                violations.push(Violation::new(
                    &manifest.path,
                    dependency.line,
                    format!("the pure crate `{}` reaches {}", manifest.name, chain.join(" -> ")),
                    "do it behind a port, or turn off the feature that pulls it in",
                ));
            }
        }
    }
    violations
}

/// The resolved libraries: name -> names it uses. Versions of one name count as one.
pub struct Lock(BTreeMap<String, BTreeSet<String>>);

impl Lock {
    pub fn parse(text: &str) -> Self {
        let table: Table = text.parse().expect("Cargo.lock is written by cargo");
        let packages = table.get("package").and_then(Value::as_array);
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in packages.into_iter().flatten() {
            let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
            let listed = package.get("dependencies").and_then(Value::as_array);
            let listed = listed.into_iter().flatten().filter_map(Value::as_str);
            let listed = listed.filter_map(|entry| Some(entry.split(' ').next()?.to_owned()));
            uses.entry(name.to_owned()).or_default().extend(listed);
        }
        Self(uses)
    }

    /// How a library reaches one of those named, if it does. Crates of ours are not entered:
    /// each answers for itself, and the lock file mixes in what only their tests use.
    fn chain_to(&self, library: &str, wanted: &[&str]) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([library]);
        let mut chains = vec![vec![library.to_owned()]];
        while let Some(chain) = chains.pop() {
            let last = chain.last()?;
            if wanted.contains(&last.as_str()) {
                return Some(chain);
            }
            if last.starts_with("quell-") {
                continue;
            }
            for next in self.0.get(last).into_iter().flatten() {
                if seen.insert(next) {
                    chains.push(chain.iter().chain([next]).cloned().collect());
                }
            }
        }
        None
    }
}

/// ARCHITECTURE.md names every crate, and where it tells ranks they are those above.
pub fn check_architecture(text: &str, manifests: &[Manifest]) -> Vec<Violation> {
    let path = "ARCHITECTURE.md";
    let mut violations = Vec::new();
    for manifest in manifests.iter().filter(|manifest| manifest.rank().is_some()) {
        let name = &manifest.name;
        if !text.contains(&format!("`{name}`")) && !text.contains(&format!("crates/{name}")) {
            violations.push(Violation::new(
                path,
                1,
                format!("does not name the crate `{name}`"),
                "say in three lines what lives there",
            ));
        }
    }
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", told, cell, ..] = cells[..] else {
            continue;
        };
        let name = cell.trim_matches('`');
        let name = name.strip_prefix("crates/").unwrap_or(name);
        if let (Ok(told), Some(rank)) = (told.parse::<u8>(), rank(name))
            && told != rank
        {
            violations.push(Violation::new(
                path,
                index + 1,
                format!("tells rank {told} of `{name}`, which has {rank}"),
                "correct the one that is wrong; the other is in tests/tidy/manifests.rs",
            ));
        }
    }
    violations
}

/// With `autotests = false`, a test file without an entry would never run and nobody would notice.
pub fn check_test_entries(manifest_text: &str, test_files: &[String]) -> Vec<Violation> {
    let table: Table = manifest_text.parse().unwrap_or_default();
    let entries = table.get("test").and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(|entry| entry.get("path")?.as_str());
    let entries: BTreeSet<&str> = entries.collect();
    let unlisted = test_files.iter().filter(|file| {
        let name = Path::new(file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !entries.contains(name) && name != "lib.rs"
    });
    let remedy = "add a [[test]] entry with name and path to tests/Cargo.toml";
    unlisted.map(|file| Violation::new(file, 1, "is never compiled nor run", remedy)).collect()
}
