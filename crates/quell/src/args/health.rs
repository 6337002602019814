//! The arguments of `quell health`.

use std::path::PathBuf;

use super::CoreArgs;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 well, 69 not, or nobody answers. For containers, whose image \
has nothing else that could ask."
)]
pub struct Health {
    /// Address of a running Quell.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub url: Option<String>,
    /// Data folder of a running Quell. Default: run.data.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Ask whether it is ready for requests, instead of whether it works.
    #[arg(long)]
    pub ready: bool,
    #[command(flatten)]
    pub core: CoreArgs,
}
