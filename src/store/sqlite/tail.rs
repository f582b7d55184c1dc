//! What was recorded but is not filed yet, held in memory for looking up.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::filing::{self, Rows, Run};
use crate::domain::{
    DecisionId, DecisionRecord, Kid, PastEvent, ReviewFound, ReviewQuery, SignatureHash, SignatureSeen,
    SubjectKey, Timestamp,
};
use crate::store::batch::Earlier;
use crate::store::filed::{About, Filed};

/// How many calls are held as later ones see them: about half a KiB each.
const EVENTS_HELD_MAX: usize = 2048;

/// A review that somebody can walk.
#[derive(Debug, Clone)]
struct Review {
    seq: i64,
    scope: Box<str>,
    walkable_until: Timestamp,
    /// None of what another process recorded.
    asked: Option<Box<Asked>>,
}

/// What a review asked for, and for what.
#[derive(Debug, Clone)]
struct Asked {
    decision_id: DecisionId,
    received_at: Timestamp,
    step_keys: Box<str>,
    metadata_digest: [u8; 32],
}

impl Asked {
    fn of(record: &DecisionRecord) -> Option<Box<Self>> {
        let step_keys = record.step_keys.as_deref()?.into();
        let DecisionRecord { id: decision_id, received_at, metadata_digest, .. } = *record;
        Some(Box::new(Self { decision_id, received_at, step_keys, metadata_digest }))
    }

    fn fits(&self, query: &ReviewQuery) -> bool {
        self.step_keys.split(' ').any(|key| key == query.step.as_str())
            && query.step_keys.as_deref().is_none_or(|keys| *keys == *self.step_keys)
            && query.metadata_digest.is_none_or(|digest| digest == self.metadata_digest)
    }
}

/// The end of `decisions` that `signatures`, `walkable_reviews` and `decision_subjects` do not have yet.
///
/// INVARIANT: every row after `filing.filed_through` and up to `last_seq` is in here. Rows may be both here and filed;
/// none is in neither.
#[derive(Debug, Default)]
pub(in crate::store) struct Tail {
    last_seq: i64,
    /// When the last of the calls arrived that were let go of.
    filed_until: Option<Timestamp>,
    signatures: HashMap<SignatureHash, (Earlier, Kid)>,
    reviews: HashMap<Box<str>, Vec<Review>>,
    subjects: HashMap<SubjectKey, Vec<Earlier>>,
    /// The newest calls, by their places, as later ones see them; none that came where nobody asked about the past.
    events: BTreeMap<i64, Arc<PastEvent>>,
}

impl Tail {
    /// An end without rows, after everything up to `filed_through` was filed.
    pub(super) fn filed_through(filed_through: i64) -> Self {
        Self { last_seq: filed_through, ..Self::default() }
    }

    /// The last decision that is known here.
    pub(super) const fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// How many decisions are held.
    pub(in crate::store) fn rows(&self) -> usize {
        self.signatures.len()
    }

    /// The decision that answered the signature, if it is among those held.
    pub(super) fn earlier(&self, signature: &SignatureHash) -> Option<Earlier> {
        self.signatures.get(signature).map(|(call, _)| *call)
    }

    /// Takes in a decision that was committed.
    ///
    /// - `event`: it, as later calls see it, where somebody has put that together.
    pub(super) fn add(
        &mut self,
        (seq, event): (i64, Option<&Arc<PastEvent>>),
        (signature, record): (&SignatureSeen, &DecisionRecord),
        filed: &Filed,
    ) {
        if let Some(event) = event {
            self.events.insert(seq, Arc::clone(event));
            if self.events.len() > EVENTS_HELD_MAX {
                self.events.pop_first();
            }
        }
        let call = Earlier { seq, received_at: record.received_at };
        self.add_call(signature, call);
        self.add_subjects(call, filed.keys(&record.subjects));
        if let Some(walkable_until) = record.walkable_until {
            let (user, scope) = (record.user_id.as_str(), record.scope.as_str().into());
            self.put_review(user, Review { seq, scope, walkable_until, asked: Asked::of(record) });
        }
    }

    /// Takes in the signature of a committed decision.
    pub(super) fn add_call(&mut self, signature: &SignatureSeen, call: Earlier) {
        self.last_seq = self.last_seq.max(call.seq);
        self.signatures.entry(signature.hash).or_insert_with(|| (call, signature.kid.clone()));
    }

    /// Takes in a review of a user for a scope that another process committed.
    pub(super) fn add_review(&mut self, seq: i64, (user, scope): (&str, &str), walkable_until: Timestamp) {
        self.put_review(user, Review { seq, scope: scope.into(), walkable_until, asked: None });
    }

    fn put_review(&mut self, user: &str, review: Review) {
        match self.reviews.get_mut(user) {
            Some(reviews) => reviews.push(review),
            None => drop(self.reviews.insert(user.into(), vec![review])),
        }
    }

    /// Takes in what a committed decision was about.
    pub(super) fn add_subjects<'k>(&mut self, call: Earlier, keys: impl Iterator<Item = &'k SubjectKey>) {
        for key in keys {
            match self.subjects.get_mut(key) {
                Some(calls) => calls.push(call),
                None => drop(self.subjects.insert(key.clone(), vec![call])),
            }
        }
    }

    /// Where the decisions about a subject stand whose calls came at `from` or later.
    pub(super) fn calls_about(&self, key: &SubjectKey, from: Timestamp) -> impl Iterator<Item = i64> {
        let calls = self.subjects.get(key).map_or(&[][..], Vec::as_slice);
        calls.iter().filter(move |call| call.received_at >= from).map(|call| call.seq)
    }

    /// The call at a place as it was recorded, as later ones see it, where that is held.
    pub(super) fn event(&self, seq: i64) -> Option<&Arc<PastEvent>> {
        self.events.get(&seq)
    }

    /// Where the user's reviews for the scope stand that can still be walked.
    pub(super) fn reviews(&self, query: &ReviewQuery) -> Vec<i64> {
        self.walkable(query).map(|review| review.seq).collect()
    }

    /// The newest review that fits, where that can be told of what is held.
    ///
    /// - returns: `None` where none fits, where one may fit of which too little is held, and where a newer one may be filed.
    pub(super) fn newest_review(&self, query: &ReviewQuery) -> Option<ReviewFound> {
        let mut newest: Option<((Timestamp, i64), ReviewFound)> = None;
        for review in self.walkable(query) {
            let Asked { decision_id, received_at, .. } = *review.asked.as_deref()?;
            let place = (received_at, review.seq);
            let is_newer = newest.as_ref().is_none_or(|(newest, _)| *newest < place);
            if is_newer && review.asked.as_ref().is_some_and(|asked| asked.fits(query)) {
                let walkable_until = review.walkable_until;
                newest = Some((place, ReviewFound { decision_id, received_at, walkable_until }));
            }
        }
        newest.map(|(_, found)| found).filter(|found| Some(found.received_at) > self.filed_until)
    }

    fn walkable<'t>(&'t self, query: &'t ReviewQuery) -> impl Iterator<Item = &'t Review> {
        let of_user = self.reviews.get(query.user_id.as_str()).map_or(&[][..], Vec::as_slice);
        of_user
            .iter()
            .filter(|review| &*review.scope == query.scope.as_str() && review.walkable_until > query.now)
    }
}

impl Tail {
    /// Plans the filing of all that is held now.
    pub(super) fn run(&self) -> Run {
        let signatures = self.signatures.iter().map(|(hash, (call, kid))| filing::Signature {
            hash: *hash,
            kid: kid.clone(),
            received_at: call.received_at,
            seq: call.seq,
        });
        let reviews = self.reviews.iter().flat_map(|(user, reviews)| {
            reviews.iter().map(move |review| filing::Review {
                user: user.clone(),
                scope: review.scope.clone(),
                walkable_until: review.walkable_until,
                seq: review.seq,
            })
        });
        let subjects = self.subjects.iter().flat_map(|(key, calls)| {
            calls.iter().map(|call| About { key: key.clone(), at: call.received_at, seq: call.seq })
        });
        let rows = Rows {
            signatures: signatures.collect(),
            reviews: reviews.collect(),
            subjects: subjects.collect(),
        };
        Run { through: self.last_seq, slices: rows.into_slices() }
    }

    /// Lets go of what was filed.
    pub(super) fn forget_through(&mut self, seq: i64) {
        self.signatures.retain(|_, (call, _)| {
            let stays = call.seq > seq;
            if !stays {
                self.filed_until = self.filed_until.max(Some(call.received_at));
            }
            stays
        });
        self.reviews.retain(|_, reviews| {
            reviews.retain(|review| review.seq > seq);
            !reviews.is_empty()
        });
        self.subjects.retain(|_, calls| {
            calls.retain(|call| call.seq > seq);
            !calls.is_empty()
        });
        self.events = self.events.split_off(&seq.saturating_add(1));
    }
}

/// The tail, shared between the writer, which changes it, and those who look for a review.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct SharedTail(Arc<RwLock<Tail>>);

impl SharedTail {
    /// For looking up. Held for no longer than that: never across an await.
    pub(in crate::store) fn read(&self) -> RwLockReadGuard<'_, Tail> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For changing. Held for no longer than that: never across an await.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Tail> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Subject;
    use crate::store::past;
    use crate::store::tests::{block, signature};

    #[test]
    fn calls_are_held_as_later_ones_see_them_up_to_a_bound_and_until_they_are_filed() {
        let key = SubjectKey::new([1]);
        let record = DecisionRecord { subjects: vec![(Subject::User, key.clone())], ..block(1) };
        let event = Arc::new(past::event(&record));
        let mut tail = Tail::filed_through(0);
        let last = i64::try_from(EVENTS_HELD_MAX).expect("small") + 1;
        for seq in 1..=last {
            let signature = signature(seq.unsigned_abs());
            tail.add((seq, Some(&event)), (&signature, &record), &Filed::default());
        }
        tail.add((last + 1, None), (&signature(0), &record), &Filed::default());
        let is_held = |tail: &Tail, seq| tail.event(seq).is_some();
        assert!(!is_held(&tail, 1) && is_held(&tail, 2) && is_held(&tail, last) && !is_held(&tail, last + 1));
        assert!(tail.calls_about(&key, record.received_at).eq(1..=last + 1), "each is known, held or not");
        tail.forget_through(last - 1);
        assert!(!is_held(&tail, last - 1) && is_held(&tail, last));
        assert!(tail.calls_about(&key, record.received_at).eq(last..=last + 1));
    }
}
