//! The hour: step by step, with what goes wrong in it.

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::check;
use crate::deed::{Act, Deed};
use crate::dice::Dice;
use crate::ledger::{Done, Told};
use crate::place::{Outage, Place, Reach, Way};
use crate::plan::Plan;
use crate::record::Rows;
use crate::tally::Tally;
use crate::verifier::{Verifier, says};
use crate::world::World;

const SEED: &str = "DOORSTEP_TEST_HOUR_SEED";
const SECONDS: &str = "DOORSTEP_TEST_HOUR_SECONDS";
/// A tenth of an hour.
const USUAL_SECONDS: i64 = 360;
/// After so many steps everything is checked.
const STEPS_A_CHECK: u64 = 8;

/// How many seconds the clock goes on at most while a step's acts are under way.
pub(crate) const GOES_ON_MAX: i64 = 3;

/// What goes wrong in the middle of a step.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    Break(Outage),
    Mend,
    Restart(usize),
}

struct Hour {
    seed: u64,
    world: World,
    verifier: Verifier,
    tally: Tally,
    /// Until which step the record is out.
    out_until: Option<u64>,
}

/// Says how to see it again, should it end in a panic.
struct Reproduction {
    seed: u64,
    seconds: i64,
    engine: &'static str,
}

impl Drop for Reproduction {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, seconds, engine } = self;
            eprintln!(
                "again: {SEED}={seed} {SECONDS}={seconds} cargo test --all-features --test hour {engine}"
            );
        }
    }
}

pub(crate) async fn run(place: Place) {
    let seed = told(SEED).unwrap_or(1);
    let seconds =
        told(SECONDS).map_or(USUAL_SECONDS, |seconds| i64::try_from(seconds).expect("not for ever"));
    let _reproduction = Reproduction { seed, seconds, engine: place.name() };
    let world = World::begin(place).await;
    let mut hour = Hour { seed, world, verifier: Verifier::new(), tally: Tally::default(), out_until: None };
    let mut checkpoint = None;
    let mut step = 0;
    while hour.world.lasted() < seconds {
        Box::pin(hour.step(step)).await;
        step += 1;
        if step % STEPS_A_CHECK == 0 {
            hour.check().await;
        }
        if checkpoint.is_none() && hour.world.lasted() > seconds / 2 && hour.out_until.is_none() {
            let file = hour.world.place.directory().join("checkpoint.jws");
            std::fs::write(&file, hour.world.place.decisions(&["checkpoint"]).await).expect("written");
            checkpoint = Some(file);
        }
    }
    hour.ask_again().await;
    let rows = hour.check().await;
    let checkpoint = checkpoint.expect("half of it is over").display().to_string();
    let verified = hour.world.place.decisions(&["verify", "--checkpoint", &checkpoint]).await;
    assert!(verified.starts_with(&format!("{} decisions in ", rows.decisions.len())), "{verified}");
    hour.tally.finish((hour.seed, hour.world.place.name(), seconds), (&hour.world.ledger, &rows));
    for server in 0..hour.world.instances.len() {
        hour.world.stop(server).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it lasts, is up to whoever runs it")]
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

impl Hour {
    /// Everybody acts at once; meanwhile the clock may go on, and something may go wrong.
    async fn step(&mut self, step: u64) {
        let dice = Dice::for_step(self.seed, step);
        let (acts, mut dice) = Plan::of(&mut self.world, dice, step).throw();
        let mishap = self.mishap(&mut dice, step);
        let after = |dice: &mut Dice| u32::try_from(dice.below(acts.len().max(1))).expect("few");
        let (goes_on_after, mishap_after) = (after(&mut dice), after(&mut dice));
        let goes_on = if dice.percent(30) { 1 + below(&mut dice, GOES_ON_MAX) } else { 0 };
        let world = &self.world;
        let answered = Semaphore::new(0);
        let until = async |answers: u32| drop(answered.acquire_many(answers).await.expect("it is open"));
        let everybody = join_all(acts.iter().map(async |act| {
            let told = world.perform(act).await;
            answered.add_permits(1);
            told
        }));
        let clock = async {
            until(goes_on_after).await;
            world.advance(goes_on);
        };
        let trouble = async {
            until(mishap_after).await;
            happen(world, mishap).await;
        };
        let (told, (), (), is_fresh) = tokio::join!(everybody, clock, trouble, tend(world));
        self.note(acts, told, &is_fresh).await;
        self.world.advance(2 + below(&mut dice, 11));
    }

    /// What goes wrong in this step, if anything does: one thing at a time.
    fn mishap(&mut self, dice: &mut Dice, step: u64) -> Option<Mishap> {
        if let Some(until) = self.out_until {
            return (step >= until).then(|| {
                self.out_until = None;
                Mishap::Mend
            });
        }
        if dice.percent(4) {
            let server = dice.below(self.world.instances.len());
            self.tally.went_wrong("restart");
            return Some(Mishap::Restart(server));
        }
        if !dice.percent(12) {
            return None;
        }
        let outage = if self.world.place.is_file() { Outage::Locked } else { network(dice) };
        self.out_until = Some(step + 1 + u64::try_from(dice.below(2)).expect("small"));
        self.tally.went_wrong(match outage {
            Outage::Locked => "locked",
            Outage::Network(_, Way::Cut | Way::CutOnce) => "cut",
            Outage::Network(_, Way::Refuse) => "refused",
            Outage::Network(_, Way::Stall) => "stalled",
            Outage::Network(_, Way::Trickle) => "trickled",
        });
        Some(Mishap::Break(outage))
    }

    /// Enters what everybody was told, and shows every token to a verifier.
    async fn note(&mut self, acts: Vec<Act>, told: Vec<Told>, is_fresh: &[bool]) {
        for (act, told) in acts.into_iter().zip(told) {
            let minted = match &act.deed {
                Deed::Mint { .. } | Deed::OneCall { .. } if told.was_done() => Some(told.json()),
                _ => None,
            };
            if let Some(minted) = minted {
                let text = |field: &str| minted[field].as_str().expect("a text");
                let token = text("verification_token");
                assert!(says(token, (text("user_id"), text("challenge_id"))), "{minted}");
                if let Some(server) = is_fresh.iter().position(|is_fresh| *is_fresh) {
                    assert!(
                        self.verifier.takes(&self.world, server, token).await,
                        "an unknown key: {minted}"
                    );
                    self.tally.verified();
                }
            }
            match act.deed {
                Deed::Call(call) => self.world.ledger.calls[call].told.push(told),
                _ => self.world.ledger.done.push(Done { act, told }),
            }
        }
    }

    /// Holds the record against the ledger.
    async fn check(&self) -> Rows {
        let rows = Rows::of(&self.world.place).await;
        let violations = check::violations(&self.world.ledger, &rows);
        assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
        rows
    }

    /// When all is well again, every call that got no verdict is sent once more, and gets one or is told that it had one.
    async fn ask_again(&mut self) {
        self.world.place.mend().await;
        for server in 0..self.world.instances.len() {
            self.world.until_ready(server).await;
        }
        for call in 0..self.world.ledger.calls.len() {
            for _ in 0..20 {
                let told = &self.world.ledger.calls[call].told;
                if told.iter().any(|told| matches!(told.status, Some(200 | 409))) {
                    break;
                }
                let told = self.world.perform(&Act::by(call % 2, Deed::Call(call))).await;
                self.world.ledger.calls[call].told.push(told);
            }
            let told = &self.world.ledger.calls[call].told;
            assert!(
                told.iter().any(|told| matches!(told.status, Some(200 | 409))),
                "call {call} has no verdict"
            );
        }
    }
}

fn below(dice: &mut Dice, bound: i64) -> i64 {
    i64::try_from(dice.below(usize::try_from(bound).expect("small"))).expect("small")
}

fn network(dice: &mut Dice) -> Outage {
    let reach = *dice.one(&[Reach::One(0), Reach::One(1), Reach::All]);
    Outage::Network(reach, *dice.one(&[Way::Cut, Way::CutOnce, Way::Refuse, Way::Stall, Way::Trickle]))
}

async fn happen(world: &World, mishap: Option<Mishap>) {
    match mishap {
        None => {}
        Some(Mishap::Break(outage)) => world.place.break_it(outage).await,
        Some(Mishap::Mend) => world.place.mend().await,
        Some(Mishap::Restart(server)) => {
            world.stop(server).await;
            world.start(server).await;
            world.until_ready(server).await;
        }
    }
}

/// Every server looks at its keys; who could knows them now.
async fn tend(world: &World) -> Vec<bool> {
    let mut is_fresh = Vec::new();
    for server in 0..world.instances.len() {
        is_fresh.push(world.tend(server).await);
    }
    is_fresh
}
