//! The inputs that are kept for later stages: what their schemas allow, and their canonical text.
//! Members that the schema does not know are dropped: nobody has checked or redacted them.

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_model::event::{Noted, NotedKind, Source};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::check::{self, Checker, id, in_range};
use crate::json;
use crate::reject::{Cause, Reject};

/// The longest list inside a noted input.
const MAX_ITEMS: usize = 200;

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum $name { $($variant),+ }
    };
}

macro_rules! record {
    (
        $(#[$doc:meta])* $name:ident { $($field:ident: $ty:ty),* $(,)? }
        optional { $($opt:ident: $oty:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub struct $name {
            $(pub $field: $ty,)*
            $(#[serde(default, skip_serializing_if = "Option::is_none")] pub $opt: Option<$oty>,)*
        }
    };
}

word_enum!(
    /// What the committee or its tools ask for.
    Operation {
        Propose, Prioritise, Assign, Start, Register, Complete, Verify, Reject, Reopen, Comment,
    }
);
word_enum!(
    /// A containment holds the symptom, an elimination takes the cause away.
    ActionType { Containment, Elimination, Training, Standard }
);
word_enum!(
    /// The state of a promise as its owner says.
    PromiseStatus { Open, Kept, Missed, Withdrawn }
);
word_enum!(
    /// What a survey measures.
    Metric { Csat, Nps, Ces, Servqual, Other }
);
word_enum!(
    /// The judgement that the listening tool brings along.
    Sentiment { Positive, Neutral, Negative }
);

record!(
    /// The effect an action is expected to have, registered before it starts.
    ExpectedEffect { metric: String, change: f64 }
    optional { low: f64, high: f64, horizon_days: u32 }
);
record!(
    /// One command of the improvement committee. The trend stage alone decides on it.
    Command {
        action_id: String, actor: String, operation: Operation,
    } optional {
        expected_version: u64, action_type: ActionType, reasons: Vec<String>, title: String,
        owner: String, department: String, due_at: TimeMs, start_at: TimeMs, priority_score: f64,
        expected_effect: ExpectedEffect, control_reasons: Vec<String>, guardrails: Vec<String>,
        note: String,
    }
);
record!(
    /// A time span in which a call-back suits the customer.
    CallbackWindow { start: TimeMs, end: TimeMs } optional {}
);
record!(
    /// Whether a customer wants to be called back, where and when.
    Consent { customer_id: String, granted: bool } optional {
        contact_id: String, channel: String, address: String, windows: Vec<CallbackWindow>,
        time_zone: String, asked_at: TimeMs, expires_at: TimeMs,
    }
);
record!(
    /// What the company said it would do, and by when.
    PromiseMade {
        promise_id: String, contact_id: String, what: String, due_at: TimeMs,
        status: PromiseStatus,
    } optional {
        customer_id: String, by: String, made_at: TimeMs, kept_at: TimeMs, channel: String,
    }
);
record!(
    /// One question of a survey. Expectation and perception are SERVQUAL's pair.
    SurveyItem { item_id: String } optional {
        dimension: String, score: f64, expectation: f64, perception: f64, comment: String,
    }
);
record!(
    /// One customer's answer to a survey. A null score is an invitation without an answer.
    Survey {
        survey_id: String, response_id: String, metric: Metric, scale_min: f64, scale_max: f64,
    } optional {
        score: f64, items: Vec<SurveyItem>, comment: String, language: String,
        customer_id: String, contact_id: String, channel: String, trigger: String,
        invited_at: TimeMs, answered_at: TimeMs, incentive: bool,
    }
);
record!(
    /// A public post, review or comment.
    PublicMention { mention_id: String, platform: String } optional {
        text: String, language: String, url: String, author_id: String, customer_id: String,
        contact_id: String, in_reply_to: String, rating: f64, rating_max: f64, reach: u64,
        sentiment: Sentiment, posted_at: TimeMs, answered_at: TimeMs,
    }
);

macro_rules! input {
    ($name:ident { $field:ident: $body:ty }) => {
        #[derive(Serialize, Deserialize)]
        struct $name {
            schema_version: u32,
            event_id: String,
            event_type: String,
            event_time: TimeMs,
            source: Source,
            $field: $body,
        }

        impl $name {
            fn read(document: &Value, checker: &Checker) -> Result<(Head, Value), Reject> {
                let input: $name = json::typed(document)?;
                checker.head(&input.event_id, input.event_time, &input.source)?;
                input.$field.check(checker, concat!("/", stringify!($field)))?;
                let json = serde_json::to_value(&input)
                    .map_err(|_| Reject::new(Cause::BadValue, "expected finite numbers"))?;
                Ok((Head { event_id: input.event_id, event_time: input.event_time }, json))
            }
        }
    };
}

input!(ActionCommand { command: Command });
input!(CallbackConsent { consent: Consent });
input!(PromiseEvent { promise: PromiseMade });
input!(SurveyResponse { survey: Survey });
input!(Mention { mention: PublicMention });

struct Head {
    event_id: String,
    event_time: TimeMs,
}

/// Reads one noted input.
///
/// # Errors
/// A [`Reject`] that names the JSON pointer.
pub(crate) fn decode(
    kind: NotedKind,
    document: &Value,
    checker: &Checker,
) -> Result<Noted, Reject> {
    let (head, value) = match kind {
        NotedKind::ActionCommand => ActionCommand::read(document, checker),
        NotedKind::CallbackConsent => CallbackConsent::read(document, checker),
        NotedKind::Promise => PromiseEvent::read(document, checker),
        NotedKind::SurveyResponse => SurveyResponse::read(document, checker),
        NotedKind::Mention => Mention::read(document, checker),
    }?;
    let value = bounded("", value)?;
    Ok(Noted {
        kind,
        event_id: head.event_id,
        event_time: head.event_time,
        json: value.to_string(),
    })
}

/// Holds texts and lists to their bounds, and sorts the members of every object.
fn bounded(pointer: &str, value: Value) -> Result<Value, Reject> {
    Ok(match value {
        Value::Object(object) => {
            let members: BTreeMap<String, Value> = object.into_iter().collect();
            let mut sorted = Map::new();
            for (name, value) in members {
                let value = bounded(&format!("{pointer}/{name}"), value)?;
                sorted.insert(name, value);
            }
            Value::Object(sorted)
        }
        Value::Array(items) => {
            if items.len() > MAX_ITEMS {
                let expected = format!("at most {MAX_ITEMS} entries, found {}", items.len());
                return Err(Reject::at(Cause::BadValue, pointer, expected));
            }
            let items = items.into_iter().enumerate();
            Value::Array(
                items
                    .map(|(n, item)| bounded(&format!("{pointer}/{n}"), item))
                    .collect::<Result<_, _>>()?,
            )
        }
        Value::String(mut text) => {
            let is_long = ["/text", "/comment", "/note"].iter().any(|end| pointer.ends_with(end));
            let max = if is_long { check::MAX_TEXT } else { check::MAX_WORD };
            if text.len() > max {
                return Err(Reject::at(Cause::BadValue, pointer, format!("at most {max} bytes")));
            }
            check::replace_nul(&mut text);
            Value::String(text)
        }
        other => other,
    })
}

fn ids(at: &str, named: &[(&str, Option<&String>)]) -> Result<(), Reject> {
    named.iter().try_for_each(|(name, text)| match text {
        Some(text) => id(&format!("{at}/{name}"), text),
        None => Ok(()),
    })
}

fn missing(at: &str, name: &str, expected: &str) -> Reject {
    Reject::at(Cause::MissingField, &format!("{at}/{name}"), expected)
}

impl Checker {
    fn times(&self, at: &str, named: &[(&str, Option<TimeMs>)]) -> Result<(), Reject> {
        named.iter().try_for_each(|(name, time)| match time {
            Some(time) => self.time(&format!("{at}/{name}"), *time),
            None => Ok(()),
        })
    }

    fn dates(&self, at: &str, named: &[(&str, Option<TimeMs>)]) -> Result<(), Reject> {
        named.iter().try_for_each(|(name, time)| match time {
            Some(time) => self.date(&format!("{at}/{name}"), *time),
            None => Ok(()),
        })
    }
}

impl Command {
    fn check(&self, checker: &Checker, at: &str) -> Result<(), Reject> {
        ids(at, &[("action_id", Some(&self.action_id)), ("actor", Some(&self.actor))])?;
        checker.dates(at, &[("due_at", self.due_at), ("start_at", self.start_at)])?;
        let empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        match self.operation {
            Operation::Propose if empty(&self.title) => {
                Err(missing(at, "title", "a title to propose an action"))
            }
            Operation::Propose if self.action_type.is_none() => {
                Err(missing(at, "action_type", "a type to propose an action"))
            }
            Operation::Propose if self.reasons.as_ref().is_none_or(Vec::is_empty) => {
                Err(missing(at, "reasons", "one reason or more to propose an action"))
            }
            Operation::Assign if empty(&self.owner) => {
                Err(missing(at, "owner", "an owner to assign an action"))
            }
            Operation::Register if self.expected_effect.is_none() => {
                Err(missing(at, "expected_effect", "the expected effect to register"))
            }
            Operation::Comment if empty(&self.note) => {
                Err(missing(at, "note", "a note to comment"))
            }
            _ => Ok(()),
        }
    }
}

impl Consent {
    fn check(&self, checker: &Checker, at: &str) -> Result<(), Reject> {
        let contact_id = ("contact_id", self.contact_id.as_ref());
        ids(at, &[("customer_id", Some(&self.customer_id)), contact_id])?;
        checker.times(at, &[("asked_at", self.asked_at)])?;
        checker.dates(at, &[("expires_at", self.expires_at)])?;
        if self.granted && self.channel.as_deref().is_none_or(str::is_empty) {
            return Err(missing(at, "channel", "the channel that consent is granted for"));
        }
        for (n, window) in self.windows.iter().flatten().enumerate() {
            let place = format!("{at}/windows/{n}");
            checker.dates(&place, &[("start", Some(window.start)), ("end", Some(window.end))])?;
            if window.end <= window.start {
                let pointer = format!("{place}/end");
                return Err(Reject::at(Cause::BadValue, &pointer, "a time after start"));
            }
        }
        Ok(())
    }
}

impl PromiseMade {
    fn check(&self, checker: &Checker, at: &str) -> Result<(), Reject> {
        ids(
            at,
            &[
                ("promise_id", Some(&self.promise_id)),
                ("contact_id", Some(&self.contact_id)),
                ("customer_id", self.customer_id.as_ref()),
                ("what", Some(&self.what)),
            ],
        )?;
        checker.dates(at, &[("due_at", Some(self.due_at))])?;
        checker.times(at, &[("made_at", self.made_at), ("kept_at", self.kept_at)])?;
        if self.status == PromiseStatus::Kept && self.kept_at.is_none() {
            return Err(missing(at, "kept_at", "when the promise was kept"));
        }
        Ok(())
    }
}

impl Survey {
    fn check(&self, checker: &Checker, at: &str) -> Result<(), Reject> {
        ids(
            at,
            &[
                ("survey_id", Some(&self.survey_id)),
                ("response_id", Some(&self.response_id)),
                ("customer_id", self.customer_id.as_ref()),
                ("contact_id", self.contact_id.as_ref()),
            ],
        )?;
        checker.times(at, &[("invited_at", self.invited_at), ("answered_at", self.answered_at)])?;
        if self.metric == Metric::Nps && (self.scale_min, self.scale_max) != (0.0, 10.0) {
            let pointer = format!("{at}/scale_max");
            return Err(Reject::at(Cause::BadValue, &pointer, "a scale from 0 to 10 for nps"));
        }
        if self.scale_max <= self.scale_min {
            let pointer = format!("{at}/scale_max");
            return Err(Reject::at(Cause::BadValue, &pointer, "a number above scale_min"));
        }
        let scaled = |place: String, score: Option<f64>| match score {
            Some(score) => {
                in_range(&place, score, self.scale_min, self.scale_max, "a score on the scale")
            }
            None => Ok(()),
        };
        scaled(format!("{at}/score"), self.score)?;
        for (n, item) in self.items.iter().flatten().enumerate() {
            let place = format!("{at}/items/{n}");
            ids(&place, &[("item_id", Some(&item.item_id))])?;
            scaled(format!("{place}/score"), item.score)?;
            scaled(format!("{place}/expectation"), item.expectation)?;
            scaled(format!("{place}/perception"), item.perception)?;
        }
        Ok(())
    }
}

impl PublicMention {
    fn check(&self, checker: &Checker, at: &str) -> Result<(), Reject> {
        ids(
            at,
            &[
                ("mention_id", Some(&self.mention_id)),
                ("platform", Some(&self.platform)),
                ("author_id", self.author_id.as_ref()),
                ("customer_id", self.customer_id.as_ref()),
                ("contact_id", self.contact_id.as_ref()),
            ],
        )?;
        checker.times(at, &[("posted_at", self.posted_at), ("answered_at", self.answered_at)])?;
        if self.rating.is_some() && self.rating_max.is_none() {
            return Err(missing(at, "rating_max", "the end of the scale beside rating"));
        }
        if let (Some(rating), Some(max)) = (self.rating, self.rating_max) {
            in_range(&format!("{at}/rating"), rating, 0.0, max, "a rating on the scale")?;
        }
        Ok(())
    }
}
