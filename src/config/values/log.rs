//! What is logged: one severity for everything, and others for single rooms of the house.

use std::fmt;

use super::super::shape::Wrong;

/// The rooms whose lines can have a severity of their own: all of the house (`src/lib.rs`).
pub(in crate::config) const ROOMS: [&str; 19] = [
    "app",
    "boot",
    "callbacks",
    "cli",
    "clock",
    "config",
    "domain",
    "emulator",
    "http",
    "keys",
    "metrics",
    "policy",
    "prelude",
    "random",
    "spans",
    "store",
    "telemetry",
    "testing",
    "token",
];

/// The least severity that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// And what may fail soon.
    Warn,
    /// And what happened.
    Info,
    /// And how.
    Debug,
    /// And every turn.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level's word in settings.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLevels {
    /// The least severity of rooms that are not named.
    pub(crate) base: LogLevel,
    /// Rooms that are, each once.
    pub(crate) rooms: Vec<(&'static str, LogLevel)>,
}

impl LogLevels {
    /// Reads a level, and `room=level` after it, with commas between them.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let mut parts = text.split(',').map(str::trim);
        let base = parts.next().and_then(LogLevel::parse).ok_or_else(wrong)?;
        let mut rooms: Vec<(&'static str, LogLevel)> = Vec::new();
        for part in parts {
            let (name, level) = part.split_once('=').ok_or_else(wrong)?;
            let room = ROOMS.into_iter().find(|room| *room == name).ok_or_else(wrong)?;
            if rooms.iter().any(|(named, _)| *named == room) {
                return Err(Wrong::impossible("names a room twice", "keep one of the two"));
            }
            rooms.push((room, LogLevel::parse(level).ok_or_else(wrong)?));
        }
        Ok(Self { base, rooms })
    }
}

impl LogLevels {
    /// The least severity of a room.
    pub(crate) fn of(&self, room: &str) -> LogLevel {
        self.rooms.iter().find(|(named, _)| *named == room).map_or(self.base, |(_, level)| *level)
    }
}

fn wrong() -> Wrong {
    let levels = LogLevel::ALL.map(LogLevel::as_str).join(", ");
    let help = format!(
        "write a level ({levels}), and then, where you like, rooms with another one: \"info,http=debug\"; rooms are {}",
        ROOMS.join(", ")
    );
    Wrong::impossible("is not a level with rooms after it", &help)
}

/// As it is written in settings.
impl fmt::Display for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str())?;
        self.rooms.iter().try_for_each(|(room, level)| write!(f, ",{room}={}", level.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_levels_or_a_fault() {
        for good in
            ["error", "warn", "info", "debug", "trace", "info,http=debug", "error,store=trace,app=info"]
        {
            assert_eq!(LogLevels::parse(good).map(|levels| levels.to_string()).as_deref(), Ok(good));
        }
        assert_eq!(LogLevels::parse("warn, http=debug"), LogLevels::parse("warn,http=debug"));
        for bad in [
            "INFO",
            "off",
            "",
            "info,",
            ",info",
            "info,http",
            "info,http=",
            "info,http=loud",
            "info,htp=debug",
            "http=debug",
            "info;http=debug",
            "info,http::hook=debug",
            "info,http=debug,http=info",
            "info,sqlx=debug",
        ] {
            assert!(LogLevels::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_room_can_be_named() {
        let map = include_str!("../../lib.rs");
        let module = |line: &'static str| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            line.strip_prefix("mod ")?.strip_suffix(';')
        };
        let mut rooms: Vec<_> = map.lines().filter_map(module).collect();
        rooms.sort_unstable();
        assert_eq!(rooms, ROOMS);
    }
}
