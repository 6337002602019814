//! Up to when the event time of an input is complete. Whoever owns an input says so, in marks.

use quell_model::{Event, TimeMs};

/// At most one mark in this time.
const MARK_EVERY_MS: i64 = 1_000;

/// The event time of one input, as far as its owner has read it. Begins anew with every owner:
/// stages refuse marks that are older than what they know.
#[derive(Debug)]
pub(crate) struct EventClock {
    newest_event: TimeMs,
    newest_at: TimeMs,
    mark: TimeMs,
    marked_at: TimeMs,
}

impl Default for EventClock {
    fn default() -> Self {
        EventClock {
            newest_event: TimeMs::MIN,
            newest_at: TimeMs::MIN,
            mark: TimeMs::MIN,
            marked_at: TimeMs::MIN,
        }
    }
}

impl EventClock {
    /// Events came, the newest of this time.
    pub(crate) fn take(&mut self, newest: TimeMs, now: TimeMs) {
        if newest > TimeMs::MIN {
            self.newest_at = now;
            self.newest_event = self.newest_event.max(newest);
        }
    }

    /// How long no event came.
    pub(crate) fn quiet_ms(&mut self, now: TimeMs) -> i64 {
        if self.newest_at == TimeMs::MIN {
            self.newest_at = now;
        }
        now.since_ms(self.newest_at)
    }

    /// Whether a second has passed since the last mark.
    pub(crate) fn is_due(&self, now: TimeMs) -> bool {
        self.marked_at == TimeMs::MIN || now.since_ms(self.marked_at) >= MARK_EVERY_MS
    }

    /// The next mark, `lateness_ms` behind the newest event or, for an idle input, behind `now`.
    /// None when event time has not moved.
    pub(crate) fn next_mark(
        &mut self,
        now: TimeMs,
        lateness_ms: i64,
        is_idle: bool,
    ) -> Option<TimeMs> {
        let complete = if is_idle { now } else { self.newest_event.min(now) };
        let mark = complete.plus_ms(-lateness_ms);
        if complete == TimeMs::MIN || mark <= self.mark {
            return None;
        }
        self.mark = mark;
        self.marked_at = now;
        Some(mark)
    }

    /// The mark that completes all events so far: the end of an input given whole.
    pub(crate) fn complete(&mut self, now: TimeMs) -> Option<TimeMs> {
        (self.newest_event > self.mark).then(|| {
            self.mark = self.newest_event;
            self.marked_at = now;
            self.mark
        })
    }
}

/// The time an event speaks of, which completes event time.
pub fn event_time(event: &Event) -> TimeMs {
    match event {
        Event::Contact(event) => event.event_time,
        Event::Volume(volume) => volume.period_start,
        Event::IdentityLink(link) => link.event_time,
        Event::Noted(noted) => noted.event_time,
    }
}
