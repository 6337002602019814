//! The routes behind a socket.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::service::SendService;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

use crate::access::Access;
use crate::bind::{BindError, check_bind, is_loopback};
use crate::guard::Hosts;
use crate::router::{Api, Behind, Limits, router};
use crate::tls::{TlsError, TlsFiles};

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Where and how to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenSettings {
    /// Address and port; port 0 takes a free one.
    pub addr: SocketAddr,
    /// With TLS; plain where none.
    pub tls: Option<TlsFiles>,
    /// Connections at once; further ones are closed at once.
    pub max_connections: usize,
    /// How long the head of a request may take to arrive, and an idle connection stay open.
    pub head_timeout: Duration,
    /// Bounds of the requests.
    pub limits: Limits,
}

impl ListenSettings {
    /// The usual bounds at this address: 1,024 connections, 15 seconds for a head.
    pub fn new(addr: SocketAddr) -> Self {
        ListenSettings {
            addr,
            tls: None,
            max_connections: 1_024,
            head_timeout: Duration::from_secs(15),
            limits: Limits::default(),
        }
    }
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be read.
    #[error("{0:?} is no address to listen on: write one like 127.0.0.1:7717 or [::1]:7717")]
    Address(String),
    /// The address is not protected.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; is another process using the port?")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The socket failed later.
    #[error("the listener failed: {0}")]
    Io(#[from] io::Error),
}

/// A socket that is bound, and serves as soon as it is told to.
pub struct Listener {
    settings: ListenSettings,
    socket: TcpListener,
    local: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    access: Access,
}

impl Listener {
    /// Binds an address such as `127.0.0.1:7717` with the usual bounds.
    ///
    /// # Errors
    /// As [`Listener::open`].
    pub fn bind(addr: &str, tls: Option<TlsFiles>, access: Access) -> Result<Listener, ServeError> {
        let numeric = addr.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let parsed = numeric.as_deref().unwrap_or(addr).parse();
        let addr = parsed.map_err(|_| ServeError::Address(addr.to_owned()))?;
        Listener::open(ListenSettings { tls, ..ListenSettings::new(addr) }, access)
    }

    /// Checks that the address is protected, reads the certificate and binds.
    ///
    /// # Errors
    /// [`ServeError`]; nothing listens then.
    pub fn open(settings: ListenSettings, mut access: Access) -> Result<Listener, ServeError> {
        check_bind(settings.addr, settings.tls.as_ref(), &access.tokens)?;
        access.required |= !is_loopback(settings.addr);
        let tls = settings.tls.as_ref().map(TlsFiles::load).transpose()?;
        let failed = |source| ServeError::Listen { addr: settings.addr, source };
        let socket = TcpListener::bind(settings.addr).map_err(failed)?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        Ok(Listener { settings, socket, local, tls, access })
    }

    /// Where it listens: with the port it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address as programs on this machine write it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut reached = self.local;
        if reached.ip().is_unspecified() {
            reached.set_ip(match reached {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("{scheme}://{reached}")
    }

    /// Serves until `shutdown` resolves, then lets requests end for the time of `grace`.
    ///
    /// # Errors
    /// [`ServeError::Io`]
    pub async fn serve(
        self,
        behind: impl Into<Behind>,
        shutdown: impl Future<Output = ()> + Send + 'static,
        grace: Duration,
    ) -> Result<(), ServeError> {
        let (access, hosts, limits) = (self.access.clone(), self.hosts(), self.settings.limits);
        let routes = router(Api { behind: behind.into(), access, hosts, limits });
        self.serve_routes(routes, shutdown, grace).await
    }

    fn hosts(&self) -> Hosts {
        if self.access.is_enforced() {
            Hosts::Any
        } else {
            Hosts::Loopback { port: self.local.port() }
        }
    }

    async fn serve_routes(
        self,
        router: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
        grace: Duration,
    ) -> Result<(), ServeError> {
        let handle = Handle::new();
        let stopper = handle.clone();
        let waiting = tokio::spawn(async move {
            shutdown.await;
            stopper.graceful_shutdown(Some(grace));
        });
        let make =
            Connections { router, places: Arc::new(Semaphore::new(self.settings.max_connections)) };
        let head_timeout = self.settings.head_timeout;
        let server = axum_server::from_tcp(self.socket)?.handle(handle);
        let outcome = match self.tls {
            None => run(server, make, head_timeout).await,
            Some(config) => {
                let config = RustlsConfig::from_config(config);
                let acceptor = axum_server::tls_rustls::RustlsAcceptor::new(config);
                run(server.acceptor(acceptor), make, head_timeout).await
            }
        };
        waiting.abort();
        Ok(outcome?)
    }
}

async fn run<A>(
    server: axum_server::Server<SocketAddr, A>,
    make: Connections,
    head_timeout: Duration,
) -> io::Result<()>
where
    A: Accept<tokio::net::TcpStream, Connection> + Clone + Send + Sync + 'static,
    A::Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    A::Service: SendService<axum::http::Request<hyper::body::Incoming>> + Send,
    A::Future: Send,
{
    // HTTP/1 alone: what is not spoken cannot be abused, and a slow first byte is a slow head.
    let mut server = server.http1_only();
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD_BYTES);
    server.serve(make).await
}

/// Gives each connection the routes, as long as there is a place for it.
#[derive(Clone)]
struct Connections {
    router: Router,
    places: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
#[error("too many connections")]
struct TooMany;

impl Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = TooMany;
    type Future = std::future::Ready<Result<Connection, TooMany>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TooMany>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: SocketAddr) -> Self::Future {
        let place = self.places.clone().try_acquire_owned().map_err(|_| TooMany);
        std::future::ready(
            place.map(|place| Connection { router: self.router.clone(), _place: Arc::new(place) }),
        )
    }
}

/// The routes for one connection, with its place among all.
#[derive(Clone)]
struct Connection {
    router: Router,
    _place: Arc<OwnedSemaphorePermit>,
}

impl<B> Service<axum::http::Request<B>> for Connection
where
    Router: Service<axum::http::Request<B>, Error = Infallible>,
    <Router as Service<axum::http::Request<B>>>::Future: Send + 'static,
{
    type Response = <Router as Service<axum::http::Request<B>>>::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.router.poll_ready(context)
    }

    fn call(&mut self, request: axum::http::Request<B>) -> Self::Future {
        Box::pin(self.router.call(request))
    }
}
