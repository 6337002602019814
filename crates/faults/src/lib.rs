//! Faults for simulation tests: a log that crashes at any port call, and partitioned stages whose
//! messages arrive in any order that a broker allows. Not shipped.

mod cluster;
mod crashing;
mod seed;

pub use cluster::{Cluster, Ran};
pub use crashing::{CrashingPort, Fault, SimStore};
pub use seed::Seed;
