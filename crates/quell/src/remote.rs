//! Asking a running Quell over HTTP, and finding the one that runs on a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use quell_codec::DeadLetter;

use crate::args::Where;

/// The file in a data folder that says where its Quell listens.
const ADDRESS_FILE: &str = "listening.json";

/// Where a running Quell can be asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listening {
    /// Its address, `http://127.0.0.1:7717`.
    pub url: String,
    /// Its process id.
    pub pid: u32,
}

impl Listening {
    /// Notes it in the data folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn note(&self, dir: &Path) -> anyhow::Result<()> {
        let path = dir.join(ADDRESS_FILE);
        std::fs::write(&path, serde_json::to_vec(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// What is noted in the data folder; none where nobody listens.
    ///
    /// # Errors
    /// The note is damaged.
    pub fn of(dir: &Path) -> anyhow::Result<Option<Listening>> {
        let path = dir.join(ADDRESS_FILE);
        let Ok(note) = std::fs::read(&path) else { return Ok(None) };
        let listening = serde_json::from_slice(&note);
        listening.map(Some).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Takes the note away.
    pub fn forget(dir: &Path) {
        // A note left behind names an address that does not answer; nothing worse.
        let _ = std::fs::remove_file(dir.join(ADDRESS_FILE));
    }
}

/// Lets requests be made over TLS.
pub fn install_tls() {
    // Fails only when a provider is set already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Who answers.
pub enum Source {
    /// A running Quell.
    Running(Remote),
    /// A folder that no Quell runs on.
    Folder(PathBuf),
}

impl Where {
    /// Who answers: the address given, else whoever runs on the folder, else the folder.
    ///
    /// # Errors
    /// There is neither.
    pub fn source(&self) -> anyhow::Result<Source> {
        let token = self.token.clone();
        if let Some(url) = &self.url {
            return Ok(Source::Running(Remote::new(url, token)));
        }
        let dir = self.data.clone().unwrap_or_else(|| PathBuf::from("./quell-data"));
        if let Some(listening) = Listening::of(&dir)? {
            let remote = Remote::new(&listening.url, token);
            if remote.answers() {
                return Ok(Source::Running(remote));
            }
        }
        if !dir.join("store").is_dir() {
            bail!(
                "there is no data in {}; start `quell run --data DIR`, or name a folder with \
                 --data or an address with --url",
                dir.display()
            );
        }
        Ok(Source::Folder(dir))
    }
}

/// A running Quell.
pub struct Remote {
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Remote {
    fn new(url: &str, token: Option<String>) -> Remote {
        install_tls();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .build();
        Remote { url: url.trim_end_matches('/').to_owned(), token, agent: config.into() }
    }

    fn answers(&self) -> bool {
        self.agent.get(format!("{}/livez", self.url)).call().is_ok()
    }

    /// Asks, with these query parameters.
    ///
    /// # Errors
    /// Nobody answers, or the answer is an error.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(String, String)],
    ) -> anyhow::Result<T> {
        let mut request = self.known(self.agent.get(format!("{}{path}", self.url)));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        let mut response = request.call().with_context(|| self.silent())?;
        let body = response.body_mut().with_config().limit(256 << 20).read_to_string()?;
        if !response.status().is_success() {
            bail!(self.refused(response.status(), &body));
        }
        serde_json::from_str(&body).with_context(|| format!("{} answers no JSON", self.url))
    }

    /// Gives a record that was put aside again, as it came. False where it is put aside again.
    ///
    /// # Errors
    /// Nobody answers, or the record is not taken in at all.
    pub fn post_event(&self, letter: &DeadLetter) -> anyhow::Result<bool> {
        let mut request = self.known(self.agent.post(format!("{}/v1/events", self.url)));
        let mut is_typed = false;
        for (name, value) in letter.header_bytes() {
            // As they have in Kafka, where HTTP writes them with a hyphen.
            let name = name.strip_prefix("ce_").map_or(name.clone(), |rest| format!("ce-{rest}"));
            is_typed |= name == "content-type";
            request = request.header(name, value);
        }
        if !is_typed {
            request = request.header("content-type", "application/json");
        }
        let value = letter.value_bytes().unwrap_or_default();
        let mut response = request.send(&value[..]).with_context(|| self.silent())?;
        let body = response.body_mut().read_to_string()?;
        match response.status().as_u16() {
            202 => Ok(true),
            422 => Ok(false),
            _ => bail!(self.refused(response.status(), &body)),
        }
    }

    /// The request with our token, where there is one.
    fn known<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn silent(&self) -> String {
        format!("{} does not answer; is `quell run` up?", self.url)
    }

    fn refused(&self, status: ureq::http::StatusCode, body: &str) -> String {
        let error: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let message = error["error"]["message"].as_str().unwrap_or(body);
        let hint = error["error"]["hint"].as_str();
        let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
        format!("{} answers {status}: {message}{hint}", self.url)
    }
}
