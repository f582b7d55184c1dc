//! Platforms: who reaches a softer verdict by asking from another one, and where an app would be let through without a step.
//!
//! Both are warnings, reckoned from pairs of rules as the laws are, so they may speak of a harmless bundle.

use std::borrow::Cow;

use super::Subject;
use super::overlap::Cases;
use crate::domain::{Platform, Verdict};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::outcome::{Outcome, Walked, is_plainly_softer};
use crate::policy::reader::Reader;
use crate::policy::rules::Active;
use crate::policy::steps::Walker;

/// Stands for every platform that has no name here.
const UNKNOWN: &str = "";

/// A rule, or `otherwise` as the last one.
struct Place<'s> {
    name: &'s str,
    span: Span,
    outcome: &'s Outcome,
    cases: Option<&'s Cases<'s>>,
    /// Whether it is there at all times.
    is_always_there: bool,
}

impl Place<'_> {
    fn reads_platform(&self) -> bool {
        self.cases.is_some_and(Cases::reads_platform)
    }

    fn can_decide_on(&self, platform: &Platform) -> bool {
        self.cases.is_none_or(|cases| !cases.on(platform).is_impossible())
    }

    /// Whether nothing below is reached from that platform.
    fn closes(&self, platform: &Platform) -> bool {
        self.is_always_there && self.cases.is_none_or(|cases| cases.on(platform).takes_all())
    }
}

/// Checks a file of scopes.
pub(super) fn check(reader: &mut Reader<'_>, subject: Subject<'_>, cases: &[Cases<'_>]) {
    let rules = subject.rules.rules.iter().zip(cases).map(|(read, cases)| Place {
        name: read.rule.id.as_str(),
        span: read.id_span,
        outcome: &read.rule.then,
        cases: Some(cases),
        is_always_there: read.rule.active == Active::default(),
    });
    let otherwise = subject.otherwise.map(|(outcome, span)| Place {
        name: "otherwise",
        span,
        outcome,
        cases: None,
        is_always_there: true,
    });
    let places: Vec<_> = rules.chain(otherwise).collect();
    native_continues(reader, &places);
    places.iter().for_each(|place| softer_else(reader, place));
    if places.iter().any(Place::reads_platform) {
        let seen = platforms().map(|platform| Seen::from(platform, &places));
        for (at, place) in places.iter().enumerate().filter(|(_, place)| place.reads_platform()) {
            softer_elsewhere(reader, (place, at), &places, &seen);
        }
    }
}

/// A file as it is from one platform.
struct Seen<'s> {
    platform: Platform,
    /// What each place decides about, reckoned once; `None` for all requests.
    cases: Vec<Option<Cases<'s>>>,
    /// Which places decide about something.
    is_open: Vec<bool>,
    /// The first place that leaves nothing to those below it.
    closing: usize,
}

impl<'s> Seen<'s> {
    fn from(platform: Platform, places: &[Place<'s>]) -> Self {
        let cases: Vec<_> = places.iter().map(|place| place.cases.map(|cases| cases.on(&platform))).collect();
        let is_open = cases.iter().map(|cases| !cases.as_ref().is_some_and(Cases::is_impossible)).collect();
        let takes_all = |(place, cases): (&Place<'_>, &Option<Cases<'_>>)| {
            place.is_always_there && cases.as_ref().is_none_or(Cases::takes_all)
        };
        let closing = places.iter().zip(&cases).position(takes_all).unwrap_or(places.len());
        Self { platform, cases, is_open, closing }
    }

    /// The cases of a place; `None` where it decides about nothing.
    fn at(&self, at: usize, own: &Cases<'s>) -> Option<Cow<'_, Cases<'s>>> {
        let cases = self.cases.get(at).filter(|_| self.is_open.get(at).is_some_and(|is_open| *is_open))?;
        Some(cases.as_ref().map_or_else(|| Cow::Owned(own.all()), Cow::Borrowed))
    }
}

/// A native SDK fails when a challenge is complete as soon as it is asked for (docs/CONTRACT.md C4.1).
fn native_continues(reader: &mut Reader<'_>, places: &[Place<'_>]) {
    let mut found: Vec<Vec<&str>> = places.iter().map(|_| Vec::new()).collect();
    let all = platforms();
    for platform in all.iter().filter(|platform| **platform != Platform::Web) {
        for (place, found) in places.iter().zip(&mut found) {
            let continues =
                || walkers(platform).iter().any(|walker| is_continue(&place.outcome.resolve(walker).0));
            if place.can_decide_on(platform) && continues() {
                found.push(shown(platform));
            }
            if place.closes(platform) {
                break;
            }
        }
    }
    for (place, platforms) in places.iter().zip(found).filter(|(_, platforms)| !platforms.is_empty()) {
        let message = format!(
            "`{}` may let requests from {} continue without a step, and Prelude's native SDKs can fail then",
            place.name,
            platforms.join(", ")
        );
        let help = "ask for `signals.platform: { eq: WEB }`, and give apps a step";
        reader.warning(Code::NativeContinues, place.span, message, help);
    }
}

/// A plan whose `else` is softer, on another platform, than the plan itself. An `else` that continues has its own warning.
fn softer_else(reader: &mut Reader<'_>, place: &Place<'_>) {
    let decided = |platform: &Platform| {
        let walkers = walkers(platform);
        walkers.map(|walker| place.outcome.resolve(&walker))
    };
    for strict in platforms() {
        for soft in platforms() {
            let pairs = decided(&strict).into_iter().zip(decided(&soft));
            let gains = pairs.into_iter().any(|((old, as_asked), (new, by_else))| {
                (as_asked, by_else) == (Walked::AsAsked, Walked::Else)
                    && !is_continue(&new)
                    && is_plainly_softer(&new, &old)
            });
            if gains {
                let help = "let `else` ask for at least as much, or write `else: block`";
                return warn(reader, place, (&soft, &strict), help);
            }
        }
    }
}

/// A rule for some platforms only, which leaves the others to softer rules below it, or is softer itself.
fn softer_elsewhere<'s>(
    reader: &mut Reader<'_>,
    (place, at): (&Place<'s>, usize),
    places: &[Place<'s>],
    seen: &[Seen<'s>],
) {
    let below = places.get(at + 1..).unwrap_or_default();
    if below.iter().all(|other| other.outcome == place.outcome) {
        return;
    }
    let open: Vec<_> = seen.iter().filter(|seen| seen.closing >= at).collect();
    for here in open.iter().copied() {
        let Some(Some(own)) = here.cases.get(at).filter(|_| here.is_open.get(at) == Some(&true)) else {
            continue;
        };
        for there in open.iter().copied().filter(|there| there.platform != here.platform) {
            if there.cases.get(at).is_some_and(|cases| cases.as_ref().is_some_and(|cases| cases.is_like(own)))
            {
                continue;
            }
            // What is decided on the way down reaches nothing below.
            let mut left = own.clone();
            for (at, other) in (at + 1..).zip(below) {
                let Some(theirs) = there.at(at, own).filter(|theirs| !left.exclude(theirs)) else { continue };
                let found = softer((place.outcome, &here.platform), (other.outcome, &there.platform));
                if let Some((soft, strict)) = found {
                    let help = "whoever asks can choose the platform: let all of them reach the same, or leave the \
                                condition out";
                    return warn(reader, place, (soft, strict), help);
                }
                if other.is_always_there {
                    left.take_away(&theirs);
                }
                if left.is_impossible() {
                    break;
                }
            }
        }
    }
}

/// Which of two platforms reaches the softer verdict, and which the stricter, though it could get the softer one too.
fn softer<'p>(
    (own, here): (&Outcome, &'p Platform),
    (other, there): (&Outcome, &'p Platform),
) -> Option<(&'p Platform, &'p Platform)> {
    let pairs = walkers(here).into_iter().zip(walkers(there));
    pairs.into_iter().find_map(|(at_home, away)| {
        let ((first, _), (second, _)) = (own.resolve(&at_home), other.resolve(&away));
        if is_plainly_softer(&first, &second) && can_be_given(own, &away) {
            Some((here, there))
        } else if is_plainly_softer(&second, &first) && can_be_given(other, &at_home) {
            Some((there, here))
        } else {
            None
        }
    })
}

/// Whether an outcome can be given as it is meant: its plan can be walked, and no app is let through without a step.
fn can_be_given(outcome: &Outcome, walker: &Walker) -> bool {
    let (verdict, walked) = outcome.resolve(walker);
    walked == Walked::AsAsked && (walker.platform == Platform::Web || !is_continue(&verdict))
}

fn warn(reader: &mut Reader<'_>, place: &Place<'_>, (soft, strict): (&Platform, &Platform), help: &str) {
    let message = format!(
        "because of `{}`, a request from {} can reach a softer verdict than the same one from {}",
        place.name,
        shown(soft),
        shown(strict)
    );
    reader.warning(Code::PlatformSoftens, place.span, message, help);
}

const fn is_continue(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Continue(_))
}

fn platforms() -> [Platform; 4] {
    [Platform::Web, Platform::Android, Platform::Ios, Platform::Other(UNKNOWN.into())]
}

fn shown(platform: &Platform) -> &str {
    if platform.as_str() == UNKNOWN { "an unknown platform" } else { platform.as_str() }
}

/// One user of every kind that steps can tell apart there, in one order for all platforms.
fn walkers(platform: &Platform) -> [Walker; 4] {
    [(false, false), (false, true), (true, false), (true, true)].map(|(has_phone, has_email)| Walker {
        platform: platform.clone(),
        has_phone,
        has_email,
    })
}
