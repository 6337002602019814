//! What customers and agents say: the phrase books in `data/`, one per language.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::scenario::Cause;

/// Codes of the products that every book names in its own language, in this order.
pub(crate) const PRODUCTS: [&str; 10] = [
    "headphones",
    "desk-lamp",
    "backpack",
    "coffee-machine",
    "running-shoes",
    "winter-jacket",
    "tablet",
    "kettle",
    "office-chair",
    "smart-watch",
];

const SOURCES: [(&str, &str); 8] = [
    ("en", include_str!("../data/en.yaml")),
    ("zh", include_str!("../data/zh.yaml")),
    ("hu", include_str!("../data/hu.yaml")),
    ("hy", include_str!("../data/hy.yaml")),
    ("ru", include_str!("../data/ru.yaml")),
    ("de", include_str!("../data/de.yaml")),
    ("es", include_str!("../data/es.yaml")),
    ("fr", include_str!("../data/fr.yaml")),
];

/// One language's phrases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Book {
    #[serde(skip)]
    pub(crate) language: &'static str,
    /// What stands between two sentences.
    pub(crate) joiner: String,
    pub(crate) products: Vec<String>,
    pub(crate) amounts: Vec<String>,
    /// `#` is a digit.
    pub(crate) phones: Vec<String>,
    pub(crate) greetings: Vec<String>,
    pub(crate) closings: Vec<String>,
    /// Sentences that fit every reason.
    pub(crate) details: Vec<Template>,
    /// Sentences that name the order.
    pub(crate) order_details: Vec<Template>,
    pub(crate) personal_data: BTreeMap<PersonalData, Vec<Template>>,
    /// What a customer says of the earlier contact, by why it did not solve the issue.
    pub(crate) follow_ups: BTreeMap<Cause, Vec<Template>>,
    /// What a customer says of an earlier contact about something else.
    pub(crate) adjacent: Vec<Template>,
    pub(crate) agent: AgentLines,
    pub(crate) thanks: Vec<String>,
    pub(crate) reasons: BTreeMap<String, ReasonTexts>,
}

/// What agents say on the phone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentLines {
    pub(crate) openings: Vec<String>,
    pub(crate) questions: Vec<String>,
    pub(crate) solved: Vec<String>,
    pub(crate) unsolved: Vec<String>,
    pub(crate) promises: Vec<String>,
    pub(crate) transfers: Vec<String>,
}

/// What customers write for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonTexts {
    pub(crate) subjects: Vec<Template>,
    pub(crate) bodies: Vec<Template>,
}

impl ReasonTexts {
    /// True where the reason is about one order.
    pub(crate) fn names_order(&self) -> bool {
        self.bodies.iter().any(|body| body.has(Slot::Order))
    }
}

/// Kinds of planted personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonalData {
    Email,
    Phone,
    Card,
}

impl PersonalData {
    pub(crate) const ALL: [PersonalData; 3] =
        [PersonalData::Email, PersonalData::Phone, PersonalData::Card];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            PersonalData::Email => "email",
            PersonalData::Phone => "phone",
            PersonalData::Card => "card",
        }
    }
}

/// A place in a sentence that each contact fills anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Order,
    Product,
    Amount,
    /// 5 to 14, so that one plural form fits in every language.
    Days,
    /// The planted personal data.
    Value,
}

#[derive(Debug)]
enum Piece {
    Words(String),
    Slot(Slot),
}

/// A sentence with slots.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

/// What fills the slots.
pub(crate) struct Filling<'a> {
    pub(crate) order: &'a str,
    pub(crate) product: &'a str,
    pub(crate) amount: &'a str,
    pub(crate) days: &'a str,
    pub(crate) value: &'a str,
}

impl Template {
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Slot(s) if *s == slot))
    }

    pub(crate) fn write(&self, filling: &Filling<'_>, out: &mut String) {
        for piece in &self.0 {
            out.push_str(match piece {
                Piece::Words(words) => words,
                Piece::Slot(Slot::Order) => filling.order,
                Piece::Slot(Slot::Product) => filling.product,
                Piece::Slot(Slot::Amount) => filling.amount,
                Piece::Slot(Slot::Days) => filling.days,
                Piece::Slot(Slot::Value) => filling.value,
            });
        }
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((words, after)) = rest.split_once('{') {
            let (name, tail) =
                after.split_once('}').ok_or_else(|| format!("unclosed slot in `{text}`"))?;
            let slot = match name {
                "order" => Slot::Order,
                "product" => Slot::Product,
                "amount" => Slot::Amount,
                "days" => Slot::Days,
                "value" => Slot::Value,
                _ => return Err(format!("unknown slot {{{name}}} in `{text}`")),
            };
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
            pieces.push(Piece::Slot(slot));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
        Ok(Template(pieces))
    }
}

/// Every book. They are part of the program; a test holds that they can be read.
pub(crate) fn books() -> Result<&'static [Book], &'static str> {
    static BOOKS: OnceLock<Result<Vec<Book>, String>> = OnceLock::new();
    let books = BOOKS.get_or_init(|| SOURCES.into_iter().map(read_book).collect());
    books.as_deref().map_err(String::as_str)
}

fn read_book((language, yaml): (&'static str, &str)) -> Result<Book, String> {
    let mut book: Book = serde_saphyr::from_str(yaml)
        .map_err(|error| format!("phrase book {language}: {}", error.without_snippet()))?;
    book.language = language;
    if let Some(empty) = book.first_empty_list() {
        return Err(format!("phrase book {language}: {empty} is empty or too short"));
    }
    Ok(book)
}

impl Book {
    fn first_empty_list(&self) -> Option<&'static str> {
        let full = |lists: &[usize]| lists.iter().all(|&len| len > 0);
        let agent = &self.agent;
        let checks = [
            ("products", self.products.len() == PRODUCTS.len()),
            ("amounts or phones", full(&[self.amounts.len(), self.phones.len()])),
            ("greetings or closings", full(&[self.greetings.len(), self.closings.len()])),
            ("details", full(&[self.details.len(), self.order_details.len()])),
            ("adjacent or thanks", full(&[self.adjacent.len(), self.thanks.len()])),
            ("agent.openings", full(&[agent.openings.len(), agent.questions.len()])),
            ("agent.solved", full(&[agent.solved.len(), agent.unsolved.len()])),
            ("agent.promises", full(&[agent.promises.len(), agent.transfers.len()])),
            (
                "personal_data",
                PersonalData::ALL
                    .iter()
                    .all(|kind| self.personal_data.get(kind).is_some_and(|list| !list.is_empty())),
            ),
            (
                "follow_ups",
                Cause::ALL
                    .iter()
                    .all(|cause| self.follow_ups.get(cause).is_some_and(|list| !list.is_empty())),
            ),
            (
                "reasons",
                self.reasons.values().all(|r| !r.subjects.is_empty() && !r.bodies.is_empty()),
            ),
        ];
        checks.into_iter().find(|(_, ok)| !ok).map(|(name, _)| name)
    }
}

/// Reasons that there are texts for, in at least one language.
pub(crate) fn reason_names() -> Result<Vec<&'static str>, &'static str> {
    let books = books()?;
    let mut names: Vec<&str> =
        books.iter().flat_map(|book| book.reasons.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Reasons that there are texts for in every language.
pub(crate) fn reasons_in_every_language() -> Result<Vec<&'static str>, &'static str> {
    let books = books()?;
    let mut names = reason_names()?;
    names.retain(|name| books.iter().all(|book| book.reasons.contains_key(*name)));
    Ok(names)
}

/// Languages that there is a book in.
pub(crate) fn language_names() -> Result<Vec<&'static str>, &'static str> {
    Ok(books()?.iter().map(|book| book.language).collect())
}
