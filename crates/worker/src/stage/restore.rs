//! Bringing a partition's local copy up to the end of its changelog, beside the turns of the
//! partitions that are ready.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use quell_engine::{TABLES, Table};
use quell_model::TimeMs;
use quell_model::topic::OLDEST_COPY_MS;
use quell_ports::stage::{Changelog, ChangelogRow};
use quell_ports::{Change, Clock, PortError};
use quell_store::{CachePosition, StateCache};

use crate::metrics::{Metrics, gauge};

/// Rows applied to the copy at once.
const BATCH_ROWS: usize = 5_000;
/// Bytes applied to the copy at once.
const BATCH_BYTES: usize = 8 << 20;

/// Opens the changelog, on the thread that reads it.
pub type OpenChangelog = Box<dyn FnOnce() -> Result<Box<dyn Changelog>, PortError> + Send>;

/// What became of an order.
pub(super) struct Restored {
    /// The order's number.
    pub ticket: u64,
    /// The next record of the input, none where the changelog is empty; or why there is none.
    pub outcome: Result<Option<u64>, PortError>,
}

/// The numbers of the orders that somebody waits for.
#[derive(Default)]
struct Wanted(Mutex<BTreeSet<u64>>);

impl Wanted {
    fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<u64>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, ticket: u64) -> bool {
        self.change(|tickets| tickets.contains(&ticket))
    }
}

struct Order {
    ticket: u64,
    partition: u32,
}

/// The thread that restores, one partition after the other.
pub struct Restorer {
    orders: Option<Sender<Order>>,
    restored: Receiver<Restored>,
    thread: Option<JoinHandle<()>>,
    wanted: Arc<Wanted>,
    next_ticket: u64,
}

impl Restorer {
    /// Restores into this cache.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(
        stage: &'static str,
        cache: StateCache,
        open: OpenChangelog,
        seal: u64,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Restorer> {
        let (orders, incoming) = channel::<Order>();
        let (outgoing, restored) = channel();
        let wanted = Arc::new(Wanted::default());
        let still_wanted = wanted.clone();
        let body = move || {
            let mut open = Some(open);
            let mut changelog: Option<Box<dyn Changelog>> = None;
            for order in incoming {
                let is_wanted = || still_wanted.has(order.ticket);
                if !is_wanted() {
                    continue;
                }
                let mut one = || -> Result<Option<u64>, PortError> {
                    if let Some(open) = open.take() {
                        changelog = Some(open()?);
                    }
                    let Some(changelog) = &mut changelog else {
                        let why = "the changelog could not be opened".to_owned();
                        return Err(PortError::Fatal(why));
                    };
                    let rows = metrics.stages.restored_rows.with_label_values(&[stage]);
                    let remaining =
                        metrics.stages.restore_remaining_records.with_label_values(&[stage]);
                    let partition = order.partition;
                    let (cache, clock) = (&cache, &*clock);
                    let is_wanted = &is_wanted;
                    let mut copy =
                        Copy { cache, partition, rows, remaining, seal, clock, is_wanted };
                    let restored = copy.restore(&mut **changelog);
                    copy.remaining.set(0);
                    restored
                };
                let outcome = one();
                if outgoing.send(Restored { ticket: order.ticket, outcome }).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("{stage}-restore")).spawn(body)?;
        let (orders, thread) = (Some(orders), Some(thread));
        Ok(Restorer { orders, restored, thread, wanted, next_ticket: 0 })
    }

    /// Orders a restore, and returns its number.
    pub(super) fn order(&mut self, partition: u32) -> u64 {
        self.next_ticket += 1;
        self.wanted.change(|tickets| tickets.insert(self.next_ticket));
        let order = Order { ticket: self.next_ticket, partition };
        if let Some(orders) = &self.orders {
            // A thread that is gone is seen by whoever waits for the outcome.
            let _ = orders.send(order);
        }
        self.next_ticket
    }

    /// Nobody waits for the order any more: others need not wait for it either.
    pub(super) fn cancel(&self, ticket: u64) {
        self.wanted.change(|tickets| tickets.remove(&ticket));
    }

    /// An order that is done, if there is one.
    pub(super) fn done(&self) -> Option<Restored> {
        let restored = self.restored.try_recv().ok()?;
        self.cancel(restored.ticket);
        Some(restored)
    }
}

impl Drop for Restorer {
    fn drop(&mut self) {
        self.orders = None;
        self.wanted.change(BTreeSet::clear);
        if let Some(thread) = self.thread.take() {
            // It has nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// The copy of one partition while it is brought up.
struct Copy<'c> {
    cache: &'c StateCache,
    partition: u32,
    rows: prometheus::IntCounter,
    remaining: prometheus::IntGauge,
    /// What the rows must have been written with.
    seal: u64,
    clock: &'c dyn Clock,
    /// What was read so far is kept: the copy is a prefix wherever it ends.
    is_wanted: &'c dyn Fn() -> bool,
}

impl Copy<'_> {
    fn restore(&mut self, changelog: &mut dyn Changelog) -> Result<Option<u64>, PortError> {
        let known = self.cache.position(self.partition)?;
        let too_old =
            |position: &CachePosition| self.clock.now().since_ms(position.as_of) > OLDEST_COPY_MS;
        let start = match known {
            Some(position) if !too_old(&position) => position,
            Some(_) => self.begin_anew()?,
            None => self.beginning(),
        };
        self.check(start.seal)?;
        let position = match self.read(changelog, start)? {
            Some(position) => Some(position),
            // The copy goes further than the changelog: it is another deployment's.
            None => {
                let start = self.begin_anew()?;
                self.read(changelog, start)?
            }
        };
        Ok(position.and_then(|position| position.input_next))
    }

    fn begin_anew(&self) -> Result<CachePosition, PortError> {
        self.cache.forget(self.partition, TABLES)?;
        Ok(self.beginning())
    }

    /// A copy that is begun now knows of all removals from now on.
    fn beginning(&self) -> CachePosition {
        CachePosition { as_of: self.clock.now(), seal: self.seal, ..CachePosition::default() }
    }

    /// Before anything of another's is taken over: it would count as ours from then on.
    fn check(&self, seal: u64) -> Result<(), PortError> {
        if seal == self.seal {
            return Ok(());
        }
        Err(PortError::Unreadable(format!(
            "the state of partition {} was written by a worker with another customer-hash.key: \
             one customer would count as two. Copy the first worker's key into this one's data \
             folder",
            self.partition
        )))
    }

    fn read(
        &mut self,
        changelog: &mut dyn Changelog,
        start: CachePosition,
    ) -> Result<Option<CachePosition>, PortError> {
        let mut position = start;
        let mut changes: Vec<Change> = Vec::new();
        let mut bytes = 0;
        let now: TimeMs = self.clock.now();
        let end = changelog.read(
            self.partition,
            start.changelog_next,
            self.is_wanted,
            &mut |row, to| {
                self.remaining.set(gauge(to.end.saturating_sub(to.next)));
                match row {
                    ChangelogRow::Position { next, seal } => {
                        self.check(seal)?;
                        position.input_next = Some(next);
                    }
                    ChangelogRow::Change { table, key, value } => {
                        bytes += value.as_ref().map_or(0, Vec::len);
                        changes.push(Change { table: known_table(&table)?, key, value });
                    }
                }
                position.changelog_next = to.next;
                if changes.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
                    // Only at the end is it as the changelog is.
                    self.apply(&mut changes, position)?;
                    bytes = 0;
                }
                Ok(())
            },
        )?;
        let Some(end) = end else { return Ok(None) };
        position.changelog_next = end;
        if (self.is_wanted)() {
            position.as_of = now;
        }
        self.apply(&mut changes, position)?;
        Ok(Some(position))
    }

    fn apply(&self, changes: &mut Vec<Change>, to: CachePosition) -> Result<(), PortError> {
        self.rows.inc_by(changes.len() as u64);
        // One key may have changed twice, and a batch of the engine knows no order.
        let mut last = std::collections::BTreeMap::new();
        for change in changes.drain(..) {
            last.insert((change.table, change.key), change.value);
        }
        let changes: Vec<Change> =
            last.into_iter().map(|((table, key), value)| Change { table, key, value }).collect();
        self.cache.apply(self.partition, &changes, to)?;
        self.cache.wait_for_room();
        Ok(())
    }
}

fn known_table(name: &str) -> Result<Table, PortError> {
    TABLES.iter().find(|table| **table == name).copied().ok_or_else(|| {
        PortError::Unreadable(format!(
            "the changelog has rows of the table {name:?}, which this build does not know; run \
             the build that wrote them"
        ))
    })
}
