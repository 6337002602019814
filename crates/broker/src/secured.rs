//! A listener with TLS and a password, beside the open one of a node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::node::free_port;
use crate::{BrokerError, User};

/// What opens the key store. It guards nothing: key and store are made for one run.
const STORE_PASSWORD: &str = "test-key-store";

/// Where it listens, who may come in, and what it shows.
pub(crate) struct Secured {
    pub(crate) port: u16,
    /// The certificate that clients trust, as PEM.
    pub(crate) certificate: PathBuf,
    key_store: PathBuf,
    user: User,
}

impl Secured {
    /// Makes a key and a certificate for 127.0.0.1 in the folder, which must be there.
    pub(crate) fn new(dir: &Path, user: &User) -> Result<Secured, BrokerError> {
        let (key_store, certificate) = (dir.join("key-store.p12"), dir.join("certificate.pem"));
        let store = key_store.display().to_string();
        let pem = certificate.display().to_string();
        // A folder of an earlier run may still hold one under this name.
        let _ = fs::remove_file(&key_store);
        keytool(&[
            "-genkeypair",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-validity",
            "3650",
            "-dname",
            "CN=127.0.0.1",
            "-ext",
            "san=ip:127.0.0.1",
            "-alias",
            "broker",
            "-storetype",
            "PKCS12",
            "-keystore",
            &store,
            "-storepass",
            STORE_PASSWORD,
        ])?;
        keytool(&[
            "-exportcert",
            "-rfc",
            "-alias",
            "broker",
            "-file",
            &pem,
            "-keystore",
            &store,
            "-storepass",
            STORE_PASSWORD,
        ])?;
        Ok(Secured { port: free_port()?, certificate, key_store, user: user.clone() })
    }

    /// The user, as the tool that prepares the data folder takes it.
    pub(crate) fn credential(&self) -> String {
        let User { name, password } = &self.user;
        format!("SCRAM-SHA-512=[name={name},password={password}]")
    }

    /// The server's settings for this listener; it is named SECURED.
    pub(crate) fn properties(&self) -> String {
        let key_store = self.key_store.display();
        format!(
            "listener.name.secured.ssl.keystore.type=PKCS12\n\
             listener.name.secured.ssl.keystore.location={key_store}\n\
             listener.name.secured.ssl.keystore.password={STORE_PASSWORD}\n\
             listener.name.secured.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
             listener.name.secured.scram-sha-512.sasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
        )
    }
}

/// Java's own tool for keys; it comes with Java.
fn keytool(arguments: &[&str]) -> Result<(), BrokerError> {
    let output = Command::new("keytool")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(BrokerError::io("keytool"))?;
    if output.status.success() {
        return Ok(());
    }
    // It reports on its standard output.
    let said = [output.stdout, output.stderr].concat();
    let detail = String::from_utf8_lossy(&said).trim().to_owned();
    Err(BrokerError::Io { what: "keytool".to_owned(), error: std::io::Error::other(detail) })
}
