//! What a scenario file may say. `docs/scenarios.md` explains every key with its unit and range.

use std::collections::BTreeMap;
use std::fmt;

use quell_model::TimeMs;
use quell_model::event::Channel;
use quell_model::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use crate::phrases;
pub(crate) use crate::quantity::{Amount, Change, Length, Share, Tail};

/// A checked scenario: what to simulate. Made by [`crate::parse`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) start: TimeMs,
    pub(crate) duration: Option<Spanned<Length>>,
    pub(crate) contacts: Option<Spanned<u64>>,
    #[serde(default = "week")]
    pub(crate) repeat_window: Length,
    pub(crate) rate: Spanned<Rate>,
    pub(crate) volumes: Option<Volumes>,
    #[serde(default)]
    pub(crate) reasons: BTreeMap<ReasonName, Amount>,
    #[serde(default)]
    pub(crate) languages: BTreeMap<Language, Amount>,
    #[serde(default)]
    pub(crate) channels: BTreeMap<Channel, Amount>,
    #[serde(default = "nowhere")]
    pub(crate) dimensions: Spanned<BTreeMap<String, BTreeMap<String, Amount>>>,
    #[serde(default)]
    pub(crate) customers: Customers,
    #[serde(default)]
    pub(crate) records: Records,
    #[serde(default)]
    pub(crate) text: Text,
    #[serde(default)]
    pub(crate) agents: Agents,
    #[serde(default)]
    pub(crate) chains: Chains,
    #[serde(default)]
    pub(crate) duplicates: Duplicates,
    #[serde(default)]
    pub(crate) transfers: Transfers,
    #[serde(default)]
    pub(crate) delivery: Delivery,
    #[serde(default)]
    pub(crate) erasures: Erasures,
    #[serde(default)]
    pub(crate) incidents: Vec<Spanned<Incident>>,
    #[serde(default = "nowhere")]
    pub(crate) edges: Spanned<Edges>,
}

impl Scenario {
    /// The name the file gives.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the file says the scenario is for.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The file's limit on contacts, where it has one.
    pub fn contacts(&self) -> Option<u64> {
        self.contacts.as_ref().map(|count| count.value)
    }

    /// The same scenario, ended after this many contacts.
    pub fn with_contacts(mut self, contacts: u64) -> Self {
        self.contacts = Some(Spanned::new(contacts, Location::UNKNOWN, Location::UNKNOWN));
        self
    }

    pub(crate) fn end_ms(&self) -> i64 {
        match &self.duration {
            Some(duration) => self.start.0.saturating_add(duration.value.0),
            None => i64::MAX,
        }
    }
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident : $ty:ty = $default:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),+ }
        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default),+ }
            }
        }
    };
}

section!(
    /// How many first contacts there are.
    Rate {
        per_hour: Option<Amount> = None,
        per_100: Option<Amount> = None,
        dispersion: Amount = Amount(0.0),
        season: Season = Season::Flat,
        lag: Length = Length(12 * HOUR_MS),
        trend_per_week: Change = Change(0.0),
    }
);

/// Units of the business driver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Volumes {
    #[serde(default = "orders")]
    pub(crate) unit: String,
    pub(crate) per_hour: Amount,
    #[serde(default)]
    pub(crate) season: Season,
    #[serde(default)]
    pub(crate) trend_per_week: Change,
    pub(crate) by: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) orders_multiplier: Vec<Step>,
}

/// From `at` on, until another step, this many times the base volume.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) at: Length,
    pub(crate) multiplier: Amount,
    #[serde(default)]
    pub(crate) ramp: Length,
}

section!(
    /// Who makes contact.
    Customers {
        count: u64 = 50_000,
        tail: Tail = Tail(2.5),
        returning: bool = true,
        anonymous_share: Share = Share(0.03),
    }
);

section!(
    /// The events of one contact.
    Records {
        lifecycle: bool = true,
        reopened_share: Share = Share(0.03),
        feedback_share: Share = Share(0.05),
    }
);

section!(
    /// What customers write.
    Text {
        body_bytes: u64 = 0,
        personal_data_share: Share = Share(0.1),
        language_named_share: Share = Share(0.6),
    }
);

section!(
    /// The code the agent picks.
    Agents {
        coded_share: Share = Share(0.7),
        wrong_share: Share = Share(0.2),
    }
);

section!(
    /// Planted repeats.
    Chains {
        share: Share = Share(0.08),
        continue_share: Share = Share(0.35),
        max_length: u32 = 6,
        gap_median: Length = Length(2 * DAY_MS),
        gap_sigma: Amount = Amount(0.8),
        adjacent_share: Share = Share(0.15),
        channel_switch_share: Share = Share(0.25),
        causes: BTreeMap<Cause, Amount> = BTreeMap::new(),
    }
);

section!(
    /// The same message again.
    Duplicates {
        share: Share = Share(0.01),
        within: Length = Length(5 * 60_000),
        same_message_share: Share = Share(0.3),
    }
);

section!(
    /// Calls handed on to another desk.
    Transfers { share: Share = Share(0.05), third_leg_share: Share = Share(0.1) }
);

section!(
    /// How the feed reaches us.
    Delivery {
        late_share: Share = Share(0.02),
        late_mean: Length = Length(HOUR_MS),
        late_max: Length = Length(2 * DAY_MS),
        redelivered_share: Share = Share(0.01),
    }
);

section!(
    /// People who ask to be forgotten.
    Erasures { share: Share = Share(0.0), after: Length = Length(2 * DAY_MS) }
);

section!(
    /// Exact cases at the borders of the definitions, a number of each.
    Edges { window_exact: u32 = 0, window_exceeded: u32 = 0, same_instant: u32 = 0 }
);

/// A planted systemic issue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) reason: ReasonName,
    pub(crate) start: Length,
    #[serde(default)]
    pub(crate) ramp: Length,
    pub(crate) duration: Length,
    pub(crate) peak: Amount,
    #[serde(default)]
    pub(crate) segment: BTreeMap<String, String>,
}

/// The shape of a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Season {
    #[default]
    Flat,
    Shop,
    Office,
}

/// Why an earlier contact did not solve the issue: the codes that customers have words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    WrongInformation,
    IncompleteAnswer,
    TransferDeadEnd,
    PromiseMissed,
    ProcessDelay,
    UpstreamUnfixed,
    ConfirmationMissing,
    Unknown,
}

impl Cause {
    pub(crate) const ALL: [Cause; 8] = [
        Cause::WrongInformation,
        Cause::IncompleteAnswer,
        Cause::TransferDeadEnd,
        Cause::PromiseMissed,
        Cause::ProcessDelay,
        Cause::UpstreamUnfixed,
        Cause::ConfirmationMissing,
        Cause::Unknown,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Cause::WrongInformation => "wrong_information",
            Cause::IncompleteAnswer => "incomplete_answer",
            Cause::TransferDeadEnd => "transfer_dead_end",
            Cause::PromiseMissed => "promise_missed",
            Cause::ProcessDelay => "process_delay",
            Cause::UpstreamUnfixed => "upstream_unfixed",
            Cause::ConfirmationMissing => "confirmation_missing",
            Cause::Unknown => "unknown",
        }
    }
}

/// A section that the file leaves out.
fn nowhere<T: Default>() -> Spanned<T> {
    Spanned::new(T::default(), Location::UNKNOWN, Location::UNKNOWN)
}

fn week() -> Length {
    Length(7 * DAY_MS)
}

fn orders() -> String {
    "orders".to_owned()
}

macro_rules! known_word {
    ($(#[$doc:meta])* $name:ident, $words:path, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) String);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                let known = $words().map_err(serde::de::Error::custom)?;
                if known.contains(&word.as_str()) {
                    return Ok($name(word));
                }
                Err(serde::de::Error::custom(format_args!(
                    concat!("there are no texts for the ", $what, " `{}`: use one of {}"),
                    word, known.join(", ")
                )))
            }
        }
    };
}

known_word!(
    /// A contact reason that there are texts for.
    ReasonName,
    phrases::reason_names,
    "reason"
);
known_word!(
    /// A language that there are texts in.
    Language,
    phrases::language_names,
    "language"
);
