//! The arguments of `quell serve`.

use std::path::PathBuf;

use super::{CoreArgs, KafkaArgs, Run};

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Folder for the copy of the topics and its index.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub core: CoreArgs,
    /// Address to listen on. Any but 127.0.0.1 needs TLS and tokens.
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Certificate chain (PEM).
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM).
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Token file, as `quell token new` writes it.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    #[command(flatten)]
    pub kafka: KafkaArgs,
    /// Where settled contacts are searched: an address that /_search is appended to, such as
    /// http://quickwit:7280/api/v1/_elastic/quell-contacts.
    #[arg(long, value_name = "URL")]
    pub search_backend: Option<String>,
}

impl Serve {
    /// The same as a run of one stage.
    pub fn as_run(&self) -> Run {
        Run {
            data: self.data.clone(),
            core: self.core.clone(),
            listen: self.listen.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            tokens: self.tokens.clone(),
            inputs: Vec::new(),
            once: false,
            kafka: self.kafka.clone(),
            stages: Some("serve".to_owned()),
            search_backend: self.search_backend.clone(),
        }
    }
}
