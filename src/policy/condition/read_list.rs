//! Reading `in_list` and `mapped_by`: the list must be there, and its entries must fit what they are compared with.

use std::sync::Arc;

use super::operators::MAPPED_BY;
use super::read_test::FieldType;
use super::{Field, Listed, Test, Wanted};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::lists::fit::Use;
use crate::policy::lists::read::{Content, ReadList, ReadLists, entries, is_address};
use crate::policy::lists::{AddressList, MapList, TextList};
use crate::policy::reader::Reader;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Node};

/// The operators that look into lists.
pub(super) const OPERATORS: [&str; 2] = ["in_list", "mapped_by"];
const MAPPED_BY_HELP: &str = "write `mapped_by: { list: NAME, in: [VALUE, …] }`, or `eq: VALUE`";

/// Reads an operator that looks into a list, of a type that has it.
pub(super) fn test(
    reader: &mut Reader<'_>,
    operator: &Entry,
    (field, kind): (Field, FieldType<'_>),
    lists: &ReadLists<'_>,
) -> Option<Test> {
    let node = &operator.value;
    if &*operator.key == "mapped_by" {
        return mapped_by(reader, node, lists).map(Test::Listed);
    }
    let list = find(reader, node, lists)?;
    if matches!(kind, FieldType::Address) {
        return addresses(reader, node.span, list).map(Test::Listed);
    }
    let used = match kind {
        FieldType::Text(Some(rule)) => Use::Field(rule),
        FieldType::Platform => Use::Platforms,
        _ if field == Field::UserId => Use::UserIds,
        _ => Use::Texts,
    };
    texts(reader, node.span, list, used).map(|list| Test::Listed(Listed::Text(list)))
}

/// Reads the list of identifiers that a test asks for.
pub(super) fn identifiers(
    reader: &mut Reader<'_>,
    node: &Node,
    lists: &ReadLists<'_>,
) -> Option<Arc<TextList>> {
    let list = find(reader, node, lists)?;
    texts(reader, node.span, list, Use::Identifiers)
}

fn find<'l, 'f>(reader: &mut Reader<'_>, node: &Node, lists: &'l ReadLists<'f>) -> Option<&'l ReadList<'f>> {
    let name = reader.text(node, "`in_list`")?;
    let found = lists.get(name);
    if found.is_none() {
        let message = format!("there is no list `{name}`");
        let help = match lists.names().as_slice() {
            [] => format!("put its entries into `lists/{name}.txt`, one a line"),
            names => did_you_mean(name, names),
        };
        reader.fault(Code::UnknownList, node.span, message, help);
    }
    found
}

fn misfit(reader: &mut Reader<'_>, span: Span, list: &ReadList<'_>, why: &str, help: &str) {
    let message = format!("`{}` cannot be used here: {why}", list.name);
    reader.fault(Code::ListMisfit, span, message, help);
}

fn addresses(reader: &mut Reader<'_>, span: Span, list: &ReadList<'_>) -> Option<Listed> {
    match &list.content {
        Content::Addresses(list) => Some(Listed::Address(Arc::clone(list))),
        Content::Nothing => Some(Listed::Address(Arc::new(AddressList::empty(list.name)))),
        Content::Texts(_) => {
            let first = entries(list.file.text()).find(|entry| !is_address(entry.value));
            let line = first.map_or(1, |entry| entry.line);
            let why = format!("line {line} of {} is no address or range", list.file.name());
            misfit(reader, span, list, &why, "list addresses and ranges such as 198.51.100.0/24");
            None
        }
        Content::Mapping(_) => {
            let why = "it gives each address a value";
            misfit(reader, span, list, why, "ask for the value: `mapped_by: { list: NAME, in: [VALUE] }`");
            None
        }
    }
}

/// Takes a list of texts every one of which could be what the field holds: another one would never match, and nobody
/// would notice.
fn texts(reader: &mut Reader<'_>, span: Span, list: &ReadList<'_>, used: Use<'_>) -> Option<Arc<TextList>> {
    let texts = match &list.content {
        Content::Texts(texts) => Arc::clone(texts),
        Content::Nothing => return Some(Arc::new(TextList::empty(list.name))),
        Content::Addresses(_) | Content::Mapping(_) => {
            misfit(reader, span, list, "it lists addresses", "use it for `signals.ip`");
            return None;
        }
    };
    let mut strangers = entries(list.file.text()).filter(|entry| !used.fits(entry.value));
    let Some(first) = strangers.next() else { return Some(texts) };
    let more = match strangers.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let why = format!("line {} of {} is not {}{more}", first.line, list.file.name(), used.what());
    let help = "write entries as the field holds them, after its `normalise`; any other would never match";
    misfit(reader, span, list, &why, help);
    None
}

fn mapped_by(reader: &mut Reader<'_>, node: &Node, lists: &ReadLists<'_>) -> Option<Listed> {
    let map = reader.closed_map(node, "`mapped_by`", &MAPPED_BY)?;
    let list = reader
        .required(&map, "list", "`mapped_by`")
        .and_then(|node| Some((node, find(reader, node, lists)?)));
    let wanted = match (map.get("eq"), map.get("in")) {
        (Some(node), None) => reader.text(node, "`eq`").map(|text| vec![(node.span, text)]),
        (None, Some(node)) => words(reader, node),
        _ => {
            let message = "`mapped_by` needs either `eq` or `in`";
            reader.fault(Code::MissingKey, map.span, message, MAPPED_BY_HELP);
            None
        }
    };
    let ((name, list), wanted) = (list?, wanted?);
    let Content::Mapping(mapping) = &list.content else {
        if let Content::Nothing = list.content {
            let none = Arc::new(MapList::empty(list.name));
            return Some(Listed::Mapped(none, Wanted { values: texts_of(&wanted), ..Wanted::default() }));
        }
        let why = "it gives addresses no values";
        misfit(reader, name.span, list, why, "write `198.51.100.0/24,VALUE` in every line of it");
        return None;
    };
    let before = reader.count();
    for (span, text) in
        wanted.iter().filter(|(_, text)| !mapping.values().iter().any(|value| **value == **text))
    {
        let message = format!("`{}` gives no address the value `{text}`", list.name);
        reader.fault(Code::UnknownValue, *span, message, did_you_mean(text, mapping.values()));
    }
    let values = texts_of(&wanted);
    let addresses = (reader.count() == before).then(|| mapping.addresses(&values))?;
    Some(Listed::Mapped(Arc::clone(mapping), Wanted { values, addresses }))
}

/// In one order, so that two conditions which want the same are equal.
fn texts_of(wanted: &[(Span, &str)]) -> Vec<Box<str>> {
    let mut values: Vec<Box<str>> = wanted.iter().map(|(_, text)| (*text).into()).collect();
    values.sort_unstable();
    values
}

fn words<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<Vec<(Span, &'n str)>> {
    let items = reader.some_list(node, "`in`")?;
    let texts: Vec<_> = items
        .iter()
        .map(|item| reader.text(item, "an entry of `in`").map(|text| (item.span, text)))
        .collect();
    let texts = texts.into_iter().collect::<Option<Vec<_>>>()?;
    reader.refuse_repeats(&texts, "`in`");
    Some(texts)
}
