//! One file per command.

pub mod adapter;
pub mod audit;
pub mod bench;
pub mod config;
pub mod demo;
pub mod dlq;
pub mod doctor;
#[cfg(feature = "kafka")]
pub mod eval;
pub mod export;
pub mod health;
pub mod replay;
pub mod run;
pub mod search;
pub mod simulate;
pub mod tagger;
pub mod taxonomy;
pub mod text;
pub mod token;
#[cfg(feature = "kafka")]
pub mod topics;
pub mod trends;
#[cfg(feature = "kafka")]
pub mod worker;
