//! `quell token new`

use anyhow::Context;

use crate::Outcome;
use crate::args::{self, TokenCommand};
use crate::wiring::{random_bytes, write_private};

pub fn run(args: &args::Token) -> anyhow::Result<Outcome> {
    let TokenCommand::New { name, scopes, tokens } = &args.command;
    let text = match std::fs::read_to_string(tokens) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", tokens.display()));
        }
    };
    let (plaintext, text) = quell_api::add_token(&text, name, scopes, random_bytes()?)?;
    write_private(tokens, text.as_bytes())
        .with_context(|| format!("cannot write {}", tokens.display()))?;
    println!("{plaintext}");
    eprintln!(
        "This is the only time that the token is shown; {} holds its hash. Start Quell with \
         --tokens {}.",
        tokens.display(),
        tokens.display()
    );
    Ok(Outcome::Done)
}
