//! Reading what money is compared with: one bound for each currency that can come, or one that others are converted to.

use super::read_test::{comparison as comparison_of, in_order, pair};
use super::{Bound, Test};
use crate::domain::{Amount, Currency};
use crate::policy::diagnostic::{Code, Span};
use crate::policy::literal;
use crate::policy::rates::read::ReadRates;
use crate::policy::reader::Reader;
use crate::policy::schema::MoneyRule;
use crate::policy::suggest::did_you_mean;
use crate::policy::yaml::{Entry, Kind, Node};

/// The money that is compared, and the rates by which it can be converted.
type Money<'n> = (&'n MoneyRule, &'n ReadRates);

/// Reads `eq lt lte gt gte` of money.
pub(super) fn comparison(reader: &mut Reader<'_>, operator: &Entry, money: Money<'_>) -> Option<Test> {
    let comparison = comparison_of(&operator.key)?;
    let what = format!("`{}`", operator.key);
    let items = reader.one_or_more(&operator.value, &what)?;
    let bounds: Vec<_> = items
        .iter()
        .map(|item| {
            literal::money(reader, item, &what).map(|(amount, currency)| (item.span, currency, amount))
        })
        .collect();
    let bounds: Option<Vec<_>> = bounds.into_iter().collect();
    Some(Test::Money(comparison, per_currency(reader, operator.value.span, bounds?, money)?))
}

/// Reads `between` of money.
pub(super) fn between(reader: &mut Reader<'_>, node: &Node, money: Money<'_>) -> Option<Test> {
    let items = reader.some_list(node, "`between`")?;
    let is_list_of_pairs = items.iter().all(|item| matches!(item.kind, Kind::List(_)));
    let pairs = if is_list_of_pairs { items } else { std::slice::from_ref(node) };
    let bounds: Vec<_> = pairs.iter().map(|node| money_pair(reader, node)).collect();
    let bounds: Option<Vec<_>> = bounds.into_iter().collect();
    Some(Test::MoneyBetween(per_currency(reader, node.span, bounds?, money)?))
}

fn money_pair(reader: &mut Reader<'_>, node: &Node) -> Option<Stated<(Amount, Amount)>> {
    let (low, high) = pair(reader, node)?;
    let (low, high) = (literal::money(reader, low, "`between`"), literal::money(reader, high, "`between`"));
    let ((low, currency), (high, other)) = (low?, high?);
    if currency != other {
        let help = "give both ends in one currency, and a pair for each currency";
        reader.fault(Code::BadLiteral, node.span, "the ends of `between` are in two currencies", help);
        return None;
    }
    in_order(reader, node.span, (low, high)).map(|ends| (node.span, currency, ends))
}

/// A bound as it stands in the file.
type Stated<T> = (Span, Currency, T);

/// Puts bounds in the order of the schema's currencies: exactly one for each, or a request in a currency that was not
/// thought of would pass by the rule. A currency without a bound of its own is converted to that of the first.
fn per_currency<T: Copy>(
    reader: &mut Reader<'_>,
    span: Span,
    stated: Vec<Stated<T>>,
    (rule, rates): Money<'_>,
) -> Option<Vec<Bound<T>>> {
    let before = reader.count();
    let (_, target, bound) = stated.first().copied()?;
    let own = own_bounds(reader, stated, (rule, rates));
    let converted = |from: Currency| {
        let exchange = rates.known().and_then(|rates| rates.exchange(from, target));
        exchange.map(|exchange| Bound::Foreign(bound, exchange)).ok_or(from)
    };
    let bounds = rule.currencies.iter().zip(own).map(|(from, own)| match own {
        Some(bound) => Ok(Bound::Own(bound)),
        None => converted(*from),
    });
    let bounds: Vec<Result<Bound<T>, Currency>> = bounds.collect();
    let missing: Vec<_> = bounds.iter().filter_map(|bound| bound.as_ref().err().copied()).collect();
    // What a broken file may hold is not missing here, and the bundle does not load anyway.
    if !missing.is_empty() && !rates.are_broken() {
        not_covered(reader, span, (target, &missing), (rule, rates));
    }
    if reader.count() == before { bounds.into_iter().map(Result::ok).collect() } else { None }
}

/// The bounds that are in a currency of the scope, in their order.
fn own_bounds<T: Copy>(
    reader: &mut Reader<'_>,
    stated: Vec<Stated<T>>,
    (rule, rates): Money<'_>,
) -> Vec<Option<T>> {
    let mut by_place: Vec<Option<T>> = rule.currencies.iter().map(|_| None).collect();
    let mut strangers = Vec::new();
    for (at, (span, currency, bound)) in stated.into_iter().enumerate() {
        let place = rule.currencies.iter().position(|known| *known == currency);
        match place.and_then(|place| by_place.get_mut(place)) {
            None => strangers.push((at, span, currency)),
            Some(Some(_)) => {
                let message = format!("two bounds in {currency}");
                reader.fault(Code::DuplicateItem, span, message, "keep one of the two");
            }
            Some(slot) => *slot = Some(bound),
        }
    }
    // The first bound may be in any currency, as long as something is converted to it: whether there are rates for that
    // is found out where it is done.
    let is_target = by_place.iter().any(Option::is_none) && !matches!(rates, ReadRates::Absent);
    strangers.retain(|(at, ..)| *at > 0 || !is_target);
    let known: Vec<_> = rule.currencies.iter().map(Currency::as_str).collect();
    for (_, span, currency) in strangers {
        let message = format!("`{}` is never in {currency}", rule.path);
        reader.fault(Code::CurrencyNotCovered, span, message, did_you_mean(currency.as_str(), &known));
    }
    by_place
}

fn not_covered(
    reader: &mut Reader<'_>,
    span: Span,
    (target, missing): (Currency, &[Currency]),
    (rule, rates): Money<'_>,
) {
    let listed = |currencies: &[Currency], between: &str| {
        currencies.iter().map(Currency::as_str).collect::<Vec<_>>().join(between)
    };
    let bounds = format!("give one bound for each currency, `[… {}]`", listed(&rule.currencies, ", … "));
    let (message, way_out) = match rates.known() {
        None => (
            format!("no bound in {}, and `{}` may be in it", listed(missing, ", "), rule.path),
            "add `rates.yaml`, by which money is converted".to_owned(),
        ),
        Some(rates) => {
            let all = missing.iter().copied().chain([target]);
            let unknown: Vec<_> = all.filter(|currency| !rates.currencies().contains(currency)).collect();
            let unknown = listed(&unknown, ", ");
            let missing = listed(missing, ", ");
            (
                format!("no bound in {missing}, and no rate for {unknown}"),
                format!("add {unknown} to `rates.yaml`"),
            )
        }
    };
    let help = format!("{bounds}, {way_out}, or narrow the currency field's `one_of`");
    reader.fault(Code::CurrencyNotCovered, span, message, help);
}
