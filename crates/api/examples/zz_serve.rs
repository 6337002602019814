//! tmp
#![allow(missing_docs)]
use quell_model::TimeMs;
use std::sync::Arc;
struct C;
impl quell_ports::Clock for C {
    fn now(&self) -> TimeMs {
        TimeMs(
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
                as i64,
        )
    }
}
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();
    let yaml = include_str!("../../../taxonomies/ecommerce.yaml");
    let tax = quell_taxonomy::Taxonomy::parse(yaml, "e").unwrap();
    let settings = quell_worker::service::ServiceSettings {
        core: Default::default(),
        ingest: quell_worker::ingest::IngestSettings {
            adapter: quell_codec::Adapter::canonical(),
            limits: Default::default(),
            lateness_ms: 0,
        },
        store: Default::default(),
        index: quell_index::IndexSettings { memory_bytes: 15_000_000, threads: 1 },
        index_every: std::time::Duration::from_millis(500),
        dead_letter_retention_ms: i64::MAX,
        version: "0.1.0",
    };
    let service = Arc::new(
        quell_worker::service::Service::start(
            std::path::Path::new(&dir),
            settings,
            Arc::new(tax),
            Arc::new(C),
        )
        .unwrap(),
    );
    let mut access = quell_api::Access::default();
    let mut listen = quell_api::ListenSettings::new(([127, 0, 0, 1], port).into());
    if let Some(t) = std::env::args().nth(3) {
        access.tokens = quell_api::Access::from_file(t.as_ref()).unwrap().tokens;
    }
    if let Some(c) = std::env::args().nth(4) {
        listen.tls = Some(quell_api::TlsFiles {
            cert: c.into(),
            key: std::env::args().nth(5).unwrap().into(),
        });
        listen.addr = ([0, 0, 0, 0], port).into();
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(quell_api::Listener::open(listen, access).unwrap().serve(
            service.clone(),
            std::future::pending(),
            std::time::Duration::from_secs(5),
        ))
        .unwrap();
}
