//! From when until when a certificate is good. The library that serves it does not say, and a library that reads everything of
//! certificates would be a large one for two moments.

use std::time::Duration;

use jiff::civil::DateTime;

use crate::domain::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From when until when, in Unix seconds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

/// Why a certificate is not good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// Its time has not come.
    Early,
    /// Its time is over.
    Over,
}

impl Validity {
    /// Reads them from a certificate in DER; `None` for one that is not built as it should be.
    ///
    /// # Reference
    /// RFC 5280 §4.1 (`TBSCertificate`, `Validity`).
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = take(certificate, SEQUENCE)?;
        let (signed, _) = take(certificate, SEQUENCE)?;
        let after_version = take(signed, VERSION).map_or(signed, |(_, rest)| rest);
        let (_, after_serial) = take(after_version, INTEGER)?;
        let (_, after_algorithm) = take(after_serial, SEQUENCE)?;
        let (_, after_issuer) = take(after_algorithm, SEQUENCE)?;
        let (validity, _) = take(after_issuer, SEQUENCE)?;
        let (not_before, rest) = moment(validity)?;
        let (not_after, _) = moment(rest)?;
        Some(Self { not_before, not_after })
    }

    /// # Errors
    /// [`NotNow`].
    pub(crate) const fn at(self, now: Timestamp) -> Result<(), NotNow> {
        if now.unix_seconds() < self.not_before {
            Err(NotNow::Early)
        } else if now.unix_seconds() > self.not_after {
            Err(NotNow::Over)
        } else {
            Ok(())
        }
    }

    /// How long it is still good; nothing once it is over.
    pub(crate) fn left(self, now: Timestamp) -> Duration {
        Timestamp::from_unix_seconds(self.not_after).since(now)
    }
}

/// An element's content and what follows it; `None` for one of another tag, or one that ends beyond the bytes.
fn take(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(size @ 1..=4) => {
            let (size, rest) = rest.split_at_checked(usize::from(size))?;
            (size.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        Some(_) => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    (*found == tag).then_some((content, rest))
}

/// A moment in Unix seconds, and what follows it.
fn moment(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if let Some((text, rest)) = take(bytes, GENERALIZED_TIME) {
        let (year, text) = number(text, 4)?;
        return Some((unix_seconds(year, text)?, rest));
    }
    let (text, rest) = take(bytes, UTC_TIME)?;
    let (year, text) = number(text, 2)?;
    // RFC 5280 §4.1.2.5.1.
    let year = if year < 50 { 2000 + year } else { 1900 + year };
    Some((unix_seconds(year, text)?, rest))
}

/// - `rest`: month, day, hour, minute and second, two digits each, and `Z`.
fn unix_seconds(year: i16, rest: &[u8]) -> Option<i64> {
    let mut parts = [0_i8; 5];
    let mut rest = rest;
    for part in &mut parts {
        let (value, after) = number(rest, 2)?;
        (*part, rest) = (i8::try_from(value).ok()?, after);
    }
    let [month, day, hour, minute, second] = parts;
    let moment = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    (rest == b"Z").then(|| moment.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_secs())
}

fn number(text: &[u8], digits: usize) -> Option<(i16, &[u8])> {
    let (digits, rest) = text.split_at_checked(digits)?;
    let value =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((value.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    const CERTIFICATES: [(&str, i64, i64); 2] = [
        // 2020-01-01 to 2120-01-01: one moment in each form.
        (include_str!("../../../tests/tls/server.pem"), 1_577_836_800, 4_733_510_400),
        (include_str!("../../../tests/tls/expired.pem"), 1_577_836_800, 1_609_459_200),
    ];

    fn der(pem: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate").to_vec()
    }

    #[test]
    fn both_moments_are_read() {
        for (pem, not_before, not_after) in CERTIFICATES {
            assert_eq!(Validity::of(&der(pem)), Some(Validity { not_before, not_after }));
        }
    }

    #[test]
    fn what_is_no_certificate_has_none_and_breaks_nothing() {
        let whole = der(CERTIFICATES[0].0);
        let needed = (0..whole.len()).find(|length| Validity::of(&whole[..*length]).is_some());
        assert_eq!(needed, None, "the outermost element is cut short");
        for at in 0..whole.len().min(400) {
            for byte in [0x00, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = whole.clone();
                broken[at] = byte;
                let _ = Validity::of(&broken);
            }
        }
    }

    #[test]
    fn it_is_good_from_the_first_second_to_the_last() {
        let validity = Validity { not_before: 100, not_after: 200 };
        let at = |second| validity.at(Timestamp::from_unix_seconds(second));
        assert_eq!(
            (at(99), at(100), at(200), at(201)),
            (Err(NotNow::Early), Ok(()), Ok(()), Err(NotNow::Over))
        );
        let left = |second| validity.left(Timestamp::from_unix_seconds(second)).as_secs();
        assert_eq!((left(100), left(200), left(300)), (100, 0, 0));
    }

    #[test]
    fn a_moment_that_is_none_is_none() {
        let utc =
            |text: &str| moment(&[&[UTC_TIME, 13], text.as_bytes()].concat()).map(|(seconds, _)| seconds);
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("491231235959Z"), Some(2_524_607_999));
        for text in ["700101000000+", "701301000000Z", "700132000000Z", "70010100000 Z", "7001010000-1Z"] {
            assert_eq!(utc(text), None, "{text}");
        }
        let for_ever = [&[GENERALIZED_TIME, 15], &b"99991231235959Z"[..]].concat();
        assert_eq!(moment(&for_ever), Some((253_402_300_799, &b""[..])));
    }
}
