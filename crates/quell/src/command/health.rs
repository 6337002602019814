//! `quell health`: whether a running Quell is well, as an exit code.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::TlsConfig;

use crate::Outcome;
use crate::args::Health;
use crate::config::Config;
use crate::remote::{Listening, install_tls};

/// Those who ask wait some seconds themselves.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(args: &Health) -> anyhow::Result<Outcome> {
    let url = match &args.url {
        Some(url) => Some(url.clone()),
        None => {
            let dir = match &args.data {
                Some(dir) => dir.clone(),
                None => PathBuf::from(Config::load(&args.core)?.get("run.data")),
            };
            Listening::of(&dir)?.map(|listening| listening.url)
        }
    };
    let Some(url) = url else {
        eprintln!("no Quell listens for this data folder; is `quell run` up?");
        return Ok(Outcome::Unavailable);
    };
    let path = if args.ready { "/readyz" } else { "/livez" };
    let asked = format!("{}{path}", url.trim_end_matches('/'));
    match ask(&asked) {
        Ok(()) => Ok(Outcome::Done),
        Err(why) => {
            eprintln!("{asked}: {why}");
            Ok(Outcome::Unavailable)
        }
    }
}

/// Asks, and says what is not well.
fn ask(url: &str) -> Result<(), String> {
    install_tls();
    // On this machine nobody else answers, nothing secret is sent, and the certificate is rarely
    // one for the loopback's names.
    let tls = TlsConfig::builder().disable_verification(is_loopback(url)).build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .tls_config(tls)
        .build();
    let mut response =
        ureq::Agent::from(config).get(url).call().map_err(|error| error.to_string())?;
    if response.status().is_success() {
        return Ok(());
    }
    let body = response.body_mut().read_to_string().unwrap_or_default();
    let error: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let status = response.status().to_string();
    Err(error["error"]["message"].as_str().map_or(status, str::to_owned))
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn certificates_are_checked_beyond_this_machine() {
        for own in ["https://127.0.0.1:7717", "https://[::1]:7717/livez", "http://localhost:1"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["https://quell.example:7717", "https://10.0.0.1", "https://127.example"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
