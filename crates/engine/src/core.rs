//! The stages chained in memory: the embedded mode, replays and simulations run this.

use std::collections::VecDeque;
use std::sync::Arc;

use quell_model::TimeMs;
use quell_model::event::Event;
use quell_taxonomy::Taxonomy;

use crate::Effects;
use crate::link::{Link, LinkInput};
use crate::settings::Settings;
use crate::state::{State, StateError};
use crate::tag::Tag;
use crate::trend::{Trend, TrendInput};

/// What the chained core acts on.
#[derive(Clone, Debug, PartialEq)]
pub enum CoreInput {
    /// A decoded and redacted event.
    Event(Event),
    /// Event time is complete up to here.
    Mark(TimeMs),
}

/// TAG, LINK and TREND, one after the other for every input.
pub struct Core {
    tag: Tag,
    link: Link,
    trend: Trend,
}

impl Core {
    /// A core with this taxonomy and these settings.
    pub fn new(settings: Arc<Settings>, taxonomy: Arc<Taxonomy>) -> Self {
        let trend = Trend::new(settings.clone(), taxonomy.version());
        Core { tag: Tag::new(settings.clone(), taxonomy), link: Link::new(settings), trend }
    }

    /// Applies one input through all stages. [`Core::finish`] must end the turn.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read; nothing of the turn may be committed then.
    pub fn apply(
        &mut self,
        state: &mut dyn State,
        input: CoreInput,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        match input {
            CoreInput::Event(event) => self.tag.event(state, event, effects)?,
            CoreInput::Mark(mark) => {
                self.tag.mark(state, mark, effects)?;
                effects.to_link.push(LinkInput::Mark(mark));
                self.drain(state, effects)?;
                effects.to_trend.push(TrendInput::Mark(mark));
            }
        }
        self.drain(state, effects)
    }

    /// TAG and LINK alone, for measuring them: TREND's inputs are dropped.
    ///
    /// # Errors
    /// As [`Core::apply`].
    pub fn tag_and_link(
        &mut self,
        state: &mut dyn State,
        event: Event,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        if let Event::Contact(event) = event {
            self.tag.step(state, *event, effects)?;
        }
        self.drain_links(state, effects)?;
        effects.to_trend.clear();
        Ok(())
    }

    /// Ends the turn: writes what was gathered and puts it out.
    ///
    /// # Errors
    /// As [`Core::apply`].
    pub fn finish(
        &mut self,
        state: &mut dyn State,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        self.trend.finish(state, effects)
    }

    fn drain(&mut self, state: &mut dyn State, effects: &mut Effects) -> Result<(), StateError> {
        self.drain_links(state, effects)?;
        for input in std::mem::take(&mut effects.to_trend) {
            self.trend.step(state, input, effects)?;
        }
        Ok(())
    }

    fn drain_links(
        &mut self,
        state: &mut dyn State,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mut to_link = VecDeque::from(std::mem::take(&mut effects.to_link));
        while let Some(input) = to_link.pop_front() {
            self.link.step(state, input, effects)?;
            to_link.extend(std::mem::take(&mut effects.to_link));
        }
        Ok(())
    }
}
