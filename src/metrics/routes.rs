//! Requests by the address they were for and the status they got.

use std::cell::OnceCell;

use super::labels::RouteAndCode;
use super::{Count, Metrics};

/// What the server answers with; any other status is counted as `other`.
const CODES: [u16; 20] =
    [200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 431, 500, 502, 503];

/// The requests for one address. Each worker has its own, so what was looked up once needs no lock.
pub(crate) struct RouteCounts {
    route: &'static str,
    /// One for each of [`CODES`], and one for all others.
    by_code: [OnceCell<Count>; CODES.len() + 1],
}

impl RouteCounts {
    /// - `route`: the address as it is written in the program, never as a caller writes it.
    pub(crate) fn of(route: &'static str) -> Self {
        Self { route, by_code: [const { OnceCell::new() }; CODES.len() + 1] }
    }

    /// Counts an answer.
    ///
    /// - `metrics`: asked for the first answer with a status only.
    pub(crate) fn answered<'m>(&self, status: u16, metrics: impl FnOnce() -> Option<&'m Metrics>) {
        let place = CODES.iter().position(|code| *code == status).unwrap_or(CODES.len());
        // INVARIANT: there is one more than codes.
        let Some(held) = self.by_code.get(place) else { return };
        match held.get() {
            Some(count) => count.one(),
            None => {
                let Some(metrics) = metrics() else { return };
                let code = CODES.get(place).map_or_else(|| "other".to_owned(), u16::to_string);
                let labels = RouteAndCode { route: self.route, code };
                held.get_or_init(|| Count::of(metrics.calls.requests.get_or_create_owned(&labels))).one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_once_is_not_asked_for_again() {
        let metrics = Metrics::new();
        let route = RouteCounts::of("/healthz");
        route.answered(200, || None);
        for status in [200, 404, 299] {
            route.answered(status, || Some(&metrics));
            route.answered(status, || panic!("it is known"));
        }
        let text = metrics.render();
        for code in ["200", "404", "other"] {
            let line = format!("doorstep_http_requests_total{{route=\"/healthz\",code=\"{code}\"}} 2\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
