//! Who may do what: bearer tokens with scopes, kept as hashes.

use std::fmt;
use std::hint::black_box;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// The longest name of a token.
const MAX_NAME_CHARS: usize = 32;

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send events in.
    Ingest,
    /// Ask: searches, contacts, trends, issues, metrics.
    Read,
    /// Everything, also the raw bytes of dead letters.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Scope::Ingest, Scope::Read, Scope::Admin];

    /// The word in the tokens file.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Scopes {
    pub ingest: bool,
    pub read: bool,
    pub admin: bool,
}

impl Scopes {
    /// True where these scopes suffice. `admin` suffices for everything.
    pub fn allow(self, scope: Scope) -> bool {
        self.admin
            || match scope {
                Scope::Ingest => self.ingest,
                Scope::Read => self.read,
                Scope::Admin => false,
            }
    }

    /// The scopes as words, in order.
    pub fn words(self) -> Vec<&'static str> {
        let held = [self.ingest, self.read, self.admin];
        Scope::ALL
            .into_iter()
            .zip(held)
            .filter(|(_, held)| *held)
            .map(|(s, _)| s.as_str())
            .collect()
    }
}

/// A token as it is kept: enough to know it again, too little to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Whose it is: `[a-z0-9-]`, unique in the file.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    sha256: [u8; 32],
}

impl TokenEntry {
    /// From the hash of the whole token, 64 hex digits. None where it is anything else.
    pub fn from_hex(name: &str, sha256_hex: &str, scopes: Scopes) -> Option<Self> {
        let digits = sha256_hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut sha256 = [0; 32];
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(TokenEntry { name: name.to_owned(), scopes, sha256 })
    }

    /// The hash of the whole token, 64 hex digits.
    pub fn sha256_hex(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The lines of the tokens file.
    pub fn to_toml(&self) -> String {
        format!(
            "[[token]]\nname = \"{}\"\nsha256 = \"{}\"\nscopes = {:?}\n",
            self.name,
            self.sha256_hex(),
            self.scopes.words()
        )
    }

    /// Takes the same time wherever the hashes differ.
    fn fits(&self, sha256: &[u8; 32]) -> bool {
        let differing = self.sha256.iter().zip(sha256).fold(0, |bits, (a, b)| bits | (a ^ b));
        black_box(differing) == 0
    }
}

/// The name is not one that a token can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token's name is 1 to 32 of the characters a-z, 0-9 and -")]
pub struct TokenNameError;

/// Makes a token: the text to hand out, which is kept nowhere, and the entry for the file.
/// `random` must come from the system's source of randomness.
///
/// # Errors
/// [`TokenNameError`]
pub fn new_token(
    name: &str,
    scopes: Scopes,
    random: [u8; 32],
) -> Result<(String, TokenEntry), TokenNameError> {
    check_name(name)?;
    let plaintext = format!("qk_{name}_{}", URL_SAFE_NO_PAD.encode(random));
    let sha256 = hash(plaintext.as_bytes());
    Ok((plaintext, TokenEntry { name: name.to_owned(), scopes, sha256 }))
}

pub(crate) fn check_name(name: &str) -> Result<(), TokenNameError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let length = name.chars().count();
    if (1..=MAX_NAME_CHARS).contains(&length) && name.chars().all(fits) {
        return Ok(());
    }
    Err(TokenNameError)
}

/// A plain hash is right here: the token carries 256 random bits, so there is nothing to guess
/// that a slow hash would slow down, and every request pays for it.
fn hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The rule for all routes but the health checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The tokens that are known.
    pub tokens: Vec<TokenEntry>,
    /// Refuse everybody while no token is known, instead of letting everybody in.
    pub required: bool,
}

/// The token a request came with, for the log.
#[derive(Clone, Debug)]
pub(crate) struct TokenName(pub(crate) String);

impl Access {
    /// True where a request without a token is refused.
    pub fn is_enforced(&self) -> bool {
        self.required || !self.tokens.is_empty()
    }

    /// Lets a request pass or says why not.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        scope: Scope,
    ) -> Result<Option<TokenName>, ApiError> {
        if !self.is_enforced() {
            return Ok(None);
        }
        let token = bearer(headers)?;
        let sha256 = hash(token);
        // All entries are compared, so the time does not tell which one fitted.
        let mut found = None;
        for entry in &self.tokens {
            if entry.fits(&sha256) {
                found = Some(entry);
            }
        }
        let Some(entry) = found else {
            return Err(unauthorized("the token is not known", ", error=\"invalid_token\""));
        };
        if !entry.scopes.allow(scope) {
            let message = format!("the token {} has not the scope {scope}", entry.name);
            return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
                .hint("use a token with that scope, or add it in the tokens file")
                .challenge(format!(
                    "Bearer realm=\"quell\", error=\"insufficient_scope\", scope=\"{scope}\""
                )));
        }
        Ok(Some(TokenName(entry.name.clone())))
    }
}

fn bearer(headers: &HeaderMap) -> Result<&[u8], ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized("this route needs one Authorization header", ""));
    };
    let (scheme, token) = value.as_bytes().split_at_checked(7).unwrap_or_default();
    if scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() {
        return Ok(token.trim_ascii());
    }
    Err(unauthorized("the Authorization header is not `Bearer TOKEN`", ""))
}

fn unauthorized(message: &str, error: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        .hint("send `Authorization: Bearer qk_…` with a token from the tokens file")
        .challenge(format!("Bearer realm=\"quell\"{error}"))
}
