//! What the hour was made of: without each kind of thing, nothing would have been shown.

use std::collections::BTreeMap;

use crate::deed::Deed;
use crate::ledger::{Ledger, Told};
use crate::record::Rows;

#[derive(Default)]
pub(crate) struct Tally {
    wrong: BTreeMap<&'static str, usize>,
    verified: usize,
}

impl Tally {
    pub(crate) fn went_wrong(&mut self, what: &'static str) {
        *self.wrong.entry(what).or_default() += 1;
    }

    pub(crate) const fn verified(&mut self) {
        self.verified += 1;
    }

    /// Prints one line, and sees that there was something to see.
    pub(crate) fn finish(&self, (seed, engine, seconds): (u64, &str, i64), (ledger, rows): (&Ledger, &Rows)) {
        let sent = || ledger.calls.iter().flat_map(|call| &call.told);
        let count = |status| sent().filter(|told: &&Told| told.status == status).count();
        let by = |rule: &str| rows.decisions.iter().filter(|row| row.rule.as_deref() == Some(rule)).count();
        let granted = rows.decisions.iter().filter(|row| row.verdict != "block").count();
        let paused = rows.decisions.iter().filter(|row| row.reason == "scope_paused").count();
        let repeats = count(Some(200)) - ledger.calls.iter().filter(|call| call.answered().is_some()).count();
        let deeds = |is_meant: fn(&Deed) -> bool, status: u16| {
            let done = ledger.done.iter().filter(|done| is_meant(&done.act.deed));
            done.filter(|done| done.told.status == Some(status)).count()
        };
        let redeems = |status| deeds(|deed| matches!(deed, Deed::Redeem { .. }), status);
        let limited = by("too-many") + by("too-much") + by("too-many-payees");
        let wrong: Vec<_> = self.wrong.iter().map(|(what, times)| format!("{what} {times}")).collect();
        let counted = [
            ("decided", rows.decisions.len()),
            ("granted", granted),
            ("beyond a limit", limited),
            ("repeated", repeats),
            ("too old", count(Some(409))),
            ("unanswered", count(None)),
            ("503", count(Some(503)) + deeds(|_| true, 503)),
            ("verifications", rows.verifications.len()),
            ("approved", rows.events.iter().filter(|event| event.kind == "approved").count()),
            ("rejected", rows.events.iter().filter(|event| event.kind == "rejected").count()),
            ("tokens", rows.tokens.len()),
            ("redeemed", rows.redemptions.len()),
            ("redeemed again", redeems(409)),
            ("facts", rows.facts.len()),
            ("provider events", rows.provider_events.len()),
            ("while paused", paused),
            ("signing keys", rows.keys.len()),
            ("tokens verified", self.verified),
        ];
        let words: Vec<_> = counted.iter().map(|(what, number)| format!("{what} {number}")).collect();
        println!("hour: {engine}, seed {seed}, {seconds} s: {}; {}", words.join(", "), wrong.join(", "));
        // Nothing is repeated after ten minutes in a shorter run.
        let (long, seldom) = (seconds > 900, ["too old", "while paused", "unanswered", "rejected", "facts"]);
        for (what, number) in counted {
            assert!(
                number > 0 || (!long && seldom.contains(&what)),
                "there was nothing {what}: nothing was shown"
            );
        }
        assert!(!self.wrong.is_empty(), "nothing went wrong: nothing was shown");
    }
}
