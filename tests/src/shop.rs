//! A shop's contacts as lines of JSON: for tests that drive the real process.

use quell_faults::Seed;

/// Events of many contacts in order of time: opened, patched, redelivered; some cannot be read.
pub fn events(count: usize) -> Vec<String> {
    let mut seed = Seed::new(7);
    let mut lines = Vec::with_capacity(count);
    for n in 0..count {
        let contact = seed.below(count / 3);
        let minute = n / 2 % 60;
        let (day, hour) = (1 + n / 700, n / 120 % 24);
        let time = format!("2026-01-{day:02}T{hour:02}:{minute:02}:00Z");
        let kind = if seed.below(3) == 0 { "updated" } else { "opened" };
        let order = seed.below(200);
        lines.push(if n % 97 == 0 {
            format!("{{\"schema_version\":1,\"event_id\":\"broken {n}")
        } else {
            format!(
                r#"{{"schema_version":1,"event_id":"e{n}","event_type":"contact.{kind}","event_time":"{time}","source":{{"system":"shop"}},"contact":{{"id":"k{contact}","kind":"ticket","channel":"email","opened_at":"{time}","customer":{{"id":"c{}"}},"subject":"Where is my order","body":"My order {order} has not arrived, I was charged twice","attributes":{{"order_id":"o{order}"}}}}}}"#,
                contact % 300
            )
        });
    }
    lines
}

/// A contact opened on a day, of a customer with no other.
pub fn opened(id: &str, day: &str) -> String {
    let time = format!("{day}T00:00:00Z");
    format!(
        r#"{{"schema_version":1,"event_id":"{id}","event_type":"contact.opened","event_time":"{time}","source":{{"system":"shop"}},"contact":{{"id":"{id}","kind":"ticket","channel":"email","opened_at":"{time}"}}}}"#
    )
}
