//! Calls in as few bytes as is simple: words once, moments and places by their distance from the one before.
//!
//! A version; how many words and each of them; how many calls and each of them: place, moment, scope, verdict, until when usable, when
//! executed, subjects, money. Numbers are in groups of seven bits, signed ones folded; a word is its number.

use std::collections::HashMap;

use super::Segment;
use crate::domain::{Amount, Currency, PastCall, Scope, SettledCalls, SubjectKey, Timestamp, VerdictKind};
use crate::store::traits;

/// How it is written here.
const VERSION: u8 = 1;

/// Packs calls with their places, which rise.
pub(in crate::store) fn pack(calls: &[(i64, PastCall)]) -> Vec<u8> {
    let mut body = Packing::default();
    body.number(u64::try_from(calls.len()).unwrap_or(u64::MAX));
    let (mut before, mut moment) = (0, 0);
    for (seq, call) in calls {
        let at = call.at.unix_micros();
        body.distance(*seq, before);
        body.distance(at, moment);
        (before, moment) = (*seq, at);
        body.word(call.scope.as_str());
        body.word(call.verdict.as_str());
        body.moment(call.usable_until, at);
        body.moment(call.executed_at, at);
        body.number(u64::try_from(call.subjects.len()).unwrap_or(u64::MAX));
        for (subject, key) in &call.subjects {
            body.word(&traits::word(subject));
            body.bytes(key.as_bytes());
        }
        body.number(u64::try_from(call.money.len()).unwrap_or(u64::MAX));
        for (name, amount, currency) in &call.money {
            body.word(name);
            body.bytes(amount.to_string().as_bytes());
            body.word(currency.as_str());
        }
    }
    body.finish()
}

/// Unpacks them; `None` for what was not written here.
pub(in crate::store) fn unpack(bytes: &[u8]) -> Option<Segment> {
    let mut rest = Unpacking(bytes);
    if rest.byte()? != VERSION {
        return None;
    }
    let words =
        (0..rest.number()?).map(|_| std::str::from_utf8(rest.bytes()?).ok()).collect::<Option<Vec<_>>>()?;
    let word = |rest: &mut Unpacking<'_>| words.get(usize::try_from(rest.number()?).ok()?).copied();
    let count = usize::try_from(rest.number()?).ok().filter(|count| *count <= bytes.len())?;
    let (mut seqs, mut calls) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut seq, mut at) = (0_i64, 0_i64);
    let mut scope: Option<Scope> = None;
    for _ in 0..count {
        seq = rest.distance(seq)?;
        at = rest.distance(at)?;
        let name = word(&mut rest)?;
        let its_scope = match &scope {
            Some(scope) if scope.as_str() == name => scope.clone(),
            _ => Scope::new(name).ok()?,
        };
        scope = Some(its_scope.clone());
        let verdict = VerdictKind::parse(word(&mut rest)?)?;
        let (usable_until, executed_at) = (rest.moment(at)?, rest.moment(at)?);
        let subjects = (0..rest.number()?)
            .map(|_| Some((traits::subject(word(&mut rest)?)?, SubjectKey::new(rest.bytes()?))))
            .collect::<Option<_>>()?;
        let money = (0..rest.number()?)
            .map(|_| {
                let name = word(&mut rest)?.into();
                let amount = Amount::parse(std::str::from_utf8(rest.bytes()?).ok()?).ok()?;
                Some((name, amount, Currency::parse(word(&mut rest)?)?))
            })
            .collect::<Option<_>>()?;
        seqs.push(seq);
        calls.push(PastCall {
            at: Timestamp::from_unix_micros(at),
            scope: its_scope,
            verdict,
            subjects,
            money,
            usable_until,
            executed_at,
        });
    }
    let last_at = calls.iter().map(|call| call.at).max().unwrap_or(Timestamp::from_unix_micros(i64::MIN));
    rest.0.is_empty().then(|| Segment { seqs, calls: SettledCalls::of(calls), last_at })
}

/// What is packed so far, apart from the words that it names.
#[derive(Default)]
struct Packing {
    bytes: Vec<u8>,
    words: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u64>,
}

impl Packing {
    fn number(&mut self, number: u64) {
        push_number(&mut self.bytes, number);
    }

    fn distance(&mut self, number: i64, from: i64) {
        push_number(&mut self.bytes, fold(number.wrapping_sub(from)));
    }

    /// A moment by its distance from another one, and one that there is not.
    fn moment(&mut self, moment: Option<Timestamp>, from: i64) {
        self.bytes.push(u8::from(moment.is_some()));
        if let Some(moment) = moment {
            self.distance(moment.unix_micros(), from);
        }
    }

    fn word(&mut self, word: &str) {
        let number = match self.numbers.get(word) {
            Some(number) => *number,
            None => {
                let number = u64::try_from(self.words.len()).unwrap_or(u64::MAX);
                self.words.push(word.into());
                self.numbers.insert(word.into(), number);
                number
            }
        };
        self.number(number);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        push_bytes(&mut self.bytes, bytes);
    }

    fn finish(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.bytes.len() + 16 * self.words.len());
        whole.push(VERSION);
        push_number(&mut whole, u64::try_from(self.words.len()).unwrap_or(u64::MAX));
        self.words.iter().for_each(|word| push_bytes(&mut whole, word.as_bytes()));
        whole.extend_from_slice(&self.bytes);
        whole
    }
}

fn push_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    push_number(to, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    to.extend_from_slice(bytes);
}

fn push_number(to: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            to.push(low & 0x7f);
            return;
        }
        to.push(low | 0x80);
    }
}

/// Small numbers of either sign become small ones without.
const fn fold(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

const fn unfold(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// What is still to be unpacked.
struct Unpacking<'b>(&'b [u8]);

impl<'b> Unpacking<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn distance(&mut self, from: i64) -> Option<i64> {
        Some(from.wrapping_add(unfold(self.number()?)))
    }

    fn moment(&mut self, from: i64) -> Option<Option<Timestamp>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(Timestamp::from_unix_micros(self.distance(from)?))),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PastEvent, Subject};

    fn calls() -> Vec<(i64, PastCall)> {
        let moment = Timestamp::from_unix_micros;
        let key = |bytes: &[u8]| SubjectKey::new(bytes);
        let call = |n: i64| PastCall {
            at: moment(1_790_000_000_000_000 - n * n * n * 1_000_003),
            scope: Scope::new(if n % 3 == 0 { "a:b" } else { "transfer:write" }).expect("a scope"),
            verdict: if n % 2 == 0 { VerdictKind::Block } else { VerdictKind::Review },
            subjects: vec![
                (Subject::User, key(&[7; 16])),
                (Subject::Ip, key(&n.to_be_bytes())),
                (Subject::Metadata("payee".into()), key(&[0; 40])),
            ],
            money: if n % 4 == 0 {
                Vec::new()
            } else {
                let amount = Amount::parse("79228162514264337593543950335").expect("an amount");
                vec![("value".into(), amount, Currency::parse("USD").expect("a currency"))]
            },
            usable_until: (n % 2 == 1).then(|| moment(i64::MAX - n)),
            executed_at: (n % 5 == 1).then(|| moment(i64::MIN + n)),
        };
        (0..40).map(|n| (n * n * 1000 + 1, call(n))).collect()
    }

    #[test]
    fn what_is_packed_comes_back_whole() {
        for count in [0, 1, 40] {
            let calls: Vec<_> = calls().into_iter().take(count).collect();
            let segment = unpack(&pack(&calls)).expect("what was packed");
            let (seqs, events): (Vec<_>, Vec<_>) =
                calls.into_iter().map(|(seq, call)| (seq, PastEvent::Call(call))).unzip();
            assert_eq!((segment.seqs, segment.calls.into_events()), (seqs, events));
        }
        let bytes = pack(&calls()).len();
        assert!(
            bytes < 40 * 120,
            "{bytes} bytes for 40 calls, of which each has 64 of keys and up to 29 of an amount"
        );
    }

    #[test]
    fn numbers_of_every_size_come_back() {
        for number in [0, 1, -1, 63, 64, -64, -65, i64::MAX, i64::MIN] {
            let mut packing = Packing::default();
            packing.distance(number, 0);
            assert_eq!(Unpacking(&packing.bytes).distance(0), Some(number));
        }
    }

    /// Cut or changed anywhere it is refused, or other calls: never a panic, never more than its bytes can hold.
    #[test]
    fn what_was_not_written_here_is_refused() {
        let whole = pack(&calls());
        for length in 0..whole.len() {
            assert!(unpack(&whole[..length]).is_none(), "cut at {length}");
        }
        assert!(unpack(&[&whole[..], &[0]].concat()).is_none(), "longer");
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut other = whole.clone();
                other[at] ^= flip;
                drop(unpack(&other));
            }
        }
        let mut newer = whole;
        newer[0] = 2;
        assert!(unpack(&newer).is_none());
    }
}
