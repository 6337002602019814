//! The stages apart: several partitions of TAG and LINK, one TREND, and messages between them in
//! any order that keeps the order of each pair of partitions, as a broker's partitions do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use quell_engine::invariants::Finals;
use quell_engine::{Effects, Link, LinkInput, Settings, StateError, Tag, Trend, TrendInput, link};
use quell_model::{Event, Output, TimeMs};
use quell_taxonomy::Taxonomy;
use quell_worker::direct::DirectState;

use crate::seed::Seed;

/// A channel from one partition of one stage to another.
type Route = (usize, usize);

/// What came out.
pub struct Ran {
    /// The highest revision of each public id.
    pub finals: Finals,
    /// Contacts as they were put out last, whatever their revision: what compaction leaves.
    pub compacted: Finals,
}

/// Stages in partitions, with their states and the messages under way.
pub struct Cluster {
    tags: Vec<(Tag, DirectState)>,
    links: Vec<(Link, DirectState)>,
    trend: (Trend, DirectState),
    to_link: BTreeMap<Route, VecDeque<LinkInput>>,
    to_trend: BTreeMap<usize, VecDeque<TrendInput>>,
    finals: Finals,
    compacted: BTreeMap<String, Output>,
    seed: Seed,
}

impl Cluster {
    /// So many partitions of TAG and of LINK.
    pub fn new(
        settings: &Arc<Settings>,
        taxonomy: &Arc<Taxonomy>,
        (tags, links): (usize, usize),
        seed: u64,
    ) -> Self {
        let tag = || (Tag::new(settings.clone(), taxonomy.clone()), DirectState::default());
        let link = || (Link::new(settings.clone()), DirectState::default());
        Cluster {
            tags: (0..tags).map(|_| tag()).collect(),
            links: (0..links).map(|_| link()).collect(),
            trend: (Trend::new(settings.clone(), taxonomy.version()), DirectState::default()),
            to_link: BTreeMap::new(),
            to_trend: BTreeMap::new(),
            finals: Finals::default(),
            compacted: BTreeMap::new(),
            seed: Seed::new(seed),
        }
    }

    /// Applies events, delivering messages between any two of them; then a mark to all.
    ///
    /// # Errors
    /// A state cannot be read, which memory never is.
    pub fn run(mut self, events: &[Event], mark: TimeMs) -> Result<Ran, StateError> {
        for event in events {
            self.event(event)?;
            for _ in 0..self.seed.below(4) {
                self.deliver_one()?;
            }
        }
        while self.deliver_one()? {}
        for at in 0..self.links.len() {
            self.link_step(at, LinkInput::Mark(mark))?;
        }
        while self.deliver_one()? {}
        self.trend_step(TrendInput::Mark(mark))?;
        let mut compacted = Finals::default();
        self.compacted.into_values().for_each(|output| compacted.take(output));
        Ok(Ran { finals: self.finals, compacted })
    }

    fn event(&mut self, event: &Event) -> Result<(), StateError> {
        let mut effects = Effects::default();
        match event {
            Event::Contact(contact) => {
                let key = contact.contact_key();
                let at = spread(key.as_str(), self.tags.len());
                let (tag, state) = &mut self.tags[at];
                tag.step(state, (**contact).clone(), &mut effects)?;
                self.send((at, 0), effects);
            }
            Event::IdentityLink(identity) => {
                effects.to_link = link::declarations(&identity.customer_ids);
                self.send((usize::MAX, 0), effects);
            }
            Event::Volume(_) | Event::Noted(_) => {}
        }
        Ok(())
    }

    /// `from` names the sending stage instance; its second part tells LINK's from TAG's.
    fn send(&mut self, from: Route, effects: Effects) {
        let sender = from.0.wrapping_mul(2).wrapping_add(from.1);
        for input in effects.to_link {
            let owner = input.owner().map_or(Vec::new(), |owner| owner.prefix());
            let at = spread(&String::from_utf8_lossy(&owner), self.links.len());
            self.to_link.entry((sender, at)).or_default().push_back(input);
        }
        for input in effects.to_trend {
            self.to_trend.entry(sender).or_default().push_back(input);
        }
        for output in effects.outputs {
            if output.topic() == "contacts" {
                self.compacted.insert(output.key().to_owned(), output.clone());
            }
            self.finals.take(output);
        }
    }

    fn deliver_one(&mut self) -> Result<bool, StateError> {
        self.to_link.retain(|_, queue| !queue.is_empty());
        self.to_trend.retain(|_, queue| !queue.is_empty());
        let ways = self.to_link.len() + self.to_trend.len();
        if ways == 0 {
            return Ok(false);
        }
        let way = self.seed.below(ways);
        if way < self.to_link.len() {
            let next = self.to_link.iter_mut().nth(way);
            let Some(((_, at), queue)) = next else { return Ok(false) };
            let at = *at;
            if let Some(input) = queue.pop_front() {
                self.link_step(at, input)?;
            }
        } else {
            let next = self.to_trend.values_mut().nth(way - self.to_link.len());
            if let Some(input) = next.and_then(VecDeque::pop_front) {
                self.trend_step(input)?;
            }
        }
        Ok(true)
    }

    fn link_step(&mut self, at: usize, input: LinkInput) -> Result<(), StateError> {
        let mut effects = Effects::default();
        let (link, state) = &mut self.links[at];
        link.step(state, input, &mut effects)?;
        self.send((at, 1), effects);
        Ok(())
    }

    fn trend_step(&mut self, input: TrendInput) -> Result<(), StateError> {
        let mut effects = Effects::default();
        let (trend, state) = &mut self.trend;
        trend.step(state, input, &mut effects)?;
        trend.finish(state, &mut effects)?;
        for output in effects.outputs {
            self.finals.take(output);
        }
        Ok(())
    }
}

fn spread(key: &str, partitions: usize) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % partitions.max(1) as u64) as usize
}
