//! The tokens file: TOML, one `[[token]]` each.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::access::{Access, Scope, Scopes, TokenEntry, TokenNameError, check_name, new_token};

/// The file cannot be used: where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct TokenFileError {
    /// The file as it was given.
    pub file: String,
    /// The line, from 1; 0 where it is about the file.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    token: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Spanned<String>,
    sha256: Spanned<String>,
    scopes: Spanned<Vec<String>>,
}

/// The token cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddTokenError {
    /// The file that is there.
    #[error(transparent)]
    File(#[from] TokenFileError),
    /// The name.
    #[error(transparent)]
    Name(#[from] TokenNameError),
    /// The name again.
    #[error("there is a token {0} already; choose another name or take that one out")]
    Taken(String),
    /// The scopes.
    #[error("{0}")]
    Scopes(String),
}

/// Makes a token and adds it to the text of a tokens file: the token, shown this once, and the
/// new text. `random` must come from the system's source of randomness.
///
/// # Errors
/// [`AddTokenError`]
pub fn add_token(
    text: &str,
    name: &str,
    scope_words: &[String],
    random: [u8; 32],
) -> Result<(String, String), AddTokenError> {
    let known = parse_tokens(text, "the tokens file")?;
    let scopes = scopes(scope_words).map_err(AddTokenError::Scopes)?;
    let (plaintext, entry) = new_token(name, scopes, random)?;
    if known.iter().any(|other| other.name == name) {
        return Err(AddTokenError::Taken(name.to_owned()));
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok((plaintext, format!("{text}{gap}{}", entry.to_toml())))
}

impl Access {
    /// Everybody may do everything: for the loopback.
    pub fn open() -> Access {
        Access::default()
    }

    /// The tokens of a file, which are asked for from then on.
    ///
    /// # Errors
    /// [`TokenFileError`], also where others may write the file.
    pub fn from_file(path: &Path) -> Result<Access, TokenFileError> {
        let tokens = read_tokens(path)?;
        Ok(Access { tokens, required: true })
    }
}

fn read_tokens(path: &Path) -> Result<Vec<TokenEntry>, TokenFileError> {
    let file = path.display().to_string();
    let at = |problem: String| TokenFileError { file: file.clone(), line: 0, problem };
    let text = std::fs::read_to_string(path).map_err(|error| at(error.to_string()))?;
    let tokens = parse_tokens(&text, &file)?;
    match others_may(path).map_err(|error| at(error.to_string()))? {
        // Whoever can write the file can give himself a token.
        Others::Write => {
            return Err(at("others may write this file; run `chmod 600` on it".to_owned()));
        }
        Others::Read => {
            tracing::warn!(file, "others may read the tokens file; `chmod 600` is better");
        }
        Others::Nothing => {}
    }
    Ok(tokens)
}

/// Reads the text of a tokens file; `file` is for the errors.
///
/// # Errors
/// [`TokenFileError`] with the line.
pub fn parse_tokens(text: &str, file: &str) -> Result<Vec<TokenEntry>, TokenFileError> {
    let wrong = |at: usize, problem: String| {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        TokenFileError { file: file.to_owned(), line, problem }
    };
    let document: Document = toml::from_str(text).map_err(|error| {
        wrong(error.span().map_or(0, |span| span.start), error.message().to_owned())
    })?;
    let mut names = BTreeSet::new();
    let mut tokens = Vec::with_capacity(document.token.len());
    for written in document.token {
        let name = written.name.get_ref();
        let at = written.name.span().start;
        check_name(name).map_err(|error| wrong(at, error.to_string()))?;
        if !names.insert(name.clone()) {
            return Err(wrong(at, format!("there is a token {name} already; names are unique")));
        }
        let scopes = scopes(written.scopes.get_ref())
            .map_err(|problem| wrong(written.scopes.span().start, problem))?;
        let entry = TokenEntry::from_hex(name, written.sha256.get_ref(), scopes);
        tokens.push(entry.ok_or_else(|| {
            let problem = "sha256 is not 64 hex digits; it is the hash of the whole token";
            wrong(written.sha256.span().start, problem.to_owned())
        })?);
    }
    Ok(tokens)
}

fn scopes(words: &[String]) -> Result<Scopes, String> {
    let mut scopes = Scopes::default();
    for word in words {
        match Scope::ALL.into_iter().find(|scope| scope.as_str() == word) {
            Some(Scope::Ingest) => scopes.ingest = true,
            Some(Scope::Read) => scopes.read = true,
            Some(Scope::Admin) => scopes.admin = true,
            None => return Err(format!("no scope {word:?}; there are ingest, read and admin")),
        }
    }
    if scopes == Scopes::default() {
        return Err("a token needs a scope: ingest, read or admin".to_owned());
    }
    Ok(scopes)
}

enum Others {
    Nothing,
    Read,
    Write,
}

#[cfg(unix)]
fn others_may(path: &Path) -> std::io::Result<Others> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    Ok(match mode {
        mode if mode & 0o022 != 0 => Others::Write,
        // A group is one's own choice: Kubernetes hands the file to the pod's.
        mode if mode & 0o004 != 0 => Others::Read,
        _ => Others::Nothing,
    })
}

#[cfg(not(unix))]
fn others_may(_: &Path) -> std::io::Result<Others> {
    Ok(Others::Nothing)
}
