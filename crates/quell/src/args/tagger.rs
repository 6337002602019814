//! `quell tagger` and `quell text`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub struct Tagger {
    #[command(subcommand)]
    pub command: TaggerCommand,
}

#[derive(Debug, Subcommand)]
pub enum TaggerCommand {
    /// Learn to tag from contacts that agents coded, and write the model.
    Train {
        #[command(flatten)]
        labelled: Labelled,
        /// The model to write.
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
        /// Coded contacts: NDJSON, plain, .gz or .zst; `-` for standard input.
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<PathBuf>,
    },
    /// Train on some files and measure on others that the model has not seen.
    Eval(TaggerEval),
    /// Show what a model thinks of texts, and by which words.
    Explain {
        /// The model.
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
        /// The field with the text: a name, or a JSON Pointer.
        #[arg(long, value_name = "FIELD", default_value = "text")]
        text: String,
        /// The field with the language; found from the text without it.
        #[arg(long, value_name = "FIELD")]
        lang: Option<String>,
        /// NDJSON, plain, .gz or .zst; `-` for standard input.
        #[arg(required = true, value_name = "INPUT")]
        inputs: Vec<PathBuf>,
    },
}

/// Where text and label stand in a row, and how to learn from them.
#[derive(Debug, clap::Args)]
pub struct Labelled {
    /// The field with the text: a name, or a JSON Pointer such as /contact/body. Given again for
    /// each further one, such as subject and body.
    #[arg(long, required = true, value_name = "FIELD")]
    pub text: Vec<String>,
    /// The field with the label. Rows without one are left out.
    #[arg(long, value_name = "FIELD")]
    pub label: String,
    /// The field with the language; found from the text without it.
    #[arg(long, value_name = "FIELD")]
    pub lang: Option<String>,
    /// The label of texts that belong to no reason.
    #[arg(long, value_name = "LABEL")]
    pub other_label: Option<String>,
    /// The share of accepted texts whose label must be right.
    #[arg(long, default_value_t = 0.95, value_parser = share)]
    pub precision: f64,
    /// Vectors of words, so that words which no training text has mean something: a word and its
    /// numbers a line, as word2vec, fastText and GloVe write them as text; plain, .gz or .zst. The
    /// model carries them.
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,
    /// Seeds the order in which texts are learnt, and the choice of --shots.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, clap::Args)]
pub struct TaggerEval {
    #[command(flatten)]
    pub labelled: Labelled,
    /// Learn from these files.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub train: Vec<PathBuf>,
    /// Measure on these.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub test: Vec<PathBuf>,
    /// Learn from so many texts of each label only.
    #[arg(long, value_name = "N")]
    pub shots: Option<usize>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Text {
    #[command(subcommand)]
    pub command: TextCommand,
}

/// Each reads NDJSON rows `{id, text}`, with `lang` where the language is known, and writes
/// NDJSON rows `{id, lang, …}`.
#[derive(Debug, Subcommand)]
pub enum TextCommand {
    /// The language, and how it was found.
    Lang { input: PathBuf },
    /// The stems that tagging and search see.
    Stem { input: PathBuf },
    /// The text without personal data, and how much of which kind was taken out.
    Redact { input: PathBuf },
    /// Every token with its place, form and stem, and the cues found.
    Explain { input: PathBuf },
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "a number is expected, such as 0.95")?;
    if share > 0.0 && share <= 1.0 {
        Ok(share)
    } else {
        Err("a share is greater than 0 and at most 1".to_owned())
    }
}
