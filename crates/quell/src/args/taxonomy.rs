//! `quell taxonomy`.

use std::path::PathBuf;

use clap::Subcommand;
use quell_model::ReasonId;
use quell_taxonomy::discovery::CandidateId;

use super::OutputArgs;

#[derive(Debug, clap::Args)]
pub struct Taxonomy {
    #[command(subcommand)]
    pub command: TaxonomyCommand,
}

#[derive(Debug, Subcommand)]
pub enum TaxonomyCommand {
    /// Report errors with file and line, run the examples written beside each rule, and say what
    /// the rules do with real texts.
    Check(TaxonomyCheck),
    /// What another version changes: its reasons, where contacts would move, history restated.
    Diff(TaxonomyDiff),
    /// Find what no reason fits yet and what grows within a reason, and write the reason for it.
    Discover(Box<TaxonomyDiscover>),
}

/// Where a text and what is known of it stand in a row.
#[derive(Debug, clap::Args)]
pub struct RowArgs {
    /// The field with the text: a name, or a JSON Pointer such as /contact/body. Given again for
    /// each further one; of several the first is the subject. Without it rows are contacts, as in
    /// contacts.ndjson of `quell replay`, whose fields are known.
    #[arg(long, value_name = "FIELD", requires = "on")]
    pub text: Vec<String>,
    /// The field with the language; found from the text without it.
    #[arg(long, value_name = "FIELD", requires = "text")]
    pub lang: Option<String>,
    /// The field with the id that examples are named by. Default: contact_key or id, else the
    /// row's file and line.
    #[arg(long, value_name = "FIELD", requires = "text")]
    pub id: Option<String>,
}

/// Who decides besides the rules, as in `quell run` and `quell replay`.
#[derive(Debug, clap::Args)]
pub struct DecideArgs {
    /// A model of `quell tagger train`, as under taxonomy.model: it decides where no rule does and
    /// it is sure.
    #[arg(long, value_name = "FILE", requires = "on")]
    pub model: Option<PathBuf>,
    /// An agent's code that the catalogue does not know is a reason of its own, as under
    /// taxonomy.accept_agent_codes.
    #[arg(long, requires = "on")]
    pub accept_agent_codes: bool,
    /// The language of texts that tell nothing of theirs, as under language.default.
    #[arg(long, default_value = "en", value_name = "LANG")]
    pub default_language: String,
}

/// How much of a result of several parts is shown.
#[derive(Debug, clap::Args)]
pub struct PartArgs {
    /// This part only; csv holds the first part without it.
    #[arg(long, value_name = "PART")]
    pub only: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Parts: reasons, languages, overlaps, findings.")]
pub struct TaxonomyCheck {
    /// The catalogue: a YAML file, or the name of one that comes along.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Real texts: NDJSON, plain, .gz or .zst; `-` for standard input.
    #[arg(long, num_args = 1.., value_name = "DATA")]
    pub on: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: RowArgs,
    /// Overlaps shown.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub parts: PartArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Parts: moves, changes, history (where the rows have a time).")]
pub struct TaxonomyDiff {
    /// The version before.
    pub old: String,
    /// The version after; what it `replaces` says which reasons take over from which.
    pub new: String,
    /// Real texts: NDJSON, plain, .gz or .zst; `-` for standard input.
    #[arg(long, num_args = 1.., value_name = "DATA")]
    pub on: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: RowArgs,
    /// The field with the time, for history by month.
    #[arg(long, value_name = "FIELD", requires = "text")]
    pub time: Option<String>,
    #[command(flatten)]
    pub decide: DecideArgs,
    /// Moves shown, the largest first.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub parts: PartArgs,
}

const DISCOVER_HELP: &str = "\
The same data give the same candidates with the same ids: nothing is kept between runs.

Examples:
  quell taxonomy discover --taxonomy shop.yaml --on out/contacts.ndjson
  quell taxonomy discover --taxonomy shop.yaml --on out/contacts.ndjson \\
      --accept candidate_0123456789abcdef=billing.voucher --owner payments --write shop-2.yaml";

#[derive(Debug, clap::Args)]
#[command(after_help = DISCOVER_HELP)]
pub struct TaxonomyDiscover {
    /// Real texts: NDJSON, plain, .gz or .zst; `-` for standard input, which cannot be accepted
    /// from.
    #[arg(long, required = true, num_args = 1.., value_name = "DATA")]
    pub on: Vec<PathBuf>,
    /// The catalogue whose gaps are looked for: a YAML file, or the name of one that comes along.
    #[arg(long, value_name = "FILE")]
    pub taxonomy: String,
    #[command(flatten)]
    pub rows: RowArgs,
    #[command(flatten)]
    pub decide: DecideArgs,
    /// The field with the time. Without it nothing is known of growth.
    #[arg(long, value_name = "FIELD", requires = "text")]
    pub time: Option<String>,
    /// The field with the customer, who counts once. Without it each text is somebody else's.
    #[arg(long, value_name = "FIELD", requires = "text")]
    pub customer: Option<String>,
    /// Leave out texts from this time on (2026-01-31 or RFC 3339): what was to be seen by then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// New customers in 28 days that make a candidate when it grows; twice as many when it does
    /// not.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub min_customers: u64,
    /// Candidates shown, those first whose last week can least be chance.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// Write the reason for a candidate: its rule, with texts as tests. Given again for more.
    #[arg(long, value_name = "ID=REASON", value_parser = accepted, requires = "owner")]
    pub accept: Vec<(CandidateId, ReasonId)>,
    /// The role that can remove the cause of what is accepted.
    #[arg(long, value_name = "ROLE", requires = "accept")]
    pub owner: Option<String>,
    /// The English name of the one that is accepted; its own words without it.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub name: Option<String>,
    /// A new file for the catalogue with what is accepted. Without it the reasons alone are
    /// printed, to be put under `reasons:`.
    #[arg(long, value_name = "FILE", requires = "accept")]
    pub write: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn accepted(text: &str) -> Result<(CandidateId, ReasonId), String> {
    let (id, reason) = text.split_once('=').ok_or(
        "write the candidate's id, =, and the id of the reason to be: candidate_…=area.reason",
    )?;
    let candidate = id.parse().map_err(|error| format!("`{id}` is {error}"))?;
    Ok((candidate, ReasonId::from(reason)))
}
