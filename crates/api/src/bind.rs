//! Which addresses may be listened on.

use std::net::SocketAddr;

use crate::access::TokenEntry;
use crate::tls::TlsFiles;

/// The address would be open to others than this machine, and is not protected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// Neither is configured.
    #[error(
        "{0} can be reached from other machines: configure a TLS certificate and key, and at \
         least one token; or listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// Tokens would cross the network in clear.
    #[error(
        "{0} can be reached from other machines, and tokens must not cross the network in clear: \
         configure a TLS certificate and key, or listen on 127.0.0.1"
    )]
    NoTls(SocketAddr),
    /// Anybody could read contacts.
    #[error(
        "{0} can be reached from other machines, and without tokens anybody could read the \
         contacts: configure at least one token, or listen on 127.0.0.1"
    )]
    NoTokens(SocketAddr),
}

/// The loopback needs nothing; every other address needs TLS and a token.
///
/// # Errors
/// [`BindError`] says what is missing.
pub fn check_bind(
    addr: SocketAddr,
    tls: Option<&TlsFiles>,
    tokens: &[TokenEntry],
) -> Result<(), BindError> {
    if is_loopback(addr) {
        return Ok(());
    }
    match (tls.is_some(), !tokens.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(BindError::NoTokens(addr)),
        (false, true) => Err(BindError::NoTls(addr)),
        (false, false) => Err(BindError::Unprotected(addr)),
    }
}

pub(crate) fn is_loopback(addr: SocketAddr) -> bool {
    addr.ip().to_canonical().is_loopback()
}
