//! The stable names of what can be found in policy files.

use std::fmt;

use serde::Serialize;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// What kind of finding. Names are stable: scripts and dashboards may match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub(crate) enum Code {
            $($(#[doc = $doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, in the order of `docs/POLICIES.md`.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code's stable name.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// A file or the directory cannot be read, or is not UTF-8.
    FileUnreadable = "file_unreadable",
    /// A file whose name or place means that nobody would read it.
    FileName = "file_name",
    /// A bundle that covers no scope at all.
    NoScopes = "no_scopes",
    /// A file that is not YAML.
    YamlSyntax = "yaml_syntax",
    /// YAML that policy files do without: anchors, aliases, tags, merge keys, directives, several documents.
    YamlFeature = "yaml_feature",
    /// A file, bundle, list or rule beyond its limit.
    Limit = "limit",
    /// One key twice in a map.
    DuplicateKey = "duplicate_key",
    /// A key that does not belong here.
    UnknownKey = "unknown_key",
    /// A key that must be here.
    MissingKey = "missing_key",
    /// A list where a map belongs, a text where a list belongs, and so on.
    WrongShape = "wrong_shape",
    /// Nothing where something must be: an empty text, list or map.
    Empty = "empty",
    /// A text that cannot be read as what it must be: a decimal, a duration, an address range, a name.
    BadLiteral = "bad_literal",
    /// A readable value outside its bounds, or bounds the wrong way round.
    OutOfRange = "out_of_range",
    /// A field that conditions cannot look at.
    UnknownField = "unknown_field",
    /// An operator that the field's type does not have.
    UnknownOperator = "unknown_operator",
    /// A step that is neither managed nor in `steps.yaml`.
    UnknownStep = "unknown_step",
    /// A scope that the file or bundle does not cover.
    UnknownScope = "unknown_scope",
    /// A list that the bundle does not have.
    UnknownList = "unknown_list",
    /// A list whose entries do not fit what they are compared with.
    ListMisfit = "list_misfit",
    /// A rule that is not in the file.
    UnknownRule = "unknown_rule",
    /// A value that can never occur: not in `one_of`, no platform, no identifier type.
    UnknownValue = "unknown_value",
    /// Two rules with one id.
    DuplicateRule = "duplicate_rule",
    /// Two claims on one scope.
    DuplicateScope = "duplicate_scope",
    /// The same entry twice in a list.
    DuplicateItem = "duplicate_item",
    /// A rule called `otherwise`, which is the word for no rule.
    ReservedRule = "reserved_rule",
    /// A step that must not be defined: managed by Prelude, or a word of the language or of Prelude.
    ReservedStep = "reserved_step",
    /// More metadata fields than Prelude sends, or a name that it does not take.
    MetadataLimit = "metadata_limit",
    /// `present` on a field that is always there.
    AlwaysPresent = "always_present",
    /// Parts of one condition that cannot hold together.
    Contradiction = "contradiction",
    /// Money whose amount or currency is not a fitting metadata field.
    MoneyField = "money_field",
    /// A money bound that says nothing about a currency that may come, or speaks of one that may not.
    CurrencyNotCovered = "currency_not_covered",
    /// Exchange rates older than they say they may be.
    RatesExpired = "rates_expired",
    /// A question about the past whose parts do not fit together: a bound that every call meets, or none; a field that one of
    /// the counted scopes has in another form.
    HistoryMisfit = "history_misfit",
    /// A condition on executions in a bundle whose executions are not reported.
    ExecutionsUnreported = "executions_unreported",
    /// A plan in which one step could come twice.
    StepRepeated = "step_repeated",
    /// A step or plan that nobody can walk on any platform.
    NotWalkable = "not_walkable",
    /// A grant mode that the scope or its rules forbid.
    GrantMode = "grant_mode",
    /// A rule that reads an optional field and does not say what its absence means.
    IfAbsentMissing = "if_absent_missing",
    /// `if_absent` on a rule that reads no optional field.
    IfAbsentUnused = "if_absent_unused",
    /// Leaving a field out could reach a softer verdict.
    OmissionSoftens = "omission_softens",
    /// Asking again could reach a softer verdict.
    AskingSoftens = "asking_softens",
    /// A rule that may continue above a block that it might bypass.
    ContinueAboveBlock = "continue_above_block",
    /// `overrides` naming a rule that is not a later block.
    OverridesNothing = "overrides_nothing",
    /// A rule of `always.yaml` that does not block.
    AlwaysOnlyBlocks = "always_only_blocks",
    /// A rule of `always.yaml` that reads metadata or money.
    AlwaysReadsMetadata = "always_reads_metadata",
    /// Warning: a rule that can never decide.
    NeverMatches = "never_matches",
    /// Warning: whoever matches no rule continues.
    OtherwiseContinues = "otherwise_continues",
    /// Warning: an app could be let through without a step, which its SDK can fail at.
    NativeContinues = "native_continues",
    /// Warning: a request from one platform reaches a softer verdict than the same one from another.
    PlatformSoftens = "platform_softens",
    /// Warning: whoever cannot walk a plan continues.
    ElseContinues = "else_continues",
    /// Warning: a step that no rule asks for.
    StepUnused = "step_unused",
    /// Warning: a list that no rule looks into.
    ListUnused = "list_unused",
    /// Warning: exchange rates by which no rule converts.
    RatesUnused = "rates_unused",
    /// Warning: an entry that stands in the list already.
    ListRepeats = "list_repeats",
    /// Warning: a scope that Prelude resolves itself, without asking.
    ScopeNeverAsked = "scope_never_asked",
    /// Warning: a rule whose last day is past.
    Expired = "expired",
    /// Warning: windows that reach further back than the record is kept, which is not this room's to know.
    PastNotKept = "past_not_kept",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_to_its_reader() {
        let page = include_str!("../../../docs/POLICIES.md");
        for code in Code::ALL {
            assert!(page.contains(&format!("| `{code}` |")), "docs/POLICIES.md does not explain {code}");
        }
    }
}
