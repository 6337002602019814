//! The certificate and its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

/// Where certificate and key lie, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that signed it.
    pub cert: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// A file cannot be used: which and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl TlsFiles {
    /// Reads both files and checks that they belong together. TLS 1.2 and 1.3, HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let wrong = |file: &Path, problem: String| TlsError { file: file.to_owned(), problem };
        let read = |file: &Path| {
            std::fs::read(file).map_err(|error| wrong(file, format!("cannot be read: {error}")))
        };
        let chain = CertificateDer::pem_slice_iter(&read(&self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(&self.cert, format!("not PEM: {error}")))?;
        if chain.is_empty() {
            let problem = "holds no certificate; expected -----BEGIN CERTIFICATE-----";
            return Err(wrong(&self.cert, problem.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(|error| {
            let expected = "expected a PEM block -----BEGIN PRIVATE KEY-----, not encrypted";
            wrong(&self.key, format!("holds no private key ({error}); {expected}"))
        })?;
        let provider = Arc::new(ring::default_provider());
        let signer = provider.key_provider.load_private_key(key.clone_key());
        signer.map_err(|error| wrong(&self.key, format!("not a usable private key: {error}")))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| wrong(&self.cert, error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| {
                let with = format!("with the key {}", self.key.display());
                wrong(&self.cert, format!("cannot be used {with}: {error}"))
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
