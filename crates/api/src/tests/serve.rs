//! Behind a socket: plain, with TLS, slow callers, the end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::{Site, opened};
use crate::{Access, Limits, ListenSettings, Listener, Scopes, ServeError, TlsFiles, new_token};

struct Served {
    addr: SocketAddr,
    end: oneshot::Sender<()>,
    outcome: JoinHandle<Result<(), ServeError>>,
}

fn loopback() -> ListenSettings {
    ListenSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn serve(site: &Site, settings: ListenSettings) -> Served {
    let listener = Listener::open(settings, site.api.access.clone()).expect("bound");
    let addr = listener.local_addr();
    let (end, ended) = oneshot::channel();
    let shutdown = async move {
        let _ = ended.await;
    };
    let service = site.service.clone();
    let outcome = tokio::spawn(listener.serve(service, shutdown, Duration::from_secs(60)));
    Served { addr, end, outcome }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite, request: &str) -> String {
    let mut stream = std::pin::pin!(stream);
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A peer that closes without a TLS goodbye is no failure of the exchange.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str, addr: SocketAddr) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn requests_come_over_the_socket_and_end_with_the_shutdown() {
    let site = Site::new();
    let served = serve(&site, loopback());
    let event = opened("1", 4, "Hello");
    let post = format!(
        "POST /v1/events HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{event}",
        served.addr,
        event.len()
    );
    let stream = TcpStream::connect(served.addr).await.expect("connected");
    let answer = exchange(stream, &post).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let stream = TcpStream::connect(served.addr).await.expect("connected");
    let foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(exchange(stream, foreign).await.starts_with("HTTP/1.1 403"));
    served.end.send(()).expect("running");
    served.outcome.await.expect("joined").expect("ended well");
    assert!(TcpStream::connect(served.addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn slow_callers_are_cut_off() {
    let site = Site::new();
    let short = Duration::from_millis(50);
    let limits = Limits { body_timeout: short, ..Limits::default() };
    let settings = ListenSettings { head_timeout: short, limits, ..loopback() };
    let served = serve(&site, settings);
    for head in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: 127"] {
        let stream = TcpStream::connect(served.addr).await.expect("connected");
        let answer = exchange(stream, head).await;
        assert!(!answer.contains("200 OK"), "{head:?}: {answer}");
    }
    let stream = TcpStream::connect(served.addr).await.expect("connected");
    let begun = format!(
        "POST /v1/events HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n{{",
        served.addr
    );
    let answer = exchange(stream, &begun).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed() {
    let site = Site::new();
    let served = serve(&site, ListenSettings { max_connections: 1, ..loopback() });
    let mut first = TcpStream::connect(served.addr).await.expect("connected");
    // An answer shows that the first connection has its place.
    let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", served.addr);
    first.write_all(request.as_bytes()).await.expect("sent");
    first.read_u8().await.expect("answered");
    let second = TcpStream::connect(served.addr).await.expect("connected");
    let mut nothing = Vec::new();
    let mut second = second;
    let _ = second.read_to_end(&mut nothing).await;
    assert_eq!(nothing, b"");
}

/// A certificate for localhost in a folder.
fn certificate(dir: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let files = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
    std::fs::write(&files.cert, made.cert.pem()).expect("written");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("written");
    (files, made.cert.der().clone())
}

#[tokio::test]
async fn with_tls_and_a_token_any_address_serves() {
    let mut site = Site::new();
    let dir = tempfile::tempdir().expect("a folder");
    let (files, der) = certificate(dir.path());
    let scopes = Scopes { read: true, ..Default::default() };
    let (token, entry) = new_token("reader", scopes, [3; 32]).expect("a token");
    site.api.access.tokens = vec![entry];
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let settings = ListenSettings { tls: Some(files), ..ListenSettings::new(everywhere) };
    let served = serve(&site, settings);
    let addr = SocketAddr::from(([127, 0, 0, 1], served.addr.port()));

    let mut roots = RootCertStore::empty();
    roots.add(der).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(client));
    for (header, status) in
        [(format!("Authorization: Bearer {token}\r\n"), 200), (String::new(), 401)]
    {
        let tcp = TcpStream::connect(addr).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = connector.connect(name, tcp).await.expect("a handshake");
        let head = format!("GET /v1/search HTTP/1.1\r\nHost: localhost\r\n{header}");
        let answer = exchange(stream, &format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let plain = TcpStream::connect(addr).await.expect("connected");
    assert!(!exchange(plain, &get("/", addr)).await.contains("HTTP/1.1 200"));
}

#[test]
fn addresses_are_written_with_their_port() {
    for addr in ["127.0.0.1:0", "localhost:0"] {
        let listener = Listener::bind(addr, None, Access::open()).expect("bound");
        let port = listener.local_addr().port();
        assert_eq!(listener.url(), format!("http://127.0.0.1:{port}"));
    }
    for addr in ["127.0.0.1", "7717", "", "example.com:7717", "127.0.0.1:99999"] {
        let refused = Listener::bind(addr, None, Access::open()).err();
        assert!(matches!(refused, Some(ServeError::Address(_))), "{addr}: {refused:?}");
    }
}

#[test]
fn every_address_is_told_as_one_that_a_program_here_can_ask() {
    let dir = tempfile::tempdir().expect("a folder");
    let (files, _) = certificate(dir.path());
    let scopes = Scopes { read: true, ..Default::default() };
    let (_, entry) = new_token("reader", scopes, [3; 32]).expect("a token");
    let access = Access { tokens: vec![entry], ..Access::open() };
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let settings = ListenSettings { tls: Some(files), ..ListenSettings::new(everywhere) };
    let listener = Listener::open(settings, access).expect("bound");
    let port = listener.local_addr().port();
    assert_eq!(listener.url(), format!("https://127.0.0.1:{port}"));
}

#[test]
fn nothing_listens_where_protection_is_missing_or_broken() {
    let everywhere = ListenSettings::new(SocketAddr::from(([0, 0, 0, 0], 0)));
    let refused = Listener::open(everywhere, Access::open()).err();
    assert!(matches!(refused, Some(ServeError::Bind(_))), "{refused:?}");

    let dir = tempfile::tempdir().expect("a folder");
    let (files, _) = certificate(dir.path());
    let scopes = Scopes { read: true, ..Default::default() };
    let entry = new_token("a", scopes, [3; 32]).expect("a token").1;
    let access = Access { tokens: vec![entry], required: false };
    let elsewhere = tempfile::tempdir().expect("a folder");
    let other = certificate(elsewhere.path());
    std::fs::write(dir.path().join("empty.pem"), "nothing\n").expect("written");
    for (cert, key, named, told) in [
        ("none.pem", "key.pem", "none.pem", "cannot be read"),
        ("empty.pem", "key.pem", "empty.pem", "holds no certificate"),
        ("key.pem", "key.pem", "key.pem", "holds no certificate"),
        ("cert.pem", "empty.pem", "empty.pem", "holds no private key"),
        ("cert.pem", "cert.pem", "cert.pem", "holds no private key"),
    ] {
        let tls = TlsFiles { cert: dir.path().join(cert), key: dir.path().join(key) };
        let settings = ListenSettings { tls: Some(tls), ..loopback() };
        let error = Listener::open(settings, access.clone()).err().expect(told).to_string();
        assert!(error.contains(named) && error.contains(told), "{error}");
    }
    let swapped = TlsFiles { cert: files.cert, key: other.0.key };
    let settings = ListenSettings { tls: Some(swapped), ..loopback() };
    let error = Listener::open(settings, access.clone()).err().expect("a mismatch").to_string();
    assert!(error.contains("cert.pem") && error.contains("key.pem"), "{error}");
}
