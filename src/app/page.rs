//! Lists that are read newest first, a page at a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::access::AccessError;
use crate::store::StoreError;

/// How much a page has where nobody says.
pub(super) const PAGE_USUAL: u32 = 50;
/// The most of a page.
pub(super) const PAGE_MAX: u32 = 200;

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A filter's value is not what it holds.
    #[error("`{0}` is not a valid value of that filter")]
    Filter(&'static str),
    /// The record could not be read, or that it was read could not be recorded.
    #[error("the record could not be read or written")]
    Store(#[from] StoreError),
}

/// Which page is asked for, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The most entries.
    pub(crate) limit: Option<u32>,
    /// Where the page before ended.
    pub(crate) cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Before this place in the record.
    pub(super) before: Option<i64>,
    /// The most entries.
    limit: u32,
}

impl PageQuery {
    /// Reads the query.
    ///
    /// # Errors
    /// [`PageError::Filter`] for a limit out of its bounds, or a cursor that is none.
    pub(super) fn page(self) -> Result<Page, PageError> {
        let limit = self.limit.unwrap_or(PAGE_USUAL);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(PageError::Filter("limit"));
        }
        let before =
            self.cursor.map(|text| from_cursor(&text).ok_or(PageError::Filter("cursor"))).transpose()?;
        Ok(Page { before, limit })
    }
}

impl Page {
    /// How many entries to fetch: one more than are shown tells whether there is another page.
    pub(super) const fn fetched(self) -> u32 {
        self.limit + 1
    }

    /// Takes away the entry too many, and tells where the next page begins.
    ///
    /// - `seq`: an entry's place in the record.
    pub(super) fn cut<T>(self, entries: &mut Vec<T>, seq: impl Fn(&T) -> i64) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if entries.len() <= limit {
            return None;
        }
        entries.truncate(limit);
        entries.last().map(|last| URL_SAFE_NO_PAD.encode(seq(last).to_be_bytes()))
    }
}

fn from_cursor(text: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}
