//! One look for all who ask: a look asks the database, and asking for one costs nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::Readiness;

/// The looks of one process.
#[derive(Default)]
pub(in crate::app) struct Looks {
    /// How many began.
    begun: AtomicU64,
    /// The last that came to its end, by its number.
    last: Mutex<Option<(u64, Readiness)>>,
}

impl Looks {
    /// What a look finds that began after somebody asked: this one, or, where another is under way, the one after it, which all
    /// share who wait for it.
    pub(super) async fn share(&self, look: impl Future<Output = Readiness>) -> Readiness {
        let begun_before = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if let Some((number, seen)) = &*last
            && *number > begun_before
        {
            return seen.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let seen = look.await;
        *last = Some((number, seen.clone()));
        seen
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use tokio::sync::Semaphore;

    use super::*;

    fn found(bundle: usize) -> Readiness {
        Readiness { status: "ready", bundle: bundle.to_string(), problems: Vec::new(), warnings: Vec::new() }
    }

    #[test]
    fn who_asks_while_a_look_is_under_way_shares_the_next() {
        let (looks, may_end) = (Looks::default(), Semaphore::new(0));
        let mut context = Context::from_waker(Waker::noop());
        let may_end = &may_end;
        let ask = |number| {
            looks.share(async move {
                may_end.acquire().await.expect("open").forget();
                found(number)
            })
        };
        let (mut first, mut second, mut third) = (pin!(ask(1)), pin!(ask(2)), pin!(ask(3)));
        for asking in [first.as_mut(), second.as_mut(), third.as_mut()] {
            assert!(asking.poll(&mut context).is_pending());
        }
        may_end.add_permits(1);
        assert_eq!(first.as_mut().poll(&mut context), Poll::Ready(found(1)));
        assert!(
            second.as_mut().poll(&mut context).is_pending(),
            "a look of its own: the first began too early"
        );
        may_end.add_permits(1);
        assert_eq!(second.as_mut().poll(&mut context), Poll::Ready(found(2)));
        assert_eq!(third.as_mut().poll(&mut context), Poll::Ready(found(2)), "shared");
        may_end.add_permits(1);
        assert_eq!(pin!(ask(4)).poll(&mut context), Poll::Ready(found(4)), "nothing is kept");
    }
}
