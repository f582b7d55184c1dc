//! What callers do in a step: thrown from the seed, about whatever there is by now.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use doorstep::testing::{SignedCall, Style};

use crate::bundle::{DEVICE, EMAIL, STEP, TRANSFER};
use crate::deed::{Act, Deed, body};
use crate::dice::Dice;
use crate::ledger::{Call, SECOND, Wish};
use crate::world::World;

const USERS: usize = 16;
/// Most of what happens is about these.
const BUSY_USERS: usize = 4;
const PAYEES: usize = 7;
/// How far back, in seconds, a step looks for something to go on with.
const RECENT_SECONDS: i64 = 150;

/// A verification that somebody was told of, and the call that it is for.
struct Opened {
    id: String,
    reference: String,
    call: usize,
}

/// What is done at once in a step.
pub(crate) struct Plan<'w> {
    world: &'w mut World,
    dice: Dice,
    step: u64,
    acts: Vec<Act>,
}

impl<'w> Plan<'w> {
    pub(crate) fn of(world: &'w mut World, dice: Dice, step: u64) -> Self {
        Self { world, dice, step, acts: Vec::new() }
    }

    /// - returns: the acts, and the dice for what else the step needs.
    pub(crate) fn throw(mut self) -> (Vec<Act>, Dice) {
        for _ in 0..=self.dice.below(7) {
            self.burst();
        }
        self.again();
        self.openings();
        self.verifications();
        self.redemptions();
        self.others();
        (self.acts, self.dice)
    }

    fn server(&mut self) -> usize {
        self.dice.below(self.world.instances.len())
    }

    fn user(&mut self) -> String {
        let among = if self.dice.percent(50) { BUSY_USERS } else { USERS };
        format!("usr_{}", self.dice.below(among))
    }

    fn add(&mut self, deed: Deed) {
        let server = self.server();
        self.acts.push(Act::by(server, deed));
    }

    /// Adds a deed, sometimes twice as one and the same request.
    fn add_maybe_twice(&mut self, deed: Deed) {
        let (server, other) = (self.server(), self.server());
        if !self.dice.percent(20) {
            self.acts.push(Act::by(server, deed));
            return;
        }
        let once = Some(format!("once-{}-{}", self.step, self.acts.len()));
        let act = Act { once, ..Act::by(server, deed) };
        self.acts.extend([Act { server: other, ..act.clone() }, act]);
    }

    /// A user asks for some transfers at once; a few callers do not wait, and a few calls come twice.
    fn burst(&mut self) {
        let user = self.user();
        let calls = if self.dice.percent(20) { 4 + self.dice.below(9) } else { 1 + self.dice.below(2) };
        for _ in 0..calls {
            if self.dice.percent(20) {
                self.call(Wish::new((user.clone(), DEVICE), (0, String::new())));
                continue;
            }
            let cents = if self.dice.percent(25) { 20_000 } else { 1 };
            let cents = cents + i64::try_from(self.dice.below(14_000)).expect("small");
            let payees = if self.dice.percent(70) { 3 } else { PAYEES };
            let payee = format!("payee-{}", self.dice.below(payees));
            self.call(Wish::new((user.clone(), TRANSFER), (cents, payee)));
        }
        if self.dice.percent(6) {
            self.call(Wish::new((user, EMAIL), (0, String::new())));
        }
    }

    fn call(&mut self, wish: Wish) {
        let style = if self.dice.percent(50) { Style::Usual } else { Style::Other };
        let signed = self.world.prelude.sign(&body(&wish), style).expect("signs");
        let call = self.world.ledger.calls.len();
        self.world.ledger.calls.push(Call { wish, signature: hash(&signed), signed, told: Vec::new() });
        let hangs_up = self
            .dice
            .percent(5)
            .then(|| Duration::from_millis(1 + u64::try_from(self.dice.below(40)).expect("small")));
        let server = self.server();
        self.acts.push(Act { hangs_up, ..Act::by(server, Deed::Call(call)) });
        if self.dice.percent(8) {
            self.add(Deed::Call(call));
        }
    }

    /// Calls that come again: those without an answer, and old ones.
    fn again(&mut self) {
        let all = self.world.ledger.calls.len();
        for _ in 0..self.dice.below(4) {
            let open: Vec<usize> = (0..all)
                .filter(|call| {
                    let told = &self.world.ledger.calls[*call].told;
                    !told.is_empty() && told.iter().all(|told| !matches!(told.status, Some(200 | 409)))
                })
                .collect();
            let call = match self.dice.any(&open) {
                Some(call) if self.dice.percent(70) => *call,
                _ if all > 0 => self.dice.below(all),
                _ => return,
            };
            if !self.world.ledger.calls[call].told.is_empty() {
                self.add(Deed::Call(call));
            }
        }
    }

    /// The recent calls that were answered so.
    fn answered(&self, is_meant: impl Fn(&serde_json::Value) -> bool) -> Vec<usize> {
        let since = (self.world.now() - RECENT_SECONDS) * SECOND;
        let calls = self.world.ledger.calls.iter().enumerate().rev();
        let recent = calls.take_while(|(_, call)| call.told.first().is_none_or(|told| told.sent_at >= since));
        let meant = recent.filter(|(_, call)| {
            call.wish.scope() == TRANSFER && call.verdict().is_some_and(|verdict| is_meant(&verdict))
        });
        meant.map(|(number, _)| number).collect()
    }

    /// Challenges that are at the custom step.
    fn openings(&mut self) {
        let reviews = self.answered(|verdict| verdict["steps"][0]["key"] == STEP);
        for _ in 0..self.dice.below(5) {
            let Some(call) = self.dice.any(&reviews).copied() else { return };
            let challenge = format!("chl_{call}");
            if self.dice.percent(15) {
                self.add_maybe_twice(Deed::OneCall { call, challenge });
            } else {
                for _ in 0..=self.dice.below(2) {
                    self.add_maybe_twice(Deed::Open { call, challenge: challenge.clone() });
                }
            }
        }
    }

    fn opened(&self) -> Vec<Opened> {
        let since = (self.world.now() - RECENT_SECONDS) * SECOND;
        let done = self.world.ledger.done.iter().rev().take_while(|done| done.told.sent_at >= since);
        let opened = done.filter_map(|done| match &done.act.deed {
            Deed::Open { call, .. } if done.told.was_done() => {
                let told = done.told.json();
                let text = |field: &str| told[field].as_str().map(str::to_owned);
                Some(Opened {
                    id: crate::ledger::plain(&text("id")?),
                    reference: text("reference")?,
                    call: *call,
                })
            }
            _ => None,
        });
        opened.collect()
    }

    /// Everybody at once on a verification or two.
    fn verifications(&mut self) {
        let opened = self.opened();
        for _ in 0..self.dice.below(4) {
            let Some(Opened { id, reference, call }) = self.dice.any(&opened) else { return };
            let wish = self.world.ledger.calls[*call].wish.clone();
            for number in 0..2 + self.dice.below(7) {
                let verification = id.clone();
                let second = self.world.now() + i64::try_from(number).expect("few");
                let callback = |word| Deed::Callback {
                    verification: id.clone(),
                    reference: reference.clone(),
                    word,
                    second,
                };
                let deed = match self.dice.below(100) {
                    0..22 => Deed::Approve { verification },
                    22..34 => Deed::Reject { verification },
                    34..42 => callback("GREEN"),
                    42..46 => callback("RED"),
                    46..70 => Deed::Mint { verification },
                    70..97 => Deed::Redeem { wish: wish.clone() },
                    _ => Deed::Withdraw { verification },
                };
                match deed {
                    Deed::Callback { .. } => self.add(deed),
                    deed => self.add_maybe_twice(deed),
                }
            }
        }
    }

    /// Grants that somebody wants to spend, some of them more than once or for something else.
    fn redemptions(&mut self) {
        let grants = self.answered(|verdict| verdict["status"] != "block");
        for _ in 0..self.dice.below(4) {
            let Some(call) = self.dice.any(&grants) else { return };
            let wish = self.world.ledger.calls[*call].wish.clone();
            for _ in 0..=self.dice.below(3) {
                let other = wish.with_cents(wish.cents() + 1);
                let wish = if self.dice.percent(12) { other } else { wish.clone() };
                self.add_maybe_twice(Deed::Redeem { wish });
            }
        }
    }

    /// What happens outside, what the fraud desk does, and who only asks.
    fn others(&mut self) {
        if self.dice.percent(15) {
            let kind = if self.dice.percent(80) { "chargeback" } else { "email_changed" };
            let (user, name) = (self.user(), format!("fact-{}", self.step));
            for _ in 0..=self.dice.below(2) {
                self.add(Deed::Fact { user: user.clone(), kind, name: name.clone() });
            }
        }
        let scope = if self.dice.percent(80) { TRANSFER } else { EMAIL };
        if self.dice.percent(4) {
            let until = self.world.now() + 5 + i64::try_from(self.dice.below(25)).expect("small");
            self.add(Deed::Pause { scope, until, case: format!("pause-{}", self.step) });
        }
        if self.dice.percent(4) {
            self.add(Deed::Resume { scope, case: format!("resume-{}", self.step) });
        }
        if self.dice.percent(15) {
            let user = self.user();
            let wish = Wish::new((user, TRANSFER), (1_000, "payee-0".to_owned()));
            self.add(Deed::DryRun { wish });
        }
    }
}

/// What the record knows a call by.
fn hash(signed: &SignedCall) -> String {
    let header = signed.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-webhook-signature"));
    let (_, text) = header.expect("it is signed");
    let text = text.trim_start_matches("rsassa-pss-sha256=").trim_end_matches('=');
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    hexadecimal(digest(&SHA256, &bytes).as_ref())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
