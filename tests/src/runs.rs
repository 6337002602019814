//! Ways to run the same events.

use std::sync::Arc;

use quell_engine::invariants::Finals;
use quell_engine::{Core, CoreInput, Effects, Settings};
use quell_model::contact::Contact;
use quell_model::event::Event;
use quell_model::{Output, TimeMs};
use quell_taxonomy::Taxonomy;
use quell_worker::direct::DirectState;

/// Settings that tag by the agent's code, so that a test decides the reasons.
pub fn settings() -> Arc<Settings> {
    let week_ms = Settings::default().repeat_window_ms;
    Arc::new(Settings { accept_agent_codes: true, max_window_ms: week_ms, ..Settings::default() })
}

/// No catalogue.
pub fn taxonomy() -> Arc<Taxonomy> {
    Arc::new(Taxonomy::none())
}

/// The chained core over all events in batches of these sizes (taken in turn), then a mark.
pub fn chained(events: &[Event], batches: &[usize], mark: TimeMs) -> Finals {
    let mut core = Core::new(settings(), taxonomy());
    let mut state = DirectState::default();
    let mut finals = Finals::default();
    let mut rest = events;
    let mut sizes = batches.iter().copied().cycle();
    while !rest.is_empty() {
        let (batch, left) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        let inputs = batch.iter().cloned().map(CoreInput::Event).collect();
        turn(&mut core, &mut state, inputs).into_iter().for_each(|output| finals.take(output));
        rest = left;
    }
    let last = turn(&mut core, &mut state, vec![CoreInput::Mark(mark)]);
    last.into_iter().for_each(|output| finals.take(output));
    finals
}

fn turn(core: &mut Core, state: &mut DirectState, inputs: Vec<CoreInput>) -> Vec<Output> {
    let mut effects = Effects::default();
    for input in inputs {
        core.apply(state, input, &mut effects).expect("memory can be read");
    }
    core.finish(state, &mut effects).expect("memory can be read");
    effects.outputs
}

/// The final contacts.
pub fn contacts(finals: &Finals) -> Vec<Contact> {
    let values = finals.values().into_values();
    values
        .filter_map(|output| match output {
            Output::Contact { contact: Some(contact), .. } => Some(*contact),
            _ => None,
        })
        .collect()
}

/// One turn after the other over the same state; the outputs of each.
pub fn turns(inputs: Vec<Vec<CoreInput>>) -> Vec<Vec<Output>> {
    let mut core = Core::new(settings(), taxonomy());
    let mut state = DirectState::default();
    inputs.into_iter().map(|inputs| turn(&mut core, &mut state, inputs)).collect()
}
