//! Comparisons of whole numbers.

#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Op {
    Eq,
    Lt,
    Lte,
    Gt,
    Gte,
}

impl Op {
    pub(super) const ALL: [Self; 5] = [Self::Eq, Self::Lt, Self::Lte, Self::Gt, Self::Gte];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
        }
    }

    pub(super) fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Lt => left < right,
            Self::Lte => left <= right,
            Self::Gt => left > right,
            Self::Gte => left >= right,
        }
    }
}
