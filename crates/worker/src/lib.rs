//! Runs the core: the turn and its commit, the way in, the index beside it, replays.
//!
//! [`service::Service`] is the embedded mode, [`replay::replay`] the black box from files to
//! files: both drive the same [`quell_engine::Core`]. [`stage::Runner`] drives one of its stages
//! on a cluster. [`views::Views`] answers questions in both.

pub mod direct;
mod event_clock;
pub mod indexer;
pub mod ingest;
pub mod lines;
pub mod log_row;
pub mod metrics;
pub mod overlay;
pub mod replay;
pub mod service;
pub mod stage;
pub mod trends;
pub mod turn;
pub mod views;
pub mod watcher;
