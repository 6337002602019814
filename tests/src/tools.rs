//! Programs that `cargo xtask test` fetches.

use std::path::{Path, PathBuf};

/// The program named by the variable, the one that was fetched, or that of the system.
pub fn tool(name: &str, variable: &str) -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools").join(name);
    match std::env::var_os(variable) {
        Some(named) => named.into(),
        None if fetched.exists() => fetched,
        None => name.into(),
    }
}
