//! Quell over HTTP: records in, answers out. Thin: every route is one call of the service.
//!
//! [`router`] needs no socket, so tests call it as a function; [`Listener`] puts it behind one.
//! Nothing listens on other addresses than the loopback without TLS and tokens ([`check_bind`]).

mod access;
mod bind;
mod body;
mod contacts;
mod dead_letters;
mod error;
mod events;
mod guard;
mod health;
mod observe;
mod params;
mod router;
mod serve;
#[cfg(test)]
mod tests;
mod tls;
mod token_file;
mod trends;

pub use access::{Access, Scope, Scopes, TokenEntry, TokenNameError, new_token};
pub use bind::{BindError, check_bind};
pub use error::ApiError;
pub use guard::Hosts;
pub use health::Watched;
pub use router::{Api, Behind, Limits, router};
pub use serve::{ListenSettings, Listener, ServeError};
pub use tls::{TlsError, TlsFiles};
pub use token_file::{AddTokenError, TokenFileError, add_token, parse_tokens};
