//! Names of stages, topics and groups in a cluster.

use std::fmt;

/// How long the topics must keep what says that a key was removed (`delete.retention.ms`), at
/// least. Half of it is for copies to be away, see [`OLDEST_COPY_MS`], half for reading on.
pub const REMOVALS_KEPT_MS: i64 = 48 * 3_600_000;

/// A copy of a compacted topic that was not level for longer than this is made anew: removals it
/// has not read may be gone before it has read them.
pub const OLDEST_COPY_MS: i64 = REMOVALS_KEPT_MS / 2;

/// A stage of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageName {
    /// Decodes, redacts, keys by contact.
    Intake,
    /// Owns the contact.
    Tag,
    /// Owns a customer's contacts.
    Link,
    /// Owns everything that compares reasons.
    Trend,
    /// Indexes what the others put out, and answers questions.
    Serve,
}

impl StageName {
    /// Every stage, in a record's order.
    pub const ALL: [StageName; 5] =
        [StageName::Intake, StageName::Tag, StageName::Link, StageName::Trend, StageName::Serve];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            StageName::Intake => "intake",
            StageName::Tag => "tag",
            StageName::Link => "link",
            StageName::Trend => "trend",
            StageName::Serve => "serve",
        }
    }

    /// The stage of this name.
    pub fn parse(name: &str) -> Option<StageName> {
        StageName::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Whether it keeps state of its own, and so has a changelog. What is served is a copy.
    pub fn has_state(self) -> bool {
        !matches!(self, StageName::Intake | StageName::Serve)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names of one deployment: all begin with its prefix. Brokers take `.` and `_` for the same in
/// the names of their metrics, so none of ours has a `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicNames {
    prefix: String,
}

impl TopicNames {
    /// With this prefix, `quell.` say.
    pub fn new(prefix: impl Into<String>) -> Self {
        TopicNames { prefix: prefix.into() }
    }

    /// Decoded and redacted events, keyed by contact: what TAG reads.
    pub fn events(&self) -> String {
        self.named("events")
    }

    /// Tagged contacts, keyed by customer: what LINK reads.
    pub fn to_link(&self) -> String {
        self.named("to-link")
    }

    /// Facts, in one partition: what TREND reads.
    pub fn facts(&self) -> String {
        self.named("facts")
    }

    /// A derived topic, by the name that [`crate::Output::topic`] gives.
    pub fn output(&self, topic: &str) -> String {
        self.named(topic)
    }

    /// Contacts whose links can change no more, each once, with all that they can be asked for.
    pub fn settled(&self) -> String {
        self.named("contacts-settled")
    }

    /// What could not be read of an input.
    pub fn dead_letters(&self, input: &str) -> String {
        format!("{input}.dlq")
    }

    /// What a later stage than the first could not apply, whichever topic of ours it came from.
    pub fn refused(&self) -> String {
        self.named("dlq")
    }

    /// What all workers of the deployment must share, as the first of them has it.
    pub fn seal(&self) -> String {
        self.named("seal")
    }

    /// The state of a stage.
    pub fn changelog(&self, stage: StageName) -> String {
        self.named(&format!("{stage}-changelog"))
    }

    /// The consumer group of a stage.
    pub fn group(&self, stage: StageName) -> String {
        self.named(stage.as_str())
    }

    /// The group of one worker's copy of the derived topics. It shares them with nobody; the group
    /// is there for tools that watch how far it has read.
    pub fn replica_group(&self, worker: &str) -> String {
        self.named(&format!("{}-{worker}", StageName::Serve))
    }

    /// The transactional id of one instance of a stage.
    pub fn transactional_id(&self, stage: StageName, worker: &str) -> String {
        self.named(&format!("{stage}-{worker}"))
    }

    /// Any other name of the deployment.
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
