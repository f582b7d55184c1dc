//! The book in which every metric is entered once, under its name and with what it says.

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::registry::Registry;

/// What every name of ours begins with.
const PREFIX: &str = "doorstep_";

/// What is registered.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) registry: Registry,
    /// How many there are: those that have no labels yet are not rendered.
    #[cfg(test)]
    pub(super) entries: usize,
}

impl Book {
    /// An empty book.
    pub(super) fn new() -> Self {
        Self {
            registry: Registry::default(),
            #[cfg(test)]
            entries: 0,
        }
    }

    /// Enters a metric that begins at zero.
    ///
    /// - `name`: without what all begin with and, for a counter, without `_total`.
    /// - `help`: without a full stop.
    pub(super) fn add<M>(&mut self, name: &'static str, help: &'static str) -> M
    where
        M: EncodeMetric + std::fmt::Debug + Default + Clone + Send + Sync + 'static,
    {
        self.take(name, help, M::default())
    }

    /// The same for one that has no beginning of its own.
    pub(super) fn take<M>(&mut self, name: &'static str, help: &'static str, metric: M) -> M
    where
        M: EncodeMetric + std::fmt::Debug + Clone + Send + Sync + 'static,
    {
        self.enter(format!("{PREFIX}{name}"), help, metric)
    }

    /// The same under a name that every process has.
    pub(super) fn add_as<M>(&mut self, name: &'static str, help: &'static str, metric: M) -> M
    where
        M: EncodeMetric + std::fmt::Debug + Clone + Send + Sync + 'static,
    {
        self.enter(name.to_owned(), help, metric)
    }

    fn enter<M>(&mut self, name: String, help: &'static str, metric: M) -> M
    where
        M: EncodeMetric + std::fmt::Debug + Clone + Send + Sync + 'static,
    {
        #[cfg(test)]
        {
            self.entries += 1;
        }
        self.registry.register(name, help, metric.clone());
        metric
    }
}
